"""Jobs of a gateway, for the commands in jobs.py and dub.py; the key is LIPSTAGE_API_KEY."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

from cli.job_summary import JobSummary, Parts
from cli.output_file import unwritable
from cli.progress_bars import ProgressBars
from cli.request import succeeded
from lipstage import client
from lipstage.client.asked import Parameters
from services.common.errors import Canceled, error_from
from services.common.messages import DubParameters, JobError, JobEvent, Priority


def submit(via: str | None, video: Path, audio: Path, parameters: DubParameters, priority: Priority) -> JobSummary:
    with _gateway(via) as gateway:
        return _summary(gateway.create(video, audio, priority=priority, **_asked(parameters)))


def status(via: str | None, job: str) -> JobSummary:
    with _gateway(via) as gateway:
        return _summary(gateway.get(job))


def watch(via: str | None, job: str, output: Path | None) -> JobSummary:
    """Shows progress until the job ends, and delivers its result if it has one and `output` is given."""
    with _gateway(via) as gateway:
        ended = _followed(gateway, job)
        if output and ended.state == "completed":
            _deliver(gateway, job, output)
        return ended


def cancel(via: str | None, job: str) -> JobSummary:
    with _gateway(via) as gateway:
        return _summary(gateway.cancel(job))


def dub_via(via: str | None, video: Path, audio: Path, output: Path, parameters: DubParameters) -> JobSummary:
    """Like `dub_file`, done by the gateway."""
    with _gateway(via) as gateway:
        job = gateway.create(video, audio, **_asked(parameters)).id
        try:
            ended = succeeded(_followed(gateway, job))
        except KeyboardInterrupt:
            gateway.cancel(job)
            raise
        if ended.state == "canceled":
            raise Canceled(f"Job {job} was canceled by somebody else.")
        _deliver(gateway, job, output)
        return ended


@contextmanager
def _gateway(via: str | None) -> Iterator[client.Lipstage]:
    """Its errors are the command line's."""
    try:
        with client.Lipstage(via) as gateway:
            yield gateway
    except client.LipstageError as error:
        raise error_from(error.code, error.detail) from error


def _asked(parameters: DubParameters) -> Parameters:
    return cast(Parameters, parameters.model_dump(mode="json"))


def _followed(gateway: client.Lipstage, job: str) -> JobSummary:
    """The job once it has ended; its progress is shown meanwhile."""
    with ProgressBars() as bars:

        def show(update: client.Job | client.Progress) -> None:
            if isinstance(update, client.Progress):
                bars.show(JobEvent(job_id=job, state="processing", **update.model_dump()))

        return _summary(gateway.wait(job, show))


def _deliver(gateway: client.Lipstage, job: str, output: Path) -> None:
    """Result and report, `output` with the suffix .report.json: both or none."""
    report = output.with_suffix(".report.json")
    try:
        gateway.download_report(job, report)
        try:
            gateway.download(job, output)
        except (OSError, client.LipstageError):
            report.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise unwritable(output, error) from error


def _summary(job: client.Job) -> JobSummary:
    parts: dict[str, Parts] = {
        stage.stage: Parts(round(stage.done * (stage.parts or 0)), stage.parts) for stage in job.progress
    }
    return JobSummary(
        id=job.id,
        state=job.state,
        error=JobError(code=job.error.code, message=job.error.message) if job.error else None,
        chunks=parts.get("denoise", Parts()),
        segments=parts.get("composite", Parts()),
        timings_s=job.timings_s,
        outcomes=job.outcomes,
    )
