import pytest
from port_suites.job_records import job_record
from pydantic import TypeAdapter, ValidationError

from services.common.messages import (
    ChunkTask,
    DubParameters,
    FinishTask,
    JobRecord,
    JobState,
    OutputParameters,
    PreprocessTask,
    SegmentState,
    SegmentTask,
    Span,
    Task,
)

TASKS: list[Task] = [
    PreprocessTask(job_id="a"),
    ChunkTask(job_id="a", variant="16", chunk=0),
    ChunkTask(job_id="a", variant="16", chunk=1),
    SegmentTask(job_id="a", segment=0),
    SegmentTask(job_id="a", segment=1),
    FinishTask(job_id="a"),
    FinishTask(job_id="b"),
]


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"steps": 0}, "steps"),
        ({"seed": -1}, "seed"),
        ({"seed": 2**63}, "seed"),
        ({"guidance_scale": -0.1}, "guidance_scale"),
        ({"guidance_scale": float("nan")}, "guidance_scale"),
        ({"speaker": "foo"}, "is not understood"),
        ({"speaker": "point:2,0"}, "outside the frame"),
        ({"output": {"suffix": "/../x.mp4"}}, "suffix"),
        ({"output": {"suffix": ".avi"}}, "suffix"),
        ({"guidance_interval": (0.9, 0.2)}, "two fractions in order"),
        ({"guidance_interval": (0.0, 1.1)}, "two fractions in order"),
        ({"deepcache_interval": 0}, "deepcache_interval"),
        ({"segments": [{"start_s": 2.0, "end_s": 2.0}]}, "end after it begins"),
        ({"segments": [{"start_s": 0, "end_s": 1}, {"start_s": 3, "end_s": 2}]}, "end after it begins"),
        ({"segments": [{"start_s": -1.0, "end_s": 2.0}]}, "segments"),
        ({"segments": [{"start_s": 0, "end_s": float("inf")}]}, "segments"),
        ({"segments": [{"start_s": 0, "end_s": 1}] * 1001}, "segments"),
        ({"variant": "17"}, "variant"),
        ({"lenght": "cut"}, "lenght"),
    ],
)
def test_parameters_that_make_no_sense_are_refused(wrong: dict[str, object], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        DubParameters.model_validate(wrong)


@pytest.mark.parametrize("codec", ["h264", "hevc"])
def test_webm_takes_no_codec_but_av1(codec: str) -> None:
    with pytest.raises(ValidationError, match="choose av1"):
        OutputParameters.model_validate({"suffix": ".webm", "codec": codec})


@pytest.mark.parametrize(("suffix", "codec"), [(".webm", "av1"), (".webm", "auto"), (".mp4", "hevc")])
def test_a_codec_that_fits_is_taken(suffix: str, codec: str) -> None:
    assert OutputParameters.model_validate({"suffix": suffix, "codec": codec}).codec == codec


def test_a_message_cannot_be_changed() -> None:
    parameters = DubParameters()

    with pytest.raises(ValidationError, match="frozen"):
        parameters.steps = 3


def test_every_task_has_a_key_of_its_own() -> None:
    assert len({task.key for task in TASKS}) == len(TASKS)


def test_a_chunk_waits_in_the_queue_of_its_variant() -> None:
    assert [task.queue for task in TASKS[:6]] == [
        "preprocess",
        "denoise-16",
        "denoise-16",
        "composite",
        "composite",
        "composite",
    ]


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.key)
def test_a_task_says_in_json_which_kind_it_is(task: Task) -> None:
    read = TypeAdapter[Task](Task).validate_json(task.model_dump_json())

    assert read == task
    assert type(read) is type(task)


def test_a_record_survives_json() -> None:
    record = job_record(
        parameters=DubParameters(segments=(Span(start_s=0.5, end_s=2.0),)),
        chunks_done=frozenset({0, 2}),
        segments={3: SegmentState(chunks=(0, 1), status="ready")},
        timings_s={"denoise": 0.1 + 0.2},
    )

    assert JobRecord.model_validate_json(record.model_dump_json()) == record


@pytest.mark.parametrize(
    ("state", "ended"), [("processing", False), ("completed", True), ("failed", True), ("canceled", True)]
)
def test_a_job_has_ended_in_every_state_but_processing(state: JobState, ended: bool) -> None:
    assert job_record(state=state).ended is ended
