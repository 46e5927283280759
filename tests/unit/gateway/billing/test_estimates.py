"""What a job would cost and how long it would take, from what was measured."""

import asyncio

import pytest
from ledger_entries import PLANS
from port_suites.job_records import job_record

from gateway.billing.estimates import estimate
from gateway.billing.lengths import Lengths, lengths
from gateway.billing.pace import SAMPLES, Pace, Paces, Sample
from gateway.memory_documents import MemoryDocuments
from services.common.messages import DubParameters, JobRecord, LengthPolicy

PLAN = PLANS["per-5-seconds"]
LENGTHS = Lengths(voice_s=30.0, output_s=30.0)
MEASURED = Pace(samples=(Sample(job="a", voice_s=10.0, work_s=40.0), Sample(job="b", voice_s=30.0, work_s=120.0)))


def completed(job: str, work_s: float, variant: str = "1") -> JobRecord:
    parameters = DubParameters.model_validate({"variant": variant})
    timings_s = {"preprocess": work_s / 4, "denoise": work_s / 2, "composite": work_s / 4}
    return job_record(job, state="completed", parameters=parameters, timings_s=timings_s)


def test_cost_time_and_wait_come_from_lengths_pace_and_queue() -> None:
    answer = estimate(PLAN, LENGTHS, MEASURED, jobs_ahead=3, workers=2)

    assert (answer.amount, answer.processing_s, answer.queue_wait_s) == (900_000, 60.0, 120.0)
    assert (answer.unknown, answer.measured_jobs) == ((), 2)


def test_before_any_job_was_settled_the_times_are_unknown() -> None:
    answer = estimate(PLAN, LENGTHS, Pace(), jobs_ahead=3, workers=2)

    assert (answer.amount, answer.processing_s, answer.queue_wait_s) == (900_000, None, None)
    assert answer.unknown == ("processing_s", "queue_wait_s")


def test_before_the_inputs_are_known_only_the_wait_is() -> None:
    answer = estimate(PLAN, None, MEASURED, jobs_ahead=1, workers=1)

    assert answer.unknown == ("voice_s", "output_s", "amount", "processing_s")
    assert answer.queue_wait_s == 80.0


def test_an_empty_queue_means_no_wait_even_if_nothing_was_measured() -> None:
    assert estimate(PLAN, LENGTHS, Pace(), jobs_ahead=0, workers=1).queue_wait_s == 0.0


@pytest.mark.parametrize(("jobs_ahead", "workers"), [(None, 2), (3, None), (3, 0), (0, 0)])
def test_a_wait_is_unknown_without_a_queue_or_workers(jobs_ahead: int | None, workers: int | None) -> None:
    assert estimate(PLAN, LENGTHS, MEASURED, jobs_ahead, workers).queue_wait_s is None


def test_unknown_workers_count_as_one_and_a_short_job_does_not_occupy_many() -> None:
    short = Lengths(voice_s=1.0, output_s=1.0)

    assert estimate(PLAN, short, MEASURED, 0, None).processing_s == 4.0
    assert estimate(PLAN, short, MEASURED, 0, 64).processing_s == 2.0


@pytest.mark.parametrize(
    ("policy", "output_s"), [("cut", 20.0), ("loop", 30.0), ("bounce", 30.0), ("stretch", 30.0), ("silence", 20.0)]
)
def test_the_length_policy_decides_how_long_the_output_is(policy: LengthPolicy, output_s: float) -> None:
    assert lengths(policy, video_s=20.0, voice_s=30.0) == Lengths(voice_s=30.0, output_s=output_s)


async def test_pace_is_measured_by_variant_from_completed_jobs() -> None:
    paces = Paces(MemoryDocuments())

    await paces.observe(completed("a", work_s=20.0), voice_s=10.0)
    await paces.observe(completed("b", work_s=40.0), voice_s=10.0)
    await paces.observe(completed("c", work_s=900.0, variant="16"), voice_s=10.0)
    await paces.observe(job_record("d", state="failed", timings_s={"denoise": 500.0}), voice_s=10.0)

    assert (await paces.of("1")).work_per_voice_s == 3.0
    assert (await paces.of("1")).work_per_job_s == 30.0
    assert (await paces.of("16")).work_per_voice_s == 90.0
    assert (await paces.of("15")).work_per_voice_s is None


async def test_a_job_that_is_settled_again_counts_once() -> None:
    paces = Paces(MemoryDocuments())

    await asyncio.gather(*(paces.observe(completed("a", work_s=20.0), voice_s=10.0) for _ in range(3)))

    assert len((await paces.of("1")).samples) == 1


async def test_old_jobs_leave_the_average() -> None:
    paces = Paces(MemoryDocuments())

    await paces.observe(completed("slow", work_s=1000.0), voice_s=10.0)
    for number in range(SAMPLES):
        await paces.observe(completed(f"fast-{number}", work_s=10.0), voice_s=10.0)

    assert (await paces.of("1")).work_per_voice_s == 1.0
