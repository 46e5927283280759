"""Requests to an S3 server: made in threads, and again when trouble may pass."""

import asyncio
import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from services.common.s3_client import S3Access
from services.common.s3_errors import S3_TROUBLE, in_our_words, may_pass

T = TypeVar("T")

AT_ONCE = 8
PATIENCE_S = 10.0
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.1, 2.0


class S3Requests:
    def __init__(self, access: S3Access, patience_s: float = PATIENCE_S) -> None:
        self._access, self._patience_s = access, patience_s
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="s3")

    async def run(self, request: Callable[[threading.Event], T], name: str = "", at_once: bool = False) -> T:
        """What `request` returns. It runs in a thread, and unless `at_once` again until patience ends.

        Patience begins with the first failure, so that a long transfer that breaks is tried again too. `request` gets
        an event that is set when nobody waits for it any more: a long transfer then stops by itself. `name` is the
        object it is about. Raises Unavailable, Unauthorized, DiskFull, ObjectMissing and what `request` raises of ours.
        """
        abandoned = threading.Event()
        pause_s, give_up = _FIRST_PAUSE_S, float("inf")
        try:
            while True:
                try:
                    return await asyncio.get_running_loop().run_in_executor(self._threads, request, abandoned)
                except S3_TROUBLE as error:
                    now = time.monotonic()
                    give_up = min(give_up, now + self._patience_s)
                    if at_once or not may_pass(error) or now + pause_s > give_up:
                        raise in_our_words(error, self._access, name) from error
                await asyncio.sleep(pause_s * random.uniform(0.5, 1.0))
                pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
        finally:
            abandoned.set()

    def close(self) -> None:
        """Requests that are still being made end by themselves."""
        self._threads.shutdown(wait=False, cancel_futures=True)
