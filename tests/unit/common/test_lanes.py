"""Which lane a task waits in, and how often a worker looks there first."""

import pytest
from port_suites.job_records import job_record

from services.common.lanes import (
    BEGINNING,
    LANES,
    MIDDLE,
    REST,
    URGENT,
    WEIGHTS,
    chunk_task,
    finish_task,
    lane_orders,
    preprocess_task,
    segment_task,
)
from services.common.messages import SegmentState


@pytest.mark.parametrize(
    ("chunk", "lane"), [(0, BEGINNING), (15, BEGINNING), (16, MIDDLE), (127, MIDDLE), (128, REST), (5000, REST)]
)
def test_the_further_into_a_job_the_less_urgent(chunk: int, lane: int) -> None:
    assert chunk_task(job_record(), chunk).lane == lane


def test_all_of_an_urgent_job_goes_first_and_all_of_a_patient_one_last() -> None:
    urgent, patient = job_record(priority="high"), job_record(priority="low")

    assert {preprocess_task(urgent).lane, chunk_task(urgent, 900).lane, segment_task(urgent, 60).lane} == {URGENT}
    assert {preprocess_task(patient).lane, chunk_task(patient, 0).lane, segment_task(patient, 0).lane} == {REST}


def test_finishing_waits_where_the_last_segment_did() -> None:
    short = job_record(segments={0: SegmentState(chunks=())})
    long = job_record(segments={index: SegmentState(chunks=()) for index in range(60)})

    assert (finish_task(short).lane, finish_task(long).lane) == (BEGINNING, REST)


def test_in_a_round_each_lane_leads_as_often_as_its_weight_and_every_lane_is_looked_into() -> None:
    orders = lane_orders()
    leads = [order[0] for order in orders]

    assert tuple(map(leads.count, range(LANES))) == WEIGHTS
    assert all(sorted(order) == list(range(LANES)) for order in orders)
    assert leads[0] == URGENT
