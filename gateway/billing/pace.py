"""How fast jobs are worked on here: measured by the jobs that were settled, never assumed."""

from typing import Final

from pydantic import BaseModel, ConfigDict

from gateway.documents import Collection, Documents
from services.common.messages import JobRecord

SAMPLES: Final = 50
"""The newest jobs count."""


class Sample(BaseModel):
    model_config = ConfigDict(frozen=True)

    job: str
    voice_s: float
    work_s: float
    """Seconds spent on it, summed over all its tasks, which may have run beside one another."""


class Pace(BaseModel):
    """Stored as `pace/<variant>`."""

    model_config = ConfigDict(frozen=True)

    samples: tuple[Sample, ...] = ()

    @property
    def work_per_voice_s(self) -> float | None:
        """Seconds of work per second of voice: a moving average, long jobs counting for more."""
        voice_s = sum(sample.voice_s for sample in self.samples)
        return sum(sample.work_s for sample in self.samples) / voice_s if voice_s else None

    @property
    def work_per_job_s(self) -> float | None:
        return sum(sample.work_s for sample in self.samples) / len(self.samples) if self.samples else None


class Paces:
    """Every method may raise Unavailable."""

    def __init__(self, documents: Documents) -> None:
        self._paces = Collection(documents, "pace", Pace)

    async def of(self, variant: str) -> Pace:
        return await self._paces.find(variant) or Pace()

    async def observe(self, record: JobRecord, voice_s: float) -> None:
        """Takes a completed job into account, once while it is among the newest."""
        work_s = sum(record.timings_s.values())
        if record.state != "completed" or work_s <= 0 or voice_s <= 0:
            return
        sample = Sample(job=record.id, voice_s=voice_s, work_s=work_s)
        await self._paces.create_once(record.parameters.variant, Pace())
        await self._paces.change(record.parameters.variant, lambda pace: _with(pace, sample))


def _with(pace: Pace, sample: Sample) -> Pace:
    if any(known.job == sample.job for known in pace.samples):
        return pace
    return Pace(samples=(*pace.samples, sample)[-SAMPLES:])
