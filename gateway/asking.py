"""Who asks: what routes depend on."""

from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import APIKeyHeader, HTTPBearer

from gateway.accounts import Caller, Scope
from gateway.front import Front
from gateway.tokens import token_in
from services.common.errors import Forbidden


def _front(request: Request) -> Front:
    front: Front = request.app.state.front
    return front


FrontOf = Annotated[Front, Depends(_front)]


# They say in the API's description how a key is sent; token_in finds it.
SCHEMES = [Depends(HTTPBearer(auto_error=False)), Depends(APIKeyHeader(name="x-api-key", auto_error=False))]


async def find_caller(request: Request, front: Front) -> Caller:
    """Raises Unauthenticated or TooManyRequests."""
    caller = await front.keys.authenticate(token_in(request.headers))
    front.rates.count_request(caller.account)
    return caller


async def caller_of(request: Request) -> Caller:
    """Whom callers_first.py found: routes that depend on this need a key."""
    caller: Caller = request.state.caller
    return caller


CallerOf = Annotated[Caller, Depends(caller_of)]


class Needs:
    """Raises Forbidden for a key without the scope."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __call__(self, caller: CallerOf) -> Caller:
        if self._scope not in caller.key.scopes:
            raise Forbidden(f"This key may not do that: it lacks the scope {self._scope}.", scope=self._scope)
        return caller


Reader = Annotated[Caller, Depends(Needs("jobs:read"))]
Writer = Annotated[Caller, Depends(Needs("jobs:write"))]
Accountant = Annotated[Caller, Depends(Needs("usage:read"))]
