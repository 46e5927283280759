"""The log of consents."""

from datetime import timedelta

import pytest
from port_suites.accounts import account, caller
from port_suites.hand_clock import HandClock

from gateway.consents import Consents, Revocation
from gateway.memory_documents import MemoryDocuments
from gateway.submissions import Consent
from services.common.errors import ConsentInvalid

ACME, OTHER = caller(), caller(account("other"))
CONSENT = Consent(attested_by="Legal, Acme", basis="contract", scope="the spring campaign", evidence_sha256="ab" * 32)


@pytest.fixture
def documents() -> MemoryDocuments:
    return MemoryDocuments()


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def consents(documents: MemoryDocuments, clock: HandClock) -> Consents:
    return Consents(documents, clock)


async def test_a_recorded_consent_can_be_rested_on(consents: Consents, clock: HandClock) -> None:
    consent = await consents.record(ACME, CONSENT)

    assert await consents.check("acme", consent, clock()) == CONSENT


@pytest.mark.parametrize("unknown", ["0" * 32, "*", "", "a/b", "../other"])
async def test_an_unknown_consent_is_invalid(consents: Consents, clock: HandClock, unknown: str) -> None:
    await consents.record(ACME, CONSENT)

    with pytest.raises(ConsentInvalid):
        await consents.check("acme", unknown, clock())
    assert await consents.find("acme", unknown) is None


async def test_another_accounts_consent_does_not_exist(consents: Consents, clock: HandClock) -> None:
    theirs = await consents.record(OTHER, CONSENT)

    with pytest.raises(ConsentInvalid, match="There is no consent"):
        await consents.check("acme", theirs, clock())
    with pytest.raises(ConsentInvalid, match="There is no consent"):
        await consents.revoke("acme", theirs, "operator")
    assert await consents.check("other", theirs, clock()) == CONSENT


async def test_a_consent_ends_when_it_expires(consents: Consents, clock: HandClock) -> None:
    end = clock() + timedelta(days=1)
    consent = await consents.record(ACME, CONSENT.model_copy(update={"expires_at": end}))
    await consents.check("acme", consent, end - timedelta(seconds=1))

    with pytest.raises(ConsentInvalid, match="expired"):
        await consents.check("acme", consent, end)


async def test_an_expired_consent_is_not_recorded(
    consents: Consents, documents: MemoryDocuments, clock: HandClock
) -> None:
    with pytest.raises(ConsentInvalid, match="expired"):
        await consents.record(ACME, CONSENT.model_copy(update={"expires_at": clock()}))

    assert await documents.names("consents/") == []


async def test_a_revoked_consent_is_invalid_but_known(consents: Consents, clock: HandClock) -> None:
    consent = await consents.record(ACME, CONSENT)
    other = await consents.record(ACME, CONSENT)
    await consents.revoke("acme", consent, "operator")

    with pytest.raises(ConsentInvalid, match="revoked"):
        await consents.check("acme", consent, clock())
    assert await consents.find("acme", consent) == CONSENT
    assert await consents.check("acme", other, clock()) == CONSENT


async def test_the_first_revocation_counts(consents: Consents, clock: HandClock) -> None:
    consent, revoked_at = await consents.record(ACME, CONSENT), clock()
    await consents.revoke("acme", consent, "operator")
    clock.advance(3600)

    assert await consents.revoke("acme", consent, "operator") == Revocation(by="operator", revoked_at=revoked_at)


async def test_the_log_shows_everything_in_order(consents: Consents, clock: HandClock) -> None:
    first = await consents.record(ACME, CONSENT)
    clock.advance(1)
    second = await consents.record(ACME, CONSENT)
    await consents.record(OTHER, CONSENT)
    await consents.revoke("acme", first, "operator")

    log = [(logged.recorded.id, logged.revocation is not None) async for logged in consents.list("acme")]

    assert log == [(first, True), (second, False)]


async def test_nothing_in_the_log_is_ever_changed(
    consents: Consents, documents: MemoryDocuments, clock: HandClock
) -> None:
    consent = await consents.record(ACME, CONSENT)
    name = f"consents/acme/{consent}"
    before = await documents.get(name)
    await consents.revoke("acme", consent, "operator")
    await consents.revoke("acme", consent, "operator")

    assert await documents.get(name) == before
