"""Bytes recorded with version 0.1 are still read as what they meant: no field was renumbered or changed its type.

The recordings are never made anew. A field added later is absent in them and has its default.
"""

import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from lipstage.v1 import jobs_pb2, service_pb2
from services.common.messages import (
    ChunkTask,
    DubParameters,
    FinishTask,
    JobError,
    JobEvent,
    JobRecord,
    OutputParameters,
    PreprocessTask,
    SegmentState,
    SegmentTask,
    Span,
    StageKeys,
    Task,
)
from services.common.wire import decode_event, decode_record, decode_task

RECORD = JobRecord(
    id="7f3a",
    video="media/a.mov",
    audio="media/b.wav",
    parameters=DubParameters(
        variant="16",
        mode="reference",
        seed=2**62 + 1,
        steps=25,
        scheduler="dpm++",
        guidance_scale=2.25,
        guidance_interval=(0.2, 0.9),
        deepcache_interval=3,
        length="stretch",
        segments=(Span(start_s=0.5, end_s=2.0),),
        speaker="track:2",
        output=OutputParameters(suffix=".webm", codec="av1", crf=30, preset="veryslow"),
    ),
    keys=StageKeys(preprocess="p", denoise="d", composite="c"),
    networks={"unet": "5e1f"},
    pipeline="2",
    priority="low",
    state="failed",
    error=JobError(code="no_face", message="No face."),
    output="out/7f3a/c.webm",
    announced=True,
    epoch=2,
    preprocessed=True,
    chunks=300,
    chunks_done=frozenset({1, 2, 299}),
    segments={4: SegmentState(chunks=(2, 1), status="done")},
    timings_s={"denoise": 1.25},
    outcomes={"dubbed": 4700},
)
EVENT = JobEvent(job_id="7f3a", state="completed", stage="composite", part=4, done=0.5, parts=6)
TASKS: list[tuple[str, Task]] = [
    ("0a080a04376633611003", PreprocessTask(job_id="7f3a", lane=3)),
    ("120f0a043766336110021a02313620ab02", ChunkTask(job_id="7f3a", lane=2, variant="16", chunk=299)),
    ("1a0a0a043766336110031804", SegmentTask(job_id="7f3a", lane=3, segment=4)),
    ("22080a04376633611000", FinishTask(job_id="7f3a", lane=0)),
]
REQUEST = service_pb2.CreateJobRequest(
    video=service_pb2.MediaSource(upload_id="u"),
    audio=service_pb2.MediaSource(data_uri="data:,"),
    parameters=jobs_pb2.DubParameters(steps=25),
    priority=jobs_pb2.PRIORITY_HIGH,
    idempotency_key="k",
    consent=service_pb2.Consent(
        attested_by="n", basis="b", scope="s", expire_time=Timestamp(seconds=9), evidence_sha256="e"
    ),
    retention=Duration(seconds=60),
    webhook=service_pb2.Webhook(url="w"),
    metadata={"m": "1"},
)
JOB = service_pb2.Job(
    id="7f3a",
    state=jobs_pb2.JOB_STATE_CANCELED,
    error=jobs_pb2.JobError(code="canceled"),
    parameters=jobs_pb2.DubParameters(steps=25),
    priority=jobs_pb2.PRIORITY_HIGH,
    progress=[service_pb2.StageProgress(stage=jobs_pb2.STAGE_DENOISE, done=0.5, parts=4)],
    output_url="o",
    report_url="r",
    timings_s={"denoise": 1.25},
    outcomes={"dubbed": 4700},
    metadata={"m": "1"},
)

RECORD_BYTES = bytes.fromhex(
    "0a0437663361120b6d656469612f612e6d6f761a0b6d656469612f622e77617622610a023136100218818080808080808040"
    "201928023100000000000002403a12099a9999999999c93f11cdccccccccccec3f40034805521209000000000000e03f1100"
    "000000000000405a07747261636b3a32620d0a052e7765626d1004181e20062a090a01701201641a0163320c0a04756e6574"
    "1204356531663a01324003480352130a076e6f5f6661636512084e6f20666163652e5a0f6f75742f376633612f632e776562"
    "6d60016802700178ac028201040102ab028a010a080412060a02020110039201120a0764656e6f69736511000000000000f4"
    "3f9a010b0a0664756262656410dc24"
)
EVENT_BYTES = bytes.fromhex("0a043766336110021803200429000000000000e03f3006")
REQUEST_BYTES = bytes.fromhex(
    "0a030a017512081a06646174613a2c1a02201920012a016b32100a016e1201621a0173220208092a01653a02083c42030a01"
    "774a060a016d120131"
)
JOB_BYTES = bytes.fromhex(
    "0a043766336110041a0a0a0863616e63656c6564220220192801320d080211000000000000e03f18043a016f4201724a120a"
    "0764656e6f69736511000000000000f43f520b0a0664756262656410dc245a060a016d120131"
)
# Each enum's values, numbered from 1.
ENUMS = {
    "Mode": ["STUDIO", "REFERENCE"],
    "LengthPolicy": ["CUT", "LOOP", "BOUNCE", "SILENCE", "STRETCH"],
    "Scheduler": ["DDIM", "DPM_PLUS_PLUS"],
    "Codec": ["AUTO", "H264", "HEVC", "AV1"],
    "Preset": ["ULTRAFAST", "VERYFAST", "FAST", "MEDIUM", "SLOW", "VERYSLOW"],
    "JobState": ["PROCESSING", "COMPLETED", "FAILED", "CANCELED"],
    "Stage": ["PREPROCESS", "DENOISE", "COMPOSITE"],
    "Priority": ["HIGH", "NORMAL", "LOW"],
    "SegmentStatus": ["WAITING", "READY", "DONE"],
}


def test_a_record_is_read_as_ever() -> None:
    assert decode_record(RECORD_BYTES) == RECORD


def test_an_event_is_read_as_ever() -> None:
    assert decode_event(EVENT_BYTES) == EVENT


@pytest.mark.parametrize(("recorded", "task"), TASKS)
def test_a_task_is_read_as_ever(recorded: str, task: Task) -> None:
    assert decode_task(bytes.fromhex(recorded)) == task


def test_what_a_caller_sends_and_gets_is_read_as_ever() -> None:
    assert service_pb2.CreateJobRequest.FromString(REQUEST_BYTES) == REQUEST
    assert service_pb2.Job.FromString(JOB_BYTES) == JOB


@pytest.mark.parametrize("enum", ENUMS)
def test_an_enum_is_numbered_as_ever(enum: str) -> None:
    values = jobs_pb2.DESCRIPTOR.enum_types_by_name[enum].values_by_number
    prefix = values[0].name.removesuffix("UNSPECIFIED")

    assert [values[number].name for number, _ in enumerate(ENUMS[enum], 1)] == [prefix + word for word in ENUMS[enum]]
