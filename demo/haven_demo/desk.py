"""A police station's system, as a webhook sees it: checks the signature, keeps what came, answers with the incident."""

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

MAX_BODY = 1_000_000
WAIT_S = 15.0


@dataclass(frozen=True, slots=True)
class Call:
    """One call that reached the desk."""

    at: datetime
    path: str
    key: str
    """Header `webhook-id`."""
    body: dict[str, Any]


class PoliceDesk:
    """A context manager: listens on loopback, in threads of its own. Set `working` to False and it answers 503."""

    def __init__(self, secret: str, tell: Callable[[Call], None] | None = None) -> None:
        self.calls: list[Call] = []
        self.refused: list[str] = []
        """Why calls were refused: not signed by us."""
        self.working = True
        self._webhook = Webhook(secret)
        self._tell = tell
        self._changed = threading.Condition()
        desk = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                status, answer = desk._take(self)
                content = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
                """Say nothing: the demo shows the calls itself."""

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 256

        self._server = Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, name="police desk", daemon=True)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def wait_for_calls(self, number: int, timeout_s: float = WAIT_S) -> list[Call]:
        """The calls, once there are so many; TimeoutError if there are not."""
        with self._changed:
            if not self._changed.wait_for(lambda: len(self.calls) >= number, timeout_s):
                raise TimeoutError(f"the desk has had {len(self.calls)} calls, not {number}")
            return list(self.calls)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def _take(self, request: BaseHTTPRequestHandler) -> tuple[int, dict[str, Any]]:
        at = datetime.now(UTC)
        length = int(request.headers.get("Content-Length") or 0)
        raw = request.rfile.read(min(length, MAX_BODY))
        if not self.working:
            return 503, {"error": "out of order"}
        try:
            body = self._webhook.verify(raw, dict(request.headers.items()))
        except WebhookVerificationError as error:
            self.refused.append(str(error))
            return 401, {"error": str(error)}
        call = Call(at, request.path, str(request.headers["webhook-id"]), body)
        with self._changed:
            self.calls.append(call)
            self._changed.notify_all()
        if self._tell is not None:
            self._tell(call)
        return 200, {"incident": body["incident"], "accepted": True}
