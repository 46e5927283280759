"""What settling a job's end does about money."""

from datetime import datetime

from gateway.billing.entries import Charge
from gateway.billing.ledger import Ledger
from gateway.billing.lengths import submitted_lengths
from gateway.billing.plans import Plan, microseconds, price
from gateway.submissions import Submission
from services.common.messages import JobRecord


async def charge_once(
    ledger: Ledger, plan: Plan, submission: Submission, record: JobRecord | None, at: datetime
) -> Charge | None:
    """The one charge of a completed job; None for any other. However often, and by however many, it is asked for.

    The pipeline's record decides, because its end never changes: a wish to cancel that came too late is none.
    """
    if submission.error or record is None or record.state != "completed":
        return None
    metered_s = submitted_lengths(submission).metered_s(plan.metered)
    return await ledger.charge(
        Charge(
            account=submission.account,
            job=submission.id,
            plan=plan,
            microseconds=microseconds(metered_s),
            amount=price(plan, metered_s),
            at=at,
        )
    )
