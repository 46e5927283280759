"""What crosses the bus and what the stores hold about a job."""

from abc import abstractmethod
from typing import Annotated, Final, Literal

from pydantic import AllowInfNan, BaseModel, ConfigDict, Field, Strict, field_validator, model_validator

from services.common.errors import InvalidParameter
from services.common.speakers import parse_speaker

Mode = Literal["studio", "reference"]
LengthPolicy = Literal["cut", "loop", "bounce", "silence", "stretch"]
SchedulerName = Literal["ddim", "dpm++"]
Codec = Literal["auto", "h264", "hevc", "av1"]
Container = Literal[".mp4", ".mov", ".mkv", ".webm"]
Preset = Literal["ultrafast", "veryfast", "fast", "medium", "slow", "veryslow"]
MAX_SEGMENTS: Final = 1000
JobState = Literal["processing", "completed", "failed", "canceled"]
Stage = Literal["preprocess", "denoise", "composite"]
Priority = Literal["high", "normal", "low"]
Whole = Annotated[int, Strict()]
Number = Annotated[float, Strict(), AllowInfNan(False)]
"""Neither takes words or truth values for numbers; JSON could not give back what is no finite one."""
Seconds = Annotated[Number, Field(ge=0)]


class Message(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class OutputParameters(Message):
    """How the one video encode is done. The container is the output file's suffix."""

    suffix: Container = ".mp4"
    codec: Codec = "auto"
    crf: Whole = Field(default=18, ge=0, le=51)
    preset: Preset = "medium"

    @model_validator(mode="after")
    def _codec_fits_container(self) -> "OutputParameters":
        if self.suffix == ".webm" and self.codec not in ("auto", "av1"):
            raise ValueError(f"{self.codec} does not fit into .webm; choose av1")
        return self


class Span(Message):
    """A stretch of the output timeline."""

    start_s: Seconds
    end_s: Seconds

    @model_validator(mode="after")
    def _is_ordered(self) -> "Span":
        if self.start_s >= self.end_s:
            raise ValueError("a segment must end after it begins")
        return self


class DubParameters(Message):
    """Everything a caller can ask of one job, beside its two media files."""

    variant: Literal["1", "15", "16"] = "1"
    mode: Mode = "studio"
    seed: Whole = Field(default=1247, ge=0, lt=2**63)
    steps: Whole = Field(default=20, ge=1, le=1000)
    scheduler: SchedulerName = "ddim"
    guidance_scale: Number = Field(default=1.5, ge=0, le=20)
    guidance_interval: tuple[Number, Number] = (0.0, 1.0)
    """Part of the denoising loop in which guidance is applied, as fractions of its steps."""
    deepcache_interval: Whole = Field(default=1, ge=1, le=20)
    """Every how many steps the whole UNet is evaluated; 1 = always, the reference's DeepCache = 3."""
    length: LengthPolicy = "bounce"
    segments: Annotated[tuple[Span, ...], Field(max_length=MAX_SEGMENTS)] = ()
    """What to dub; empty = all of it."""
    speaker: str = "largest"
    output: OutputParameters = OutputParameters()

    @field_validator("speaker")
    @classmethod
    def _speaker_is_understood(cls, speaker: str) -> str:
        try:
            parse_speaker(speaker)
        except InvalidParameter as error:
            raise ValueError(str(error)) from error
        return speaker

    @model_validator(mode="after")
    def _interval_is_ordered(self) -> "DubParameters":
        start, stop = self.guidance_interval
        if not 0 <= start <= stop <= 1:
            raise ValueError("guidance_interval must be two fractions in order, such as 0.2,0.9")
        return self


class StageKeys(Message):
    """Content addresses: each stage's outputs are named by everything that can change them."""

    preprocess: str
    denoise: str
    composite: str


class JobError(Message):
    code: str
    message: str


class SegmentState(Message):
    """One stretch of the output timeline that is encoded as a piece."""

    chunks: tuple[int, ...]
    """Chunks whose faces it needs."""
    status: Literal["waiting", "ready", "done"] = "waiting"


class Provenance(Message):
    """How an output says where it comes from: marked in its dubbed frames and signed."""

    watermark: int = Field(ge=0, lt=2**64)
    """The number that the dubbed frames carry invisibly."""
    job_id: str
    """The job as callers know it."""
    consent_id: str = ""
    """The consent that the dub rests on; empty if none was recorded."""
    label: bool = False
    """Dubbed frames also say “AI” for everybody to see."""


class JobRecord(Message):
    """The truth about a job besides its media; changed only by compare-and-set."""

    id: str
    video: str
    """Object name of the source video."""
    audio: str
    parameters: DubParameters
    keys: StageKeys
    networks: dict[str, str] = {}
    """Hash of the checkpoint behind each network the job was created for."""
    pipeline: str = ""
    """Version of the stages the job was created for."""
    priority: Priority = "normal"
    state: JobState = "processing"
    error: JobError | None = None
    output: str | None = None
    announced: bool = False
    """The end has been told on the bus."""
    epoch: int = 0
    """How often a worker has claimed the job for preprocessing; only the latest claim may write."""
    preprocessed: bool = False
    chunks: int = 0
    """Chunks found so far; final once `preprocessed`."""
    chunks_done: frozenset[int] = frozenset()
    segments: dict[int, SegmentState] = {}
    timings_s: dict[str, float] = {}
    """Seconds spent, by stage, summed over its tasks."""
    outcomes: dict[str, int] = {}
    """Output frames by what became of them, once preprocessed."""
    provenance: Provenance | None = None
    """None: the output is neither marked nor signed."""
    retries: dict[str, int] = {}
    """How often a task had to wait or was handed back to be tried again, by the reason's code. Some may be missing."""

    @property
    def ended(self) -> bool:
        return self.state in ("completed", "failed", "canceled")


class JobTask(Message):
    """A piece of work on one job."""

    job_id: str
    lane: int = Field(default=1, ge=0, lt=4)
    """Which of its queue's lanes the task waits in, the most urgent first."""

    @property
    @abstractmethod
    def part(self) -> str:
        """Which part of the job it is about."""

    @property
    def key(self) -> str:
        return f"{self.job_id}/{self.part}"


class PreprocessTask(JobTask):
    kind: Literal["preprocess"] = "preprocess"

    @property
    def part(self) -> str:
        return "preprocess"

    @property
    def queue(self) -> str:
        return "preprocess"


class ChunkTask(JobTask):
    kind: Literal["chunk"] = "chunk"
    variant: str
    chunk: int

    @property
    def part(self) -> str:
        return f"chunk-{self.chunk}"

    @property
    def queue(self) -> str:
        return denoise_queue(self.variant)


class SegmentTask(JobTask):
    kind: Literal["segment"] = "segment"
    segment: int

    @property
    def part(self) -> str:
        return f"segment-{self.segment}"

    @property
    def queue(self) -> str:
        return "composite"


class FinishTask(JobTask):
    """Join the encoded segments, add the sound, write the report."""

    kind: Literal["finish"] = "finish"

    @property
    def part(self) -> str:
        return "finish"

    @property
    def queue(self) -> str:
        return "composite"


Task = PreprocessTask | ChunkTask | SegmentTask | FinishTask


def denoise_queue(variant: str) -> str:
    return f"denoise-{variant}"


class JobEvent(Message):
    """Progress of one stage of a job, or (without a stage) a change of the job's state."""

    job_id: str
    state: JobState
    stage: Stage | None = None
    part: int = 0
    """The chunk (denoise) or segment (composite) that has advanced."""
    done: float = 0.0
    """How much of the part is done, 0…1."""
    parts: int | None = None
    """How many parts the stage has; None while that is not known yet."""


class FacesQuestion(Message):
    """Who can be seen in a video? It waits in no queue and belongs to no job."""

    video: str
    """Object name."""
    at_s: Seconds = 0.0
    """The frame that is shown at this time is looked at first."""


class FaceBox(Message):
    """Tight around a face and within the picture, in pixels of the upright picture."""

    x: Number
    y: Number
    w: Number
    h: Number


class FacesAnswer(Message):
    """The faces of one frame, largest first."""

    width: Whole
    height: Whole
    at_s: Seconds
    """When the frame is shown; that of the question unless there is nobody in that one."""
    faces: tuple[FaceBox, ...] = ()
