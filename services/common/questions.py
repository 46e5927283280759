"""Questions that somebody answers at once, and what both buses do alike with them."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final

from services.common.errors import LipstageError, Unavailable, error_from
from services.common.messages import FacesAnswer, FacesQuestion, JobError

log = logging.getLogger(__name__)

Answer = Callable[[FacesQuestion], Awaitable[FacesAnswer]]
Reply = FacesAnswer | JobError

ANSWER_S = 30.0
"""How long an answer is waited for at most; what is asked about may be gigabytes away."""
NOBODY: Final = "Nobody is there to look at the video; try again later."
TOO_SLOW: Final = "Nobody has looked at the video in time; try again later."


async def reply_to(question: FacesQuestion, answer: Answer) -> Reply:
    """Also where the answer is broken off: whoever asked need not wait in vain."""
    try:
        return await answer(question)
    except LipstageError as error:
        return told(error)
    except asyncio.CancelledError:
        return told(Unavailable(NOBODY))
    except Exception as error:
        log.error("a question about %s was not answered", question.video, exc_info=error)
        return told(LipstageError(f"An unexpected error kept the question from being answered: {error!r}"))


def answer_in(reply: Reply) -> FacesAnswer:
    """Raises what the reply tells."""
    if isinstance(reply, JobError):
        raise error_from(reply.code, reply.message)
    return reply


@contextlib.asynccontextmanager
async def in_hand() -> AsyncIterator[set["asyncio.Task[Reply]"]]:
    """Whoever answers adds to the set. At the context's end all are waited for; if that is broken off, so are they."""
    tasks: set[asyncio.Task[Reply]] = set()
    try:
        yield tasks
        if tasks:
            await asyncio.wait(tasks)
    finally:
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)


def told(error: LipstageError) -> JobError:
    return JobError(code=error.code, message=str(error))
