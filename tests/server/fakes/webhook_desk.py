"""A police desk's own system: a real HTTP server that takes webhooks and answers as a test tells it to."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks.webhooks import Webhook

from haven_demo.broker import free_port

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # a published example of Standard Webhooks
WAIT_S = 20.0

Behave = Callable[["Call"], None]


@dataclass
class Call:
    """One request and the means to answer it. Its signature has been verified before anybody sees it."""

    handler: BaseHTTPRequestHandler
    key: str
    body: dict[str, Any]
    peer: tuple[str, int]
    path: str

    def answer(self, status: int = 200, body: bytes | None = None, **headers: str) -> None:
        """Answer; without a body as a desk does that has shown the alarm."""
        content = json.dumps({"incident": self.body["incident"]}).encode() if body is None else body
        self.handler.send_response(status)
        for name, value in headers.items():
            self.handler.send_header(name, value)
        self.handler.send_header("Content-Length", str(len(content)))
        self.handler.end_headers()
        self.handler.wfile.write(content)

    def hang_up(self) -> None:
        """Reset the connection without a word."""
        sock = self.handler.connection
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
        self.handler.close_connection = True
        sock.close()


def accept(call: Call) -> None:
    """As a desk does that works."""
    call.answer()


@dataclass
class WebhookDesk:
    """What came, in order. `behaviours` are for the first calls, one each; `behave` for all further ones."""

    url: str = ""
    behave: Behave = accept
    behaviours: list[Behave] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    forged: list[str] = field(default_factory=list)
    """Why a request was turned away as not ours."""
    released: threading.Event = field(default_factory=threading.Event)
    """Set at the end, so that nobody who was made to wait stays behind."""
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def take(self, call: Call) -> None:
        """One more call."""
        with self._changed:
            self.calls.append(call)
            behave = self.behaviours.pop(0) if self.behaviours else self.behave
            self._changed.notify_all()
        behave(call)

    def wait_for(self, count: int) -> list[Call]:
        """The calls, once there are so many."""
        with self._changed:
            if not self._changed.wait_for(lambda: len(self.calls) >= count, WAIT_S):
                raise AssertionError(f"{len(self.calls)} calls instead of {count}; {self.forged}")
            return list(self.calls)

    def wait(self, call: Call) -> None:
        """As a desk does that never answers."""
        self.released.wait(WAIT_S)
        call.handler.close_connection = True


@contextmanager
def webhook_desk() -> Iterator[WebhookDesk]:
    """A desk at a port of its own."""
    desk = WebhookDesk()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["Content-Length"]))
            try:
                body = Webhook(SECRET).verify(raw, {name.lower(): value for name, value in self.headers.items()})
            except Exception as error:  # noqa: BLE001 - whatever is wrong with it, it is not from Haven
                desk.forged.append(repr(error))
                self.send_error(401)
                return
            desk.take(Call(self, self.headers["webhook-id"], body, self.client_address, self.path))

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the library's
            """Stay quiet."""

    with ThreadingHTTPServer(("127.0.0.1", free_port()), Handler) as server:
        server.daemon_threads = True
        server.handle_error = lambda *_: None  # type: ignore[method-assign]  # a peer that hangs up is no news here
        desk.url = f"http://127.0.0.1:{server.server_address[1]}/alarms"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield desk
        finally:
            desk.released.set()
            server.shutdown()
            thread.join(WAIT_S)
