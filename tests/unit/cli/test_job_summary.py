from port_suites.job_records import job_record

from cli.job_summary import JobSummary, summary_of
from services.common.messages import JobError, SegmentState


def test_a_job_under_way_says_how_far_its_stages_are() -> None:
    segments = {0: SegmentState(chunks=(0,), status="done"), 1: SegmentState(chunks=(1, 2))}
    record = job_record(preprocessed=True, chunks=3, chunks_done=frozenset({0, 2}), segments=segments)

    assert str(summary_of(record)) == "processing: 2/3 chunks, 1/2 segments"


def test_what_is_not_known_yet_is_not_guessed() -> None:
    assert str(summary_of(job_record(chunks=3))) == "processing: 0/? chunks, 0/? segments"
    assert str(JobSummary("job", "created")) == "created"


def test_a_failed_job_says_why() -> None:
    record = job_record(state="failed", error=JobError(code="no_face", message="There is no face."))

    assert str(summary_of(record)) == "failed [no_face]: There is no face."
