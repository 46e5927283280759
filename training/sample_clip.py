"""The clip and the two voices that come with the source: somebody the networks have never seen, speaking English."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from services.common.errors import InvalidParameter
from services.common.media.audio import SAMPLE_RATE_HZ
from training.speech_bank import FPS
from training.synthetic.clip import write_clip, write_sound
from training.synthetic.espeak import EspeakVoice, espeak_available, utter
from training.synthetic.identity import draw_identity
from training.synthetic.pose import pose_track
from training.synthetic.splits import identity_rng
from training.synthetic.visemes import VISEME_RATE_HZ, viseme_track
from training.waveforms import as_int16

PERSON = 12
SAYS_A = ("Hello, and welcome. My lips move with my own voice.", EspeakVoice("en-us+Annie", 150, 55, 55))
SAYS_B = ("Good morning. Now I speak with another voice, frame by frame.", EspeakVoice("en-gb+Alicia", 145, 40, 60))


def write_samples(directory: Path) -> None:
    """Writes `talking_head.mp4`, `voice_a.m4a` (what it says) and `voice_b.m4a`; raises InvalidParameter."""
    if not espeak_available():
        raise InvalidParameter("The sample voices are spoken by eSpeak NG: apt install espeak-ng")
    (wave_a, visemes), (wave_b, _) = (_spoken(*said) for said in (SAYS_A, SAYS_B))
    rng = identity_rng("held_out", PERSON)
    identity = draw_identity(rng)
    write_clip(directory / "talking_head.mp4", identity, visemes, pose_track(rng, len(visemes), FPS), wave_a)
    write_sound(directory / "voice_a.m4a", wave_a)
    write_sound(directory / "voice_b.m4a", wave_b)


def _spoken(text: str, voice: EspeakVoice) -> tuple[NDArray[np.int16], NDArray[np.float32]]:
    """The sound, cut to whole frames, and the mouth in each of them, [F, 3]."""
    utterance = utter(text, voice)
    frames = len(utterance.wave) * FPS // SAMPLE_RATE_HZ
    wave = utterance.wave[: frames * SAMPLE_RATE_HZ // FPS]
    track = viseme_track(utterance.segments, frames * VISEME_RATE_HZ // FPS)
    return as_int16(wave), track[:: VISEME_RATE_HZ // FPS]
