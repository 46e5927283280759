"""What must hold at the end of every simulation."""

from collections.abc import Iterator
from dataclasses import dataclass

from chaos.simulated_bus import Broker
from chaos.simulated_stores import Records
from chaos.simulation_plan import SimulationPlan
from chaos.toy_stages import ToyJob, expected_output

from services.common import object_names
from services.common.messages import JobRecord


@dataclass(frozen=True)
class Aftermath:
    plan: SimulationPlan
    records: Records
    broker: Broker
    objects: dict[str, bytes]
    told: dict[str, str]
    """Per canceled job, the state that its user was told."""

    def restless(self) -> str:
        """What is not as it must be once everything has come to rest; empty when it is."""
        for record, _ in self.records.newest.values():
            if not record.ended:
                return f"{record.id} has not ended"
            if self.plan.reconcilers and not record.announced:
                return f"the end of {record.id} is not told"
        if self.broker.unfinished:
            return f"{', '.join(self.broker.unfinished)} unfinished"
        if self.plan.reconcilers and (left := self.orphans()):
            return f"{', '.join(left)} left"
        return ""

    def orphans(self) -> list[str]:
        needed = ["media/"]
        for record, _ in self.records.newest.values():
            if record.state == "completed":
                needed += [object_names.output(record), object_names.report(record)]
        return [name for name in self.objects if not name.startswith(tuple(needed))]


def broken_promises(after: Aftermath) -> Iterator[str]:
    if trouble := after.restless():
        yield f"stirred again: {trouble}"
    for job in after.plan.jobs:
        record, _ = after.records.newest[job.id]
        yield from _broken_by(job, record, after)
    for key in after.broker.dead:
        job_id = key.partition("/")[0]
        if after.records.newest[job_id][0].state != "failed":
            yield f"{key} is on DEAD though its job did not fail"


def _broken_by(job: ToyJob, record: JobRecord, after: Aftermath) -> Iterator[str]:
    told = after.told.get(job.id)
    if told is not None and told != record.state:
        yield f"the user was told that {job.id} is {told}, but it is {record.state}"
    end = after.broker.ends.get(job.id)
    if end != record.state and (after.plan.reconcilers or end is not None):
        yield f"{job.id} is {record.state}, but its end was told as {end}"
    right = "canceled" if told == "canceled" else "failed" if job.poison else "completed"
    if record.state != right and not _died_with_another(job, record, after):
        yield f"{job.id} is {record.state} ({record.error})"
    if record.state == "completed" and after.objects.get(record.output or "") != expected_output(job):
        yield f"the output of {job.id} is wrong"


def _died_with_another(job: ToyJob, record: JobRecord, after: Aftermath) -> bool:
    """A task that always kills its worker may take down a second one that this worker always has in hand, too."""
    killers = [other for other in after.plan.jobs if other != job and other.poison and other.poison.kind == "death"]
    return bool(killers) and record.error is not None and record.error.message.startswith("Its worker died")
