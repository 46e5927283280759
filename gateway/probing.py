"""What callers' media hold, found out in a confined process before anything here decodes them."""

import asyncio
import json
import logging
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from dataclasses import asdict
from pathlib import Path
from signal import SIGALRM, SIGKILL, SIGXCPU
from typing import Annotated, Final, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gateway.probe_limits import ProbeLimits
from services.common.errors import InputError, MediaTooComplex, MediaUnreadable, Unavailable, error_from

_MAX_ANSWER_BYTES: Final = 16 << 10
_SOURCES: Final = Path(__file__).resolve().parents[1]
_ENVIRONMENT: Final = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
_LIMITS_REACHED: Final = frozenset({-SIGALRM, -SIGKILL, -SIGXCPU})

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
    InputError (services/common/media/probe.py). Sentences name the file as its path does.
    """

    def __init__(self, limits: ProbeLimits, at_once: int = 2) -> None:
        self._limits = limits
        self._places = asyncio.Semaphore(at_once)

    async def video(self, path: Path) -> VideoFacts:
        return await self._facts(path, _Answer[VideoFacts], "video")

    async def audio(self, path: Path) -> AudioFacts:
        """Of a sound file, or of a video's sound."""
        return await self._facts(path, _Answer[AudioFacts], "audio")

    async def _facts(self, path: Path, kind_of_answer: type[_Answer[_FactsT]], kind: str) -> _FactsT:
        async with self._places:
            line, status = await self._examine(path, kind)
        if status in _LIMITS_REACHED:
            raise MediaTooComplex(f"“{path.name}” takes too long to be examined.", path=str(path), status=status)
        try:
            answer = kind_of_answer.model_validate_json(line)
        except ValidationError as error:
            raise _broken_off(path, status) from error
        if answer.error is not None:
            raise _refusal(path, answer.error)
        if answer.facts is None:
            raise _broken_off(path, status)
        return answer.facts

    async def _examine(self, path: Path, kind: str) -> tuple[bytes, int]:
        """The first line that the process writes, and its exit status; a signal's is negative."""
        process = await self._start(path, kind)
        assert process.stdout is not None
        try:
            async with asyncio.timeout(self._limits.wall_s):
                return await process.stdout.readline(), await process.wait()
        except TimeoutError:
            return b"", -SIGALRM
        except ValueError:  # the line is longer than any answer
            return b"", 0
        finally:
            await _end(process)

    async def _start(self, path: Path, kind: str) -> Process:
        arguments = [str(path.absolute()), kind, json.dumps(asdict(self._limits))]
        try:
            return await asyncio.create_subprocess_exec(
                *[sys.executable, "-s", "-m", "gateway.probe_child", *arguments],
                stdin=DEVNULL,
                stdout=PIPE,
                stderr=DEVNULL,
                cwd=_SOURCES,
                env=_ENVIRONMENT,
                limit=_MAX_ANSWER_BYTES,
                start_new_session=True,
            )
        except OSError as error:
            raise Unavailable("No process can be started to examine media.") from error


async def _end(process: Process) -> None:
    if process.returncode is None:
        process.kill()
        await process.wait()


def _broken_off(path: Path, status: int) -> MediaUnreadable:
    _log.warning("a process that examined a file ended with status %d and no answer", status)
    return MediaUnreadable(f"“{path.name}” cannot be examined.", path=str(path), status=status)


def _refusal(path: Path, refusal: _Refusal) -> InputError:
    error = error_from(refusal.code, refusal.sentence)
    return error if isinstance(error, InputError) else MediaUnreadable(f"“{path.name}” cannot be examined.")
