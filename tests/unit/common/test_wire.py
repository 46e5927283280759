import math
from collections.abc import Callable
from typing import get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from port_suites.any_message import any_message
from port_suites.job_records import job_record

from lipstage.v1 import events_pb2, jobs_pb2, tasks_pb2
from services.common.errors import MessageUnreadable
from services.common.messages import (
    ChunkTask,
    DubParameters,
    FacesAnswer,
    FacesQuestion,
    FinishTask,
    JobError,
    JobEvent,
    JobRecord,
    PreprocessTask,
    SegmentState,
    Task,
)
from services.common.wire import (
    decode_event,
    decode_question,
    decode_record,
    decode_reply,
    decode_task,
    encode_event,
    encode_question,
    encode_record,
    encode_reply,
    encode_task,
)

DECODERS = [decode_task, decode_record, decode_event, decode_question, decode_reply]
UNKNOWN_FIELD = bytes.fromhex("f87f01")  # number 2047, the integer 1
TASK_OF_ANOTHER_KIND = bytes.fromhex("3a030a0161")  # field 7: a message whose field 1 is "a"

# The same examples on every machine, however slow.
drawn = settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])


@drawn
@given(any_message(JobRecord))
def test_a_record_comes_back_as_it_was(record: JobRecord) -> None:
    assert decode_record(encode_record(record)) == record


@drawn
@given(st.one_of(*(any_message(kind) for kind in get_args(Task))))
def test_a_task_comes_back_as_it_was_and_of_its_kind(task: Task) -> None:
    read = decode_task(encode_task(task))

    assert read == task
    assert type(read) is type(task)


@drawn
@given(any_message(JobEvent))
def test_an_event_comes_back_as_it_was(event: JobEvent) -> None:
    assert decode_event(encode_event(event)) == event


@drawn
@given(any_message(FacesQuestion))
def test_a_question_comes_back_as_it_was(question: FacesQuestion) -> None:
    assert decode_question(encode_question(question)) == question


@drawn
@given(st.one_of(any_message(FacesAnswer), any_message(JobError)))
def test_a_reply_comes_back_as_it_was_and_of_its_kind(reply: FacesAnswer | JobError) -> None:
    assert decode_reply(encode_reply(reply)) == reply


@pytest.mark.parametrize("value", [0.1 + 0.2, 5e-324, 1.7976931348623157e308, -0.0, math.inf])
def test_a_float_keeps_every_bit(value: float) -> None:
    read = decode_record(encode_record(job_record(timings_s={"denoise": value})))

    assert read.timings_s["denoise"].hex() == value.hex()


def test_the_largest_seed_survives() -> None:
    read = decode_record(encode_record(job_record(parameters=DubParameters(seed=2**63 - 1))))

    assert read.parameters.seed == 2**63 - 1


@pytest.mark.parametrize("output", [None, ""])
def test_nothing_and_an_empty_name_are_told_apart(output: str | None) -> None:
    assert decode_record(encode_record(job_record(output=output))).output == output


def test_equal_records_give_equal_bytes() -> None:
    states = {number: SegmentState(chunks=(number,)) for number in range(40)}
    outcomes = {f"outcome {number}": number for number in range(40)}
    record = job_record(chunks_done=frozenset([1, 9, 2**31]), segments=states, outcomes=outcomes)
    other_order = job_record(
        chunks_done=frozenset([2**31, 9, 1]),
        segments=dict(reversed(states.items())),
        outcomes=dict(reversed(outcomes.items())),
    )

    assert encode_record(other_order) == encode_record(record)


@drawn
@given(st.binary())
@pytest.mark.parametrize("decode", DECODERS)
def test_foreign_bytes_are_read_or_refused_but_nothing_else(decode: Callable[[bytes], object], data: bytes) -> None:
    try:
        decode(data)
    except MessageUnreadable:
        return


@drawn
@given(place=st.integers(0, 200), damage=st.integers(0, 255))
def test_a_damaged_record_is_read_or_refused_but_nothing_else(place: int, damage: int) -> None:
    data = bytearray(encode_record(job_record(segments={1: SegmentState(chunks=(2,))}, timings_s={"denoise": 1.5})))
    data[place % len(data)] = damage
    try:
        decode_record(bytes(data))
    except MessageUnreadable:
        return


@pytest.mark.parametrize("data", [b"", b"\xff" * 8, b'{"id": "a"}'], ids=["nothing", "noise", "json"])
@pytest.mark.parametrize("decode", DECODERS)
def test_what_is_no_message_is_refused(decode: Callable[[bytes], object], data: bytes) -> None:
    with pytest.raises(MessageUnreadable):
        decode(data)


def test_a_refusal_names_what_is_missing() -> None:
    with pytest.raises(MessageUnreadable, match="A ChunkTask cannot be read: chunk: Field required"):
        decode_task(tasks_pb2.Task(chunk=tasks_pb2.ChunkTask(job_id="a", variant="1")).SerializeToString())


@pytest.mark.parametrize(
    ("event", "field"),
    [
        (events_pb2.JobEvent(job_id="a"), "state"),
        (events_pb2.JobEvent(job_id="a", state=99), "state"),  # type: ignore[arg-type]
        (events_pb2.JobEvent(state=jobs_pb2.JOB_STATE_FAILED), "job_id"),
    ],
    ids=["no state", "unknown state", "no job"],
)
def test_an_event_without_a_known_state_and_job_is_refused(event: events_pb2.JobEvent, field: str) -> None:
    with pytest.raises(MessageUnreadable, match=field):
        decode_event(event.SerializeToString())


def test_a_task_of_a_kind_that_is_not_known_is_refused() -> None:
    with pytest.raises(MessageUnreadable, match="no kind that this version knows"):
        decode_task(TASK_OF_ANOTHER_KIND)


def test_fields_of_a_newer_version_are_passed_over() -> None:
    record, event = job_record(chunks=3), JobEvent(job_id="a", state="completed")
    newer_chunk = tasks_pb2.ChunkTask(job_id="a", variant="1", chunk=2).SerializeToString() + UNKNOWN_FIELD
    newer_task = b"\x12" + bytes([len(newer_chunk)]) + newer_chunk + UNKNOWN_FIELD

    assert decode_record(encode_record(record) + UNKNOWN_FIELD) == record
    assert decode_event(encode_event(event) + UNKNOWN_FIELD) == event
    assert decode_task(newer_task) == ChunkTask(job_id="a", variant="1", chunk=2)


def test_fields_that_an_older_version_did_not_write_have_their_defaults() -> None:
    older_record = jobs_pb2.JobRecord(
        id="job",
        video="media/video.mp4",
        audio="media/voice.wav",
        parameters=jobs_pb2.DubParameters(),
        keys=jobs_pb2.StageKeys(preprocess="p", denoise="d", composite="c"),
    )
    older_task = tasks_pb2.Task(preprocess=tasks_pb2.PreprocessTask(job_id="a"))

    assert decode_record(older_record.SerializeToString()) == job_record()
    assert decode_task(older_task.SerializeToString()) == PreprocessTask(job_id="a")


def test_defaults_are_written_out_so_that_other_versions_with_other_defaults_do_the_same() -> None:
    message = jobs_pb2.JobRecord.FromString(encode_record(job_record()))

    assert message.parameters.HasField("steps")
    assert message.parameters.mode == jobs_pb2.MODE_STUDIO
    assert tasks_pb2.Task.FromString(encode_task(FinishTask(job_id="a", lane=1))).finish.HasField("lane")
