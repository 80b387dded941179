"""The dispatch server's HTTP API, as far as the technician's tool needs it. Standard library only."""

import json
import ssl
from dataclasses import dataclass, field
from http import HTTPStatus
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlsplit
from urllib.request import HTTPRedirectHandler, HTTPSHandler, Request, build_opener

from haven_provisioning.errors import ServerError, UnknownToServerError, WrongInputError

TIMEOUT_S = 5.0
"""A revocation waits no longer for a server: throwing the box out of the broker comes next."""
MAX_ANSWER = 65536
MAX_SHOWN = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerApi:
    """A dispatch server. Every call raises ServerError, in words, if it is not certain that the server has done it."""

    url: str
    """`https://host` or `http://127.0.0.1:port`, without a path."""
    token: str = field(repr=False)
    authority: Path | None = None
    """Certificate authority of the server's https, where it is none the system knows."""
    timeout_s: float = TIMEOUT_S

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path.strip("/") or parts.query:
            raise WrongInputError(f"{self.url!r} is no address of a server; say https://host or http://host:port")
        if not self.token:
            raise WrongInputError("the server asks for a token: put one of role technician or admin into HAVEN_TOKEN")
        if not self.token.isascii() or not self.token.isprintable():
            raise WrongInputError(
                "HAVEN_TOKEN has characters that no token has; was it copied whole, without line end?"
            )

    def assign(self, device_id: str, site: str | None, label: str | None) -> None:
        """Register a box and assign it to a site (code), or to none."""
        self._call("PUT", f"/api/v1/devices/{quote(device_id, safe='')}", {"site": site, "label": label})

    def revoke(self, device_id: str, reason: str) -> None:
        """Retire a box: what it sends from now on is recorded, and no police are called for it.

        Raises UnknownToServerError for a box that was never registered.
        """
        self._call("POST", f"/api/v1/devices/{quote(device_id, safe='')}/revoke", {"reason": reason})

    def _call(self, method: str, path: str, body: dict[str, Any]) -> None:
        request = Request(  # noqa: S310  # the scheme was checked above
            self.url.rstrip("/") + path,
            data=json.dumps(body).encode(),
            method=method,
            headers={"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"},
        )
        try:
            opener = build_opener(HTTPSHandler(context=self._trust()), _NoRedirect())
            with opener.open(request, timeout=self.timeout_s) as answer:
                answer.read(MAX_ANSWER)
        except HTTPError as error:
            with error:
                kind = UnknownToServerError if error.code == HTTPStatus.NOT_FOUND else ServerError
                raise kind(f"the server says: {_problem(error)}") from None
        except URLError as error:
            raise ServerError(f"the server {self.url} cannot be reached: {error.reason}") from None
        except (OSError, HTTPException) as error:
            raise ServerError(f"the server {self.url} did not answer: {error}") from None

    def _trust(self) -> ssl.SSLContext:
        try:
            return ssl.create_default_context(cafile=self.authority)
        except OSError as error:
            raise WrongInputError(f"{self.authority} is no certificate authority (PEM): {error}") from None


class _NoRedirect(HTTPRedirectHandler):
    """A token is shown to nobody but the server that was named."""

    def redirect_request(self, *_arguments: Any) -> None:
        return None


def _problem(error: HTTPError) -> str:
    """Title and detail of a problem document (RFC 9457), or what the status code alone tells."""
    try:
        document = json.loads(error.read(MAX_ANSWER))
        words = [str(document[key]) for key in ("title", "detail") if document.get(key)]
    except (ValueError, OSError, AttributeError):
        words = []
    text = ": ".join(words)[:MAX_SHOWN] or error.reason or "no reason given"
    hint = " (is HAVEN_TOKEN right?)" if error.code in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN} else ""
    return f"{error.code} {text}{hint}"
