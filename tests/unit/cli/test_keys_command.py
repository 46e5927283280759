"""Accounts and keys from the command line, in the folder of the embedded gateway."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cli import accounts, keys
from gateway.clock import utc_now
from gateway.keys import Keys
from gateway.sqlite_documents import FILE_NAME, sqlite_documents
from services.common.errors import InvalidParameter, Unauthenticated

Printed = Callable[..., str]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    async def make() -> None:
        async with sqlite_documents(tmp_path / FILE_NAME):
            pass

    asyncio.run(make())
    return tmp_path


@pytest.fixture
def printed(data: Path, capsys: pytest.CaptureFixture[str]) -> Printed:
    """What a command prints on standard output."""

    def run(command: Callable[..., None], *values: Any, **options: Any) -> str:
        capsys.readouterr()
        command(*values, **options, data=data)
        return capsys.readouterr().out.rstrip("\n")

    return run


@pytest.fixture
def account(printed: Printed) -> str:
    return printed(accounts.create, "Acme")


def spoken_for(data: Path, token: str) -> str:
    """The account that a running gateway takes the token's bearer for."""

    async def authenticate() -> str:
        async with sqlite_documents(data / FILE_NAME) as documents:
            return (await Keys(documents, utc_now).authenticate(token)).account.id

    return asyncio.run(authenticate())


def test_a_made_keys_token_works_and_is_all_that_is_printed(printed: Printed, account: str, data: Path) -> None:
    token = printed(keys.create, account, "laptop")

    assert spoken_for(data, token) == account
    assert token.split("_")[2] not in printed(keys.list_keys)


def test_keys_are_listed_with_what_they_may_do(printed: Printed, account: str) -> None:
    printed(keys.create, account, "reader", scope=["jobs:read"])
    printed(keys.create, account, "trial [demo]", scope=["usage:read"], days=0.0)
    other = printed(accounts.create, "Other")
    printed(keys.create, other, "theirs")

    first, second = printed(keys.list_keys, account).splitlines()

    assert first.endswith(f"{account}  reader  jobs:read  good")
    assert f"{account}  trial [demo]  usage:read  expired " in second


def test_rotation_and_revocation(printed: Printed, account: str, data: Path) -> None:
    old = printed(keys.create, account, "laptop")
    key = old.split("_")[1]

    new = printed(keys.rotate, key, grace_hours=1.0)

    assert new != old
    assert [spoken_for(data, token) for token in (old, new)] == [account, account]
    assert printed(keys.revoke, key).startswith("revoked ")
    for token in (old, new):
        with pytest.raises(Unauthenticated):
            spoken_for(data, token)


def test_a_key_can_be_named_by_its_token(printed: Printed, account: str, data: Path) -> None:
    old = printed(keys.create, account, "laptop")

    new = printed(keys.rotate, old, grace_hours=1.0)

    assert spoken_for(data, new) == account
    assert printed(keys.revoke, old).startswith("revoked ")
    with pytest.raises(Unauthenticated):
        spoken_for(data, new)


def test_no_error_repeats_a_token(printed: Printed, account: str, data: Path) -> None:
    token = printed(keys.create, account, "laptop")
    _, key, secret = token.split("_")

    for wrong in (f"ls_{key}_{'a' * 40}", f"ls_{'0' * 32}_{secret}", token[:-1], f"{token} ", secret):
        for attempt in (
            lambda named: printed(keys.revoke, named),
            lambda named: printed(keys.rotate, named),
            lambda named: printed(keys.create, named, "laptop"),
            lambda named: printed(accounts.show, named),
        ):
            with pytest.raises(InvalidParameter) as error:
                attempt(wrong)
            assert wrong.strip() not in f"{error.value} {error.value.fields}"
    assert spoken_for(data, token) == account


def test_an_accounts_settings_and_limits_can_be_changed(printed: Printed, account: str) -> None:
    shown = printed(accounts.change, account, ["running_jobs=9", "seconds_per_day=3600", "consent_required=true"])
    assert '"running_jobs": 9' in shown
    assert '"consent_required": true' in shown

    shown = printed(accounts.change, account, ["seconds_per_day=none"])

    assert '"seconds_per_day": null' in shown
    assert '"running_jobs": 9' in shown
    assert printed(accounts.show, account) == shown
    assert "webhook_secret" not in shown


@pytest.mark.parametrize("setting", ["runing_jobs=9", "running_jobs=0", "running_jobs", "id=other", "webhook_secret=x"])
def test_a_wrong_setting_changes_nothing(printed: Printed, account: str, setting: str) -> None:
    before = printed(accounts.show, account)

    with pytest.raises(InvalidParameter):
        printed(accounts.change, account, ["name=Changed", setting])

    assert printed(accounts.show, account) == before


def test_a_price_plan_that_is_not_there_is_refused_and_those_that_are_there_named(
    printed: Printed, account: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InvalidParameter, match=r"no price plan “nope”; choose per-5-seconds, .*free"):
        printed(accounts.change, account, ["price_plan=nope"])
    assert '"price_plan": "per-second"' in printed(accounts.change, account, ["price_plan=per-second"])

    own = tmp_path / "plans.toml"
    own.write_text('[house]\nmetered = "voice"\nper_unit = 1\nunit_s = 1\n')
    monkeypatch.setenv("LIPSTAGE_PRICE_PLANS", str(own))

    assert '"price_plan": "house"' in printed(accounts.change, account, ["price_plan=house"])
    with pytest.raises(InvalidParameter, match="choose house"):
        printed(accounts.change, account, ["price_plan=per-second"])
    assert '"running_jobs": 9' in printed(accounts.change, account, ["running_jobs=9"])


def test_accounts_are_listed(printed: Printed, account: str) -> None:
    other = printed(accounts.create, "Other")

    assert [line.split()[0] for line in printed(accounts.list_accounts).splitlines()] == [account, other]


def test_an_unknown_scope_is_refused(printed: Printed, account: str) -> None:
    with pytest.raises(InvalidParameter, match="jobs:read, jobs:write, usage:read, not “everything”"):
        printed(keys.create, account, "laptop", scope=["everything"])


def test_a_folder_without_a_gateway_is_named_and_left_alone(tmp_path: Path) -> None:
    with pytest.raises(InvalidParameter, match=FILE_NAME):
        keys.list_keys(data=tmp_path)

    assert list(tmp_path.iterdir()) == []
