"""What crosses the bus and what the stores hold about a job."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Mode = Literal["studio", "reference"]
LengthPolicy = Literal["cut", "loop", "bounce", "silence", "stretch"]
SchedulerName = Literal["ddim", "dpm++"]
Codec = Literal["auto", "h264", "hevc", "av1"]
Preset = Literal["ultrafast", "veryfast", "fast", "medium", "slow", "veryslow"]
JobState = Literal["processing", "completed", "failed", "canceled"]
Stage = Literal["preprocess", "denoise", "composite"]
Seconds = Annotated[float, Field(ge=0)]


class Message(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class OutputParameters(Message):
    """How the one video encode is done. The container is the output file's suffix."""

    suffix: str = ".mp4"
    codec: Codec = "auto"
    crf: int = Field(default=18, ge=0, le=51)
    preset: Preset = "medium"

    @model_validator(mode="after")
    def _codec_fits_container(self) -> "OutputParameters":
        if self.suffix == ".webm" and self.codec not in ("auto", "av1"):
            raise ValueError(f"{self.codec} does not fit into .webm; choose av1")
        return self


class DubParameters(Message):
    """Everything a caller can ask of one job, beside its two media files."""

    variant: Literal["1", "15", "16"] = "1"
    mode: Mode = "studio"
    seed: int = Field(default=1247, ge=0, lt=2**63)
    steps: int = Field(default=20, ge=1, le=1000)
    scheduler: SchedulerName = "ddim"
    guidance_scale: float = Field(default=1.5, ge=0, le=20)
    guidance_interval: tuple[float, float] = (0.0, 1.0)
    """Part of the denoising loop in which guidance is applied, as fractions of its steps."""
    deepcache_interval: int = Field(default=1, ge=1, le=20)
    """Every how many steps the whole UNet is evaluated; 1 = always, the reference's DeepCache = 3."""
    length: LengthPolicy = "bounce"
    segments: tuple[tuple[Seconds, Seconds], ...] = ()
    """Spans of the output timeline to dub, s; empty = all of it."""
    speaker: str = "largest"
    output: OutputParameters = OutputParameters()

    @model_validator(mode="after")
    def _spans_are_ordered(self) -> "DubParameters":
        start, stop = self.guidance_interval
        if not 0 <= start <= stop <= 1:
            raise ValueError("guidance_interval must be two fractions in order, such as 0.2,0.9")
        if any(begin >= end for begin, end in self.segments):
            raise ValueError("every segment must end after it begins")
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


class JobRecord(Message):
    """The truth about a job besides its media; changed only by compare-and-set."""

    id: str
    video: str
    """Object name of the source video."""
    audio: str
    parameters: DubParameters
    keys: StageKeys
    state: JobState = "processing"
    error: JobError | None = None
    output: str | None = None
    preprocessed: bool = False
    chunks: int = 0
    """Chunks found so far; final once `preprocessed`."""
    chunks_done: frozenset[int] = frozenset()
    segments: dict[int, SegmentState] = {}
    timings_s: dict[str, float] = {}
    """Seconds spent, by stage, summed over its tasks."""
    outcomes: dict[str, int] = {}
    """Output frames by what became of them, once preprocessed."""

    @property
    def ended(self) -> bool:
        return self.state in ("completed", "failed", "canceled")


class PreprocessTask(Message):
    kind: Literal["preprocess"] = "preprocess"
    job_id: str

    @property
    def key(self) -> str:
        return f"{self.job_id}/preprocess"

    @property
    def queue(self) -> str:
        return "preprocess"


class ChunkTask(Message):
    kind: Literal["chunk"] = "chunk"
    job_id: str
    variant: str
    chunk: int

    @property
    def key(self) -> str:
        return f"{self.job_id}/chunk/{self.chunk}"

    @property
    def queue(self) -> str:
        return f"denoise-{self.variant}"


class SegmentTask(Message):
    kind: Literal["segment"] = "segment"
    job_id: str
    segment: int

    @property
    def key(self) -> str:
        return f"{self.job_id}/segment/{self.segment}"

    @property
    def queue(self) -> str:
        return "composite"


class FinishTask(Message):
    """Join the encoded segments, add the sound, write the report."""

    kind: Literal["finish"] = "finish"
    job_id: str

    @property
    def key(self) -> str:
        return f"{self.job_id}/finish"

    @property
    def queue(self) -> str:
        return "composite"


Task = PreprocessTask | ChunkTask | SegmentTask | FinishTask


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
