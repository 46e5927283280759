"""Ledger entries as tests need them."""

from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from gateway.billing.entries import Charge, Credit, Entry
from gateway.billing.plans import load_plans, microseconds, price

PLANS = load_plans()
MIDNIGHT = datetime(2026, 11, 22, tzinfo=UTC)


def charge(
    job: str = "job",
    seconds: float = 30.0,
    at: datetime = MIDNIGHT,
    account: str = "studio",
    plan: str = "per-5-seconds",
) -> Charge:
    terms = PLANS[plan]
    amount = price(terms, seconds)
    return Charge(account=account, job=job, plan=terms, microseconds=microseconds(seconds), amount=amount, at=at)


def credit(
    name: str = "welcome",
    amount: int = 5_000_000,
    at: datetime = MIDNIGHT,
    account: str = "studio",
    reason: str = "gift",
) -> Credit:
    return Credit(account=account, id=name, amount=amount, reason=reason, by="operator", at=at)


@st.composite
def entry_lists(draw: st.DrawFn) -> list[Entry]:
    """Of two accounts, over ten days, in the order in which they were made."""
    entries: list[Entry] = []
    for number in range(draw(st.integers(0, 12))):
        at = MIDNIGHT + timedelta(seconds=draw(st.integers(0, 10 * 24 * 3600)))
        account = draw(st.sampled_from(["studio", "other"]))
        if draw(st.booleans()):
            plan = draw(st.sampled_from(sorted(PLANS)))
            entries.append(charge(f"job-{number}", draw(st.floats(0, 700)), at, account, plan))
        else:
            entries.append(credit(f"credit-{number}", draw(st.integers(0, 10**8)), at, account))
    return entries
