"""A server that nobody may come to: files name it, and whoever follows what they say is counted."""

import selectors
import socket
import threading
from types import TracebackType


class Bait:
    """Listens on a port of 127.0.0.1 while it is entered."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._woken, self._wake = socket.socketpair()
        self._thread = threading.Thread(target=self._count, daemon=True)
        self.visitors = 0
        self.port = int(self._listener.getsockname()[1])

    def urls(self) -> list[str]:
        """The first one is what most programs would follow."""
        here = f"127.0.0.1:{self.port}"
        return [
            *(f"{scheme}://{here}/bait.ts" for scheme in ("http", "tcp", "rtmp", "rtsp", "ftp", "gopher", "icecast")),
            f"crypto+http://{here}/bait.ts",
            f"concat:http://{here}/bait.ts",
            f"cache:http://{here}/bait.ts",
            f"async:http://{here}/bait.ts",
            f"subfile,,start,0,end,9,,:http://{here}/bait.ts",
        ]

    def __enter__(self) -> "Bait":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._wake.close()
        self._thread.join()
        self._listener.close()
        self._woken.close()

    def _count(self) -> None:
        with selectors.DefaultSelector() as both:
            both.register(self._listener, selectors.EVENT_READ)
            both.register(self._woken, selectors.EVENT_READ)
            while all(key.fileobj is self._listener for key, _ in both.select()):
                visitor, _ = self._listener.accept()
                self.visitors += 1
                visitor.close()
