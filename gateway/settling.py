"""What the end of a job brings with it: its charge, its webhook, its place given back, its retention begun.

Its start is told here too, where that is wanted.
"""

from gateway.billing.charging import charge_once
from gateway.billing.ledger import Ledger
from gateway.billing.pace import Paces
from gateway.clock import Clock
from gateway.documents import Collection, Documents
from gateway.job_views import JobView, State, job_view
from gateway.limits import Quotas
from gateway.links import Links
from gateway.slots import Slots
from gateway.submissions import OpenJob, Submission, Webhook
from gateway.webhook_bodies import webhook_body
from gateway.webhooks.messages import Event
from gateway.webhooks.outbox import Outbox
from services.common.errors import LipstageError
from services.common.ports import JobStore
from services.common.progress import find


class Settling:
    """Done in an order in which it may be cut off anywhere and done again: the job stays open until all is done."""

    def __init__(
        self, documents: Documents, jobs: JobStore, outbox: Outbox, links: Links, base_url: str, clock: Clock
    ) -> None:
        self._submissions = Collection(documents, "submissions", Submission)
        self._open = Collection(documents, "open", OpenJob)
        self._ledger, self._paces, self._slots = Ledger(documents), Paces(documents), Slots(documents)
        self._quotas = Quotas(documents, clock)
        self._jobs, self._outbox, self._links, self._clock = jobs, outbox, links, clock
        self._base_url = base_url

    async def tell_start(self, submission: Submission) -> None:
        """Not once the job has ended. Raises Unavailable."""
        if (webhook := submission.request.webhook) and "started" in webhook.events:
            view = job_view(submission, await find(self._jobs, submission.id), None, self._links, self._clock())
            if view.state == "processing":
                await self._tell(view, submission, webhook)

    async def settle(self, account: str, job: str) -> bool:
        """False when the job has not ended yet. Raises Unavailable."""
        key = f"{account}/{job}"
        submission, record = await self._submissions.get(key), await find(self._jobs, job)
        now = self._clock()
        view = job_view(submission, record, None, self._links, now)
        if not view.ended:
            return False
        charge = await charge_once(self._ledger, submission.price_plan, submission, record, now)
        if record and submission.audio:
            await self._paces.observe(record, submission.audio.duration_s)
        ended = submission if submission.ended_at else submission.model_copy(update={"ended_at": now})
        if (webhook := ended.request.webhook) and "ended" in webhook.events:
            await self._tell(job_view(ended, record, charge, self._links, now), ended, webhook)
        # Only now: from its end on the job may be removed, and with it what was told of it.
        await self._submissions.change(
            key, lambda newest: newest if newest.ended_at else newest.model_copy(update={"ended_at": now})
        )
        if charge is None:
            await self._quotas.give_back(account, job, submission.created_at)
        await self._slots.give_back(account, job)
        await self._open.delete(job)
        return True

    async def _tell(self, view: JobView, submission: Submission, webhook: Webhook) -> None:
        body, event = webhook_body(view, submission, self._base_url), _event(view.state)
        await self._outbox.add(view.id, event, submission.account, submission.dialect, str(webhook.url), body)


def _event(state: State) -> Event:
    match state:
        case "completed" | "failed" | "canceled":
            return state
        case "processing":
            return "started"
        case "created":
            raise LipstageError("A job that was only created is not told of.")
