"""`GET /policy`: what somebody has to know before real faces and voices are sent here, for programs to read."""

import hashlib
from typing import Final

from pydantic import BaseModel, ConfigDict, Field

from gateway import licences
from gateway.accounts import Account
from gateway.billing.plans import Plan, price
from gateway.licences import Variant
from gateway.policy_answers import (
    BillingPolicy,
    ConsentPolicy,
    InputLimits,
    Kept,
    Policy,
    PriceExample,
    ProvenanceMarks,
    RetentionPolicy,
    RightsPolicy,
    Support,
)
from gateway.probe_limits import ProbeLimits
from gateway.removal import SWEEP_S
from services.common.media.opening import CONTAINER_FORMATS
from services.common.media.probe import MAX_AREA_PX, MAX_SIDE_PX
from services.common.settings import Settings

_EXAMPLES_S: Final = (5, 30, 40, 41, 60, 600)


class Installation(BaseModel):
    """What only the operator can say. No defaults: nothing is promised that was not stated."""

    model_config = ConfigDict(frozen=True)

    owner: str = Field(min_length=1)
    """Who runs this installation and answers for it."""
    support: str = Field(min_length=1)
    """Where people ask for help, report abuse or ask for removal: an address or URL."""
    variants: tuple[Variant, ...]
    retention_s: int = Field(ge=0)
    """How long media and results are kept unless the account or the job says otherwise."""
    upload_retention_s: int = Field(ge=0)
    """How long an upload is kept that no job has used."""
    leftovers_s: int = Field(ge=0)
    """How long what a crash has left of intermediates may lie."""
    consent_required: bool
    """Of every account; one alone may be held to it as well."""
    max_media_bytes: int = Field(ge=1)
    """Of one video or voice; an account may have less."""
    content_credentials: bool
    watermark: bool


def policy(
    settings: Settings, probe_limits: ProbeLimits, installation: Installation, plan: Plan, account: Account
) -> Policy:
    """The answers for one account, whose price plan is `plan`."""
    answers = Policy(
        route_owner=installation.owner,
        consent=_consent(installation, account),
        retention=RetentionPolicy(items=_kept(installation, account), at_most_late_s=SWEEP_S),
        rights=_rights(installation.variants),
        input_limits=_limits(settings, probe_limits, installation, account),
        billing=_billing(plan, account),
        support=Support(path=installation.support),
        provenance=ProvenanceMarks(
            content_credentials=installation.content_credentials, watermark=installation.watermark
        ),
    )
    return answers.model_copy(update={"revision": hashlib.sha256(answers.model_dump_json().encode()).hexdigest()})


def _consent(installation: Installation, account: Account) -> ConsentPolicy:
    required = installation.consent_required or account.consent_required
    return ConsentPolicy(required=required, default=account.default_consent is not None)


def _kept(installation: Installation, account: Account) -> tuple[Kept, ...]:
    retention_s = installation.retention_s if account.retention_s is None else account.retention_s
    return (
        Kept(what="inputs", seconds=retention_s, after="the end of the last job that uses them"),
        Kept(what="results and reports", seconds=retention_s, after="the job's end"),
        Kept(what="uploads that no job has used", seconds=installation.upload_retention_s, after="the upload"),
        Kept(what="intermediates", seconds=0, after="the job's end"),
        Kept(what="what a crash leaves of intermediates", seconds=installation.leftovers_s, after="the crash"),
        Kept(what="job records, consents and ledger, without media", seconds=None, after="the job's end"),
    )


def _rights(variants: tuple[Variant, ...]) -> RightsPolicy:
    return RightsPolicy(
        code=licences.CODE,
        weights=tuple(licences.WEIGHTS[variant] for variant in variants),
        auxiliary_weights=licences.AUXILIARY,
        media=licences.MEDIA,
        output=licences.OUTPUT,
    )


def _limits(settings: Settings, probe_limits: ProbeLimits, installation: Installation, account: Account) -> InputLimits:
    return InputLimits(
        max_audio_s=min(settings.max_audio_s, probe_limits.audio_s),
        max_video_s=probe_limits.video_s,
        max_streams=probe_limits.streams,
        max_bytes=min(installation.max_media_bytes, account.limits.max_media_bytes),
        max_side_px=MAX_SIDE_PX,
        max_area_px=MAX_AREA_PX,
        containers=tuple(CONTAINER_FORMATS.split(",")),
    )


def _billing(plan: Plan, account: Account) -> BillingPolicy:
    examples = tuple(PriceExample(seconds=seconds, amount=price(plan, seconds)) for seconds in _EXAMPLES_S)
    return BillingPolicy(owner=account.id, plan=plan, examples=examples)
