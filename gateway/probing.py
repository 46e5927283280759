"""What callers' media hold, found out in a confined process before anything here decodes them."""

import asyncio
import json
import logging
import sys
from dataclasses import asdict
from pathlib import Path
from signal import SIGKILL, SIGXCPU
from typing import Annotated, Final, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gateway.probe_limits import ProbeLimits
from gateway.untrusted_process import TOO_LONG, output_of
from services.common.errors import InputError, MediaTooComplex, MediaUnreadable, error_from

_MAX_ANSWER_BYTES: Final = 16 << 10
_SOURCES: Final = Path(__file__).resolve().parents[1]
_ENVIRONMENT: Final = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
_LIMITS_REACHED: Final = frozenset({TOO_LONG, -SIGKILL, -SIGXCPU})

_Word = Annotated[str, Field(max_length=100)]
_Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]

_log = logging.getLogger(__name__)


class _Facts(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    container: _Word
    """FFmpeg's name, such as `mov,mp4,m4a,3gp,3g2,mj2`."""
    codec: _Word
    duration_s: _Positive


class VideoFacts(_Facts):
    kind: Literal["video"]
    width: int = Field(ge=1)
    """Upright, in pixels."""
    height: int = Field(ge=1)
    fps: _Positive
    frames: int = Field(ge=2)
    has_audio: bool
    """Sound that can be decoded."""
    audio_s: _Positive | None = None
    """How long the sound is; it counts where the video is used for its voice."""


class AudioFacts(_Facts):
    kind: Literal["audio"]
    sample_rate: int = Field(ge=1)
    channels: int = Field(ge=1)


_FactsT = TypeVar("_FactsT", VideoFacts, AudioFacts)


class _Refusal(BaseModel):
    model_config = ConfigDict(extra="forbid")

    code: _Word
    sentence: str = Field(max_length=500)


class _Answer(BaseModel, Generic[_FactsT]):
    model_config = ConfigDict(extra="forbid")

    facts: _FactsT | None = None
    error: _Refusal | None = None


class Prober:
    """Examines a few files at a time; more wait.

    Its methods raise MediaTooComplex, Unavailable (no process can be started), and what reading the file raises as an
    InputError (services/common/media/probe.py). Sentences name the file as it is `called`, else as its path does.
    """

    def __init__(self, limits: ProbeLimits, at_once: int = 2) -> None:
        self._limits = limits
        self._places = asyncio.Semaphore(at_once)

    async def video(self, path: Path, called: str | None = None) -> VideoFacts:
        return await self._facts(path, called or path.name, _Answer[VideoFacts], "video")

    async def audio(self, path: Path, called: str | None = None) -> AudioFacts:
        """Of a sound file, or of a video's sound."""
        return await self._facts(path, called or path.name, _Answer[AudioFacts], "audio")

    async def _facts(self, path: Path, name: str, kind_of_answer: type[_Answer[_FactsT]], kind: str) -> _FactsT:
        async with self._places:
            line, status = await self._examine(path, kind)
        if status in _LIMITS_REACHED:
            raise MediaTooComplex(f"“{name}” takes too long to be examined.", ended_with=status)
        try:
            answer = kind_of_answer.model_validate_json(line)
        except ValidationError as error:
            raise _broken_off(name, status) from error
        if answer.error is not None:
            raise _refusal(answer.error.code, answer.error.sentence.replace(path.name, name), name)
        if answer.facts is None:
            raise _broken_off(name, status)
        return answer.facts

    async def _examine(self, path: Path, kind: str) -> tuple[bytes, int]:
        arguments = [str(path.absolute()), kind, json.dumps(asdict(self._limits))]
        command = [sys.executable, "-s", "-m", "gateway.probe_child", *arguments]
        return await output_of(command, _ENVIRONMENT, _SOURCES, self._limits.wall_s, _MAX_ANSWER_BYTES)


def _broken_off(name: str, status: int) -> MediaUnreadable:
    _log.warning("a process that examined a file ended with status %d and no answer", status)
    return MediaUnreadable(f"“{name}” cannot be examined.", ended_with=status)


def _refusal(code: str, sentence: str, name: str) -> InputError:
    error = error_from(code, sentence)
    return error if isinstance(error, InputError) else MediaUnreadable(f"“{name}” cannot be examined.")
