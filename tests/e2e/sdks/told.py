"""A server of callers' own that their webhooks arrive at."""

import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ARRIVES_S = 30.0


@dataclass(frozen=True)
class Arrived:
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes


@dataclass(frozen=True)
class Receiver:
    port: int
    _arrived: dict[str, "queue.Queue[Arrived]"] = field(default_factory=dict)

    def address(self, name: str) -> str:
        """Where what is to be known by this name is posted to."""
        self._arrived[name] = queue.Queue()
        return f"http://127.0.0.1:{self.port}/{name}"

    def arrived(self, name: str) -> Arrived:
        """Waits for it."""
        return self._arrived[name].get(timeout=ARRIVES_S)

    def take(self, path: str, arrived: Arrived) -> None:
        self._arrived[path.strip("/")].put(arrived)


@contextmanager
def receiving() -> Iterator[Receiver]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.take(self.path, Arrived({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver = Receiver(server.server_port)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
