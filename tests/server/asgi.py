"""Requests to an application in this process, without a port: `Api(app, token).get("/api/v1/sites")`."""

import asyncio
import json
from collections.abc import MutableMapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote, unquote, urlencode, urlsplit

from fastapi import FastAPI

_BOUNDARY = "a-line-that-stands-in-no-file"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the application answered."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """Body as JSON; None if it is empty."""
        return json.loads(self.body) if self.body else None


@dataclass(frozen=True, slots=True)
class Api:
    """A caller with a token, or without."""

    app: FastAPI
    token: str | None = None

    def as_caller(self, token: str | None) -> "Api":
        """Another caller of the same application."""
        return replace(self, token=token)

    def get(self, path: str, **query: Any) -> Answer:
        """GET with a query."""
        return self.call("GET", f"{path}?{urlencode(query)}" if query else path)

    def put(self, path: str, body: Any) -> Answer:
        """PUT of JSON."""
        return self.call("PUT", path, body)

    def post(self, path: str, body: Any = None) -> Answer:
        """POST of JSON, or of nothing."""
        return self.call("POST", path, body)

    def delete(self, path: str) -> Answer:
        """DELETE."""
        return self.call("DELETE", path)

    def call(self, method: str, path: str, body: Any = None) -> Answer:
        """Request with a JSON body, or none."""
        raw = b"" if body is None else json.dumps(body).encode()
        return self._send(method, path, raw, "application/json")

    def upload(self, path: str, file: bytes, name: str = "file.csv") -> Answer:
        """POST of a file as a form sends it, in the field `file`."""
        head = f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
        raw = head.encode() + b"Content-Type: text/csv\r\n\r\n" + file + f"\r\n--{_BOUNDARY}--\r\n".encode()
        return self._send("POST", path, raw, f"multipart/form-data; boundary={_BOUNDARY}")

    def _send(self, method: str, path: str, body: bytes, content_type: str) -> Answer:
        return asyncio.run(self._exchange(method, path, body, content_type))

    async def _exchange(self, method: str, path: str, body: bytes, content_type: str) -> Answer:
        parts = urlsplit(path)
        headers = [(b"host", b"haven.test"), (b"content-type", content_type.encode())]
        headers.append((b"content-length", str(len(body)).encode()))
        if self.token is not None:
            headers.append((b"authorization", f"Bearer {self.token}".encode()))
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": unquote(parts.path),
            "raw_path": quote(parts.path, safe="/%:").encode(),
            "query_string": parts.query.encode(),
            "root_path": "",
            "headers": headers,
            "server": ("haven.test", 80),
            "client": ("127.0.0.1", 20000),
        }
        sent: list[MutableMapping[str, Any]] = []
        given = asyncio.Event()

        async def receive() -> MutableMapping[str, Any]:
            if not given.is_set():
                given.set()
                return {"type": "http.request", "body": body, "more_body": False}
            return {"type": "http.disconnect"}

        async def send(message: MutableMapping[str, Any]) -> None:
            sent.append(message)

        await self.app(scope, receive, send)
        start = next(message for message in sent if message["type"] == "http.response.start")
        return Answer(
            status=start["status"],
            headers={name.decode().lower(): value.decode() for name, value in start["headers"]},
            body=b"".join(message.get("body", b"") for message in sent if message["type"] == "http.response.body"),
        )
