"""Webhook channel: a signed HTTPS call (Standard Webhooks), answered by JSON with our incident in it."""

import json
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import aiohttp
from standardwebhooks.webhooks import Webhook

from haven_server.incidents.naming import incident_name
from haven_server.police.channel import Answer
from haven_server.police.deliveries import Parcel
from haven_server.police.message import encode, message

MAX_ANSWER = 65_536
"""Bytes read of an answer."""

KEEP_CONNECTION_S = 75
_FIRST_ERROR_STATUS = 300


class WebhookChannel:
    """Keeps connections open, because an alarm should not wait for a TLS handshake."""

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEP_CONNECTION_S),
            headers={"User-Agent": "Haven", "Content-Type": "application/json"},
            cookie_jar=aiohttp.DummyCookieJar(),
        )

    async def deliver(self, parcel: Parcel) -> Answer:
        """POST the message. The headers `webhook-id` (the idempotency key), `-timestamp` and `-signature` prove it."""
        body = encode(message(parcel.told, self._zone))
        now = datetime.now(UTC)
        signature = Webhook(parcel.secret).sign(parcel.told.key, now, body.decode())
        headers = {
            "webhook-id": parcel.told.key,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": signature,
        }
        timeout = aiohttp.ClientTimeout(total=parcel.timeout_s)
        try:
            async with self._session.post(
                parcel.url, data=body, headers=headers, timeout=timeout, allow_redirects=False
            ) as response:
                return _judge(response.status, await _read(response.content), parcel)
        except TimeoutError:
            return Answer(alerted=False, error=f"no answer within {parcel.timeout_s:g} s")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return Answer(alerted=False, error=_why(error))

    async def close(self) -> None:
        """Close kept connections."""
        await self._session.close()


async def _read(content: aiohttp.StreamReader) -> bytes:
    """The answer, in however many pieces it comes; of one that is too long only the beginning."""
    answer = b""
    while len(answer) < MAX_ANSWER and (piece := await content.read(MAX_ANSWER - len(answer))):
        answer += piece
    return answer


def _why(error: Exception) -> str:
    """In words of ours: the library's text may hold what the other side sent, perhaps an address of ours."""
    system = error.strerror if isinstance(error, OSError) else None
    return f"{type(error).__name__}: {system}" if system else type(error).__name__


def _judge(status: int, answer: bytes, parcel: Parcel) -> Answer:
    if status >= _FIRST_ERROR_STATUS:
        return Answer(alerted=False, error=f"HTTP {status}")
    ours = incident_name(parcel.told.incident_id)
    try:
        named = json.loads(answer)["incident"]
    except (ValueError, LookupError, TypeError, RecursionError):
        return Answer(alerted=False, error=f'HTTP {status}, but the answer is no JSON with "incident": "{ours}"')
    if named != ours:
        return Answer(alerted=False, error=f"HTTP {status}, but the answer names another incident than {ours}")
    return Answer(alerted=True)
