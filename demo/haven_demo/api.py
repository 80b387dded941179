"""Haven's HTTP API, called with nothing but the standard library."""

import json
import uuid
from http.client import HTTPConnection
from typing import Any

TIMEOUT_S = 30


class ApiError(RuntimeError):
    """The server answered with a problem document."""


class Api:
    """A client with a token, for the server on this machine."""

    def __init__(self, port: int, token: str | None = None) -> None:
        self._port = port
        self._token = token

    def get(self, path: str) -> Any:
        """GET."""
        return self._call("GET", path, None, {})

    def put(self, path: str, body: Any) -> Any:
        """PUT of a JSON body."""
        return self._json("PUT", path, body)

    def post(self, path: str, body: Any) -> Any:
        """POST of a JSON body."""
        return self._json("POST", path, body)

    def upload(self, path: str, name: str, data: bytes) -> Any:
        """POST of a file, as a browser's form does it."""
        mark = uuid.uuid4().hex
        head = f'--{mark}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'.encode()
        body = head + data + f"\r\n--{mark}--\r\n".encode()
        return self._call("POST", path, body, {"Content-Type": f"multipart/form-data; boundary={mark}"})

    def _json(self, method: str, path: str, body: Any) -> Any:
        return self._call(method, path, json.dumps(body).encode(), {"Content-Type": "application/json"})

    def _call(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> Any:
        if self._token is not None:
            headers["Authorization"] = f"Bearer {self._token}"
        connection = HTTPConnection("127.0.0.1", self._port, timeout=TIMEOUT_S)
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            content = response.read()
        finally:
            connection.close()
        try:
            answer = json.loads(content) if content else None
        except ValueError:
            raise ApiError(f"{method} {path}: {response.status}, and the answer is not Haven's") from None
        if response.status >= 300:  # noqa: PLR2004 - anything but success
            raise ApiError(f"{method} {path}: {response.status} {answer.get('detail', answer) if answer else ''}")
        return answer
