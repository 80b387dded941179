"""A dispatch server's HTTP API that answers what a test tells it to, and remembers what it was asked."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest


@dataclass(frozen=True, slots=True)
class Call:
    """One request as it came."""

    method: str
    path: str
    token: str | None
    body: dict[str, Any]


class FakeApi:
    """Listens on a port of its own inside the fixture `fake_api`."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.calls: list[Call] = []
        self.status = 200
        self.content: bytes = b"{}"
        self.location: str | None = None
        self.registered: set[str] | None = None
        """Paths of the boxes it knows, where it should know only those registered with it."""

    def answers(self, status: int, document: dict[str, Any] | bytes, *, location: str | None = None) -> None:
        """What every request is answered with from now on."""
        self.status = status
        self.content = document if isinstance(document, bytes) else json.dumps(document).encode()
        self.location = location


@pytest.fixture
def fake_api() -> Iterator[FakeApi]:
    class Handler(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            self._answer()

        def do_GET(self) -> None:
            self._answer()

        def log_message(self, *_: Any) -> None:
            """Keep the test's output clean."""

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            api.calls.append(
                Call(self.command, self.path, self.headers.get("Authorization"), json.loads(body or b"{}"))
            )
            if api.registered is not None and self.command == "PUT":
                api.registered.add(self.path)
            known = api.registered is None or self.path.removesuffix("/revoke") in api.registered
            self.send_response(api.status if known else 404)
            if api.location:
                self.send_header("Location", api.location)
            self.send_header("Content-Type", "application/problem+json")
            self.send_header("Content-Length", str(len(api.content)))
            self.end_headers()
            self.wfile.write(api.content)

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        api = FakeApi(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield api
        finally:
            server.shutdown()
            thread.join()
