"""How long a job's voice and its finished video are, known as soon as its inputs are."""

from dataclasses import dataclass

from gateway.billing.plans import Metered
from gateway.submissions import Submission
from services.common.errors import LipstageError
from services.common.messages import LengthPolicy


@dataclass(frozen=True)
class Lengths:
    voice_s: float
    output_s: float

    def metered_s(self, metered: Metered) -> float:
        return self.voice_s if metered == "voice" else self.output_s


def lengths(policy: LengthPolicy, video_s: float, voice_s: float) -> Lengths:
    """What the inputs and the length policy come to; the part of a frame by which an output may be longer is free."""
    if policy == "cut":
        return Lengths(voice_s, min(video_s, voice_s))
    return Lengths(voice_s, video_s if policy == "silence" else voice_s)


def submitted_lengths(submission: Submission) -> Lengths:
    """Those of a job whose inputs are stored. Raises LipstageError for one whose are not."""
    video, audio = submission.video, submission.audio
    if video is None or audio is None:
        raise LipstageError(f"Job {submission.id} cannot be metered before its inputs are stored.", job=submission.id)
    return lengths(submission.request.parameters.length, video.duration_s, audio.duration_s)
