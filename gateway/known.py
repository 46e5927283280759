"""What is known of a job beside its state: what it may cost, and what is written down of it."""

from gateway.accounts import Caller
from gateway.billing.estimates import Estimate, estimate
from gateway.billing.ledger import Ledger
from gateway.billing.lengths import Lengths, lengths
from gateway.billing.pace import Paces
from gateway.billing.plans import plan_named
from gateway.front import Front
from gateway.job_record import public_record
from gateway.production_record import ProductionRecord
from gateway.submissions import JobRequest
from gateway.uploads import PREFIX, sounding_s


async def estimated(front: Front, caller: Caller, request: JobRequest) -> Estimate:
    """Raises UploadNotFound, and InvalidParameter for a variant that is not served."""
    documents, variant = front.ports.documents, front.settings.served(request.parameters).variant
    return estimate(
        plan_named(front.plans, caller.account.price_plan),
        await _lengths(front, caller, request),
        await Paces(documents).of(variant),
        jobs_ahead=len(await documents.names("open/")),
        workers=front.settings.workers,
    )


async def recorded(front: Front, caller: Caller, job: str) -> ProductionRecord:
    submission, record = await front.jobs.all_of(caller, job)
    ledger, view = Ledger(front.ports.documents), await front.jobs.get(caller, job)
    return public_record(
        submission,
        record,
        await ledger.charge_of(caller.account.id, job),
        await ledger.refund_of(caller.account.id, job),
        owner=front.settings.route_owner,
        consent=await front.consents.find(caller.account.id, submission.consent) if submission.consent else None,
        output_uri=view.output.url if view.output else None,
    )


async def _lengths(front: Front, caller: Caller, request: JobRequest) -> Lengths | None:
    """None unless both media are uploads: others are not looked at before there is a job."""
    if not (request.video.startswith(PREFIX) and request.audio.startswith(PREFIX)):
        return None
    video = await front.uploads.get(caller.account.id, request.video.removeprefix(PREFIX))
    audio = await front.uploads.get(caller.account.id, request.audio.removeprefix(PREFIX))
    return lengths(request.parameters.length, video.facts.duration_s, sounding_s(audio.facts))
