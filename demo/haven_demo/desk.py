"""A police station's system, as a webhook sees it: checks the signature, keeps what came, answers with the incident."""

import json
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from haven_demo.broker import free_port

MAX_BODY = 1_000_000
WAIT_S = 20.0


@dataclass(frozen=True, slots=True)
class Call:
    """One call that reached the desk, its signature verified, and the means to answer it once."""

    at: datetime
    path: str
    key: str
    """Header `webhook-id`."""
    body: dict[str, Any]
    handler: BaseHTTPRequestHandler

    @property
    def peer(self) -> tuple[str, int]:
        """Address and port from which it came."""
        host, port = self.handler.client_address[:2]
        return host, port

    def answer(self, status: int = 200, body: bytes | None = None, **headers: str) -> None:
        """Answer; without a body as a desk does that has shown the alarm."""
        content = json.dumps({"incident": self.body["incident"]}).encode() if body is None else body
        _respond(self.handler, status, content, headers)

    def hang_up(self) -> None:
        """Reset the connection without a word."""
        sock = self.handler.connection
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
        self.handler.close_connection = True
        sock.close()


class PoliceDesk:
    """A context manager: listens on loopback, in threads of its own. Set `working` to False and it answers 503."""

    def __init__(self, secret: str, tell: Callable[[Call], None] | None = None) -> None:
        self.calls: list[Call] = []
        self.forged: list[str] = []
        """Why calls were turned away: not signed by us."""
        self.working = True
        self._webhook = Webhook(secret)
        self._tell = tell
        self._changed = threading.Condition()
        self._server = _Server(self._take)
        # A short poll, because the end waits for it.
        self._thread = threading.Thread(target=self._server.serve_forever, args=[0.02], name="police desk", daemon=True)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def wait_for(self, number: int, timeout_s: float = WAIT_S) -> list[Call]:
        """The calls, once there are so many; TimeoutError if there are not."""
        with self._changed:
            if not self._changed.wait_for(lambda: len(self.calls) >= number, timeout_s):
                raise TimeoutError(f"the desk has had {len(self.calls)} calls, not {number}; forged: {self.forged}")
            return list(self.calls)

    def respond(self, call: Call) -> None:
        """What it does with a call: it shows the alarm and says so."""
        call.answer()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def _take(self, handler: BaseHTTPRequestHandler) -> None:
        at = datetime.now(UTC)
        length = int(handler.headers.get("Content-Length") or 0)
        raw = handler.rfile.read(min(length, MAX_BODY))
        if not self.working:
            _respond(handler, 503, b"out of order", {})
            return
        try:
            body = self._webhook.verify(raw, dict(handler.headers.items()))
        except WebhookVerificationError as error:
            self.forged.append(str(error))
            _respond(handler, 401, b"not signed by Haven", {})
            return
        call = Call(at, handler.path, str(handler.headers["webhook-id"]), body, handler)
        with self._changed:
            self.calls.append(call)
            self._changed.notify_all()
        if self._tell is not None:
            self._tell(call)
        self.respond(call)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def __init__(self, take: Callable[[BaseHTTPRequestHandler], None]) -> None:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                take(self)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
                """Say nothing: whoever has the desk shows its calls."""

        super().__init__(("127.0.0.1", free_port()), Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of a caller that hangs up: servers are killed here."""


def _respond(handler: BaseHTTPRequestHandler, status: int, content: bytes, headers: dict[str, str]) -> None:
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name, value)
    handler.send_header("Content-Length", str(len(content)))
    handler.end_headers()
    handler.wfile.write(content)
