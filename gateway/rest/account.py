"""The caller itself: who it is, what it used and owes, and what holds here."""

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, BeforeValidator, ConfigDict

from gateway.asking import Accountant, FrontOf, Reader, Writer
from gateway.billing.ledger import Ledger
from gateway.billing.plans import plan_named
from gateway.billing.usage import Period, Usage, read_usage, within_period
from gateway.billing.usage_csv import csv_lines
from gateway.licences import WEIGHTS
from gateway.policy import Installation, policy
from gateway.policy_answers import Policy
from gateway.probe_limits import ProbeLimits
from gateway.uploads import KEPT
from gateway.webhooks.signatures import shown_secret
from services.common.errors import InvalidParameter
from services.common.settings import Settings

router = APIRouter(tags=["account"])
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_LEFTOVERS_S = 7 * 24 * 3600
"""What the media store's own lifecycle rule removes, should everything else have failed."""


def _as_written(day: object) -> object:
    """Numbers would be taken for seconds."""
    if isinstance(day, str) and not _DAY.fullmatch(day):
        raise ValueError("a day is written as 2026-11-22")
    return day


Day = Annotated[date, BeforeValidator(_as_written)]


class VariantView(BaseModel):
    variant: str
    name: str
    note: str


class KeyView(BaseModel):
    id: str
    name: str


class WebhookSecret(BaseModel):
    key: str


class Me(BaseModel):
    model_config = ConfigDict(frozen=True)

    account: str
    key: KeyView
    variants: list[VariantView]


@router.get("/me")
async def me(front: FrontOf, caller: Reader) -> Me:
    variants = [
        VariantView(variant=variant, name=WEIGHTS[variant].subject, note=WEIGHTS[variant].binds)
        for variant in front.settings.variants
    ]
    return Me(account=caller.account.id, key=KeyView(id=caller.key.id, name=caller.key.name), variants=variants)


@router.get("/webhooks/secret")
async def webhook_secret(caller: Writer) -> WebhookSecret:
    """What posts to this account's webhooks are signed with, as Standard Webhooks writes it."""
    return WebhookSecret(key=shown_secret(caller.account.webhook_secret))


@router.get("/usage", response_model=Usage, responses={200: {"content": {"text/csv": {}}}})
async def usage(
    front: FrontOf,
    caller: Accountant,
    since: Day | None = None,
    until: Annotated[Day | None, Query(description="The last day that counts.")] = None,
    as_: Annotated[Literal["json", "csv"], Query(alias="format")] = "json",
) -> Usage | Response:
    """What was used and charged, by day in UTC; by default the last 30 days."""
    period = _period(since, until or front.clock().date())
    ledger, account = Ledger(front.ports.documents), caller.account.id
    if as_ == "json":
        return await read_usage(ledger, account, period)
    entries = within_period(await ledger.entries(account), account, period)
    return Response("".join(csv_lines(entries)), media_type="text/csv")


@router.get("/policy")
async def account_policy(front: FrontOf, caller: Reader) -> Policy:
    """What has to be known before real faces and voices are sent here."""
    settings = front.settings
    installation = Installation(
        owner=settings.route_owner,
        support=settings.support,
        variants=settings.variants,
        retention_s=settings.default_retention_s,
        upload_retention_s=int(KEPT.total_seconds()),
        leftovers_s=_LEFTOVERS_S,
        max_media_bytes=settings.max_media_bytes,
        consent_required=settings.consent_required,
        content_credentials=True,
        watermark=True,
    )
    plan = plan_named(front.plans, caller.account.price_plan)
    return policy(Settings(), ProbeLimits(), installation, plan, caller.account)


def _period(first: date | None, last: date) -> Period:
    """Raises InvalidParameter."""
    try:
        return Period(_midnight(first or last - timedelta(days=29)), _midnight(last + timedelta(days=1)))
    except OverflowError:
        raise InvalidParameter("The days lie outside of the years 1 to 9999.") from None


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
