"""What all dialects do alike when a job is asked for."""

from typing import Annotated, Any

from fastapi import Depends

from gateway.accounts import Caller
from gateway.dialects.extras import Extras
from gateway.front import Front
from gateway.job_views import JobView
from gateway.rest.jobs import ConsentId, IdempotencyKey
from gateway.submissions import Dialect, JobRequest, Submission


def _extras(idempotency_key: IdempotencyKey = None, consent_id: ConsentId = None) -> Extras:
    return Extras(idempotency_key, consent_id)


ExtrasOf = Annotated[Extras, Depends(_extras)]


async def submitted(
    front: Front, caller: Caller, extras: Extras, dialect: Dialect, request: JobRequest, echo: dict[str, Any]
) -> tuple[Submission, JobView]:
    """Raises TooManyRequests before anything is created, and what `Jobs.create` raises."""
    front.rates.count_create(caller.account)
    if extras.consent_id:
        request = request.model_copy(update={"consent_id": extras.consent_id})
    view = await front.jobs.create(caller, request, idempotency_key=extras.idempotency_key, dialect=dialect, echo=echo)
    return await front.jobs.submission(caller, view.id)
