"""Where a request's token is looked for."""

import pytest
from starlette.datastructures import Headers

from gateway.tokens import token_in
from services.common.errors import Unauthenticated


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Bearer ls_a_b"},
        {"Authorization": "Key ls_a_b"},
        {"Authorization": "Token ls_a_b"},
        {"authorization": "  bearer   ls_a_b "},
        {"X-API-Key": "ls_a_b"},
        {"Authorization": "Basic dXNlcjpwYXNz", "x-api-key": " ls_a_b"},
        {"Authorization": "Bearer ls_a_b", "x-api-key": "another"},
    ],
)
def test_every_clients_way_to_send_a_token_is_understood(headers: dict[str, str]) -> None:
    assert token_in(Headers(headers)) == "ls_a_b"


def test_a_token_in_two_parts_is_left_as_it_is() -> None:
    assert token_in({"authorization": "Key id:secret"}) == "id:secret"


@pytest.mark.parametrize(
    "headers", [{}, {"authorization": "Bearer "}, {"authorization": "Basic dXNlcjpwYXNz"}, {"x-api-key": " "}]
)
def test_a_request_without_a_token_is_told_how_to_send_one(headers: dict[str, str]) -> None:
    with pytest.raises(Unauthenticated, match="Authorization: Bearer"):
        token_in(headers)
