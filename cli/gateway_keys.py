"""Where accounts, keys and all the gateway knows are: in a running stack, or in the folder of `lipstage serve`."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from cli.remote import on_stack
from gateway.clock import utc_now
from gateway.documents import Documents
from gateway.keys import Keys
from gateway.sqlite_documents import FILE_NAME, sqlite_documents
from services.common.errors import InvalidParameter

T = TypeVar("T")

Data = Annotated[Path | None, typer.Option(help="Folder of `lipstage serve`, instead of a running stack.")]


def with_keys(data: Path | None, via: str | None, work: Callable[[Keys], Coroutine[Any, Any, T]]) -> T:
    return with_documents(data, via, lambda documents: work(Keys(documents, utc_now)))


def of_account(
    data: Path | None, via: str | None, account: str, work: Callable[[Documents], Coroutine[Any, Any, T]]
) -> T:
    """Raises InvalidParameter when there is no such account: knowing nothing of it must not pass for good news."""

    async def checked_work(documents: Documents) -> T:
        await Keys(documents, utc_now).account(account)
        return await work(documents)

    return with_documents(data, via, checked_work)


def with_documents(data: Path | None, via: str | None, work: Callable[[Documents], Coroutine[Any, Any, T]]) -> T:
    async def opened_work() -> T:
        async with _documents(data, via) as documents:
            return await work(documents)

    return asyncio.run(opened_work())


def _documents(data: Path | None, via: str | None) -> AbstractAsyncContextManager[Documents]:
    if data is None:
        documents: AbstractAsyncContextManager[Documents] = on_stack().documents(via)
        return documents
    file = data / FILE_NAME
    if not file.exists():
        raise InvalidParameter(f"There is no {file}; lipstage serve makes it.", path=str(file))
    return sqlite_documents(file)
