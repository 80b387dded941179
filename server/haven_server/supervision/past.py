"""Which messages tell of a box's past: they come late, from the other broker or out of a queue. Pure."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from haven_contract.messages import Heartbeat, State

LARGEST_CONNECTION = 2**31 - 1
"""The database holds no larger number. A box that connects every second needs 68 years for as many."""


HEARD_LATELY = timedelta(seconds=120)
"""Who was heard within this may still be overtaken by older messages. After it whatever a box says is news, so that no
step of a clock can make a living box unheard."""

BOOTS_APART = timedelta(seconds=5)
"""No box boots so fast; beginnings that are nearer are taken for the same."""


def is_past(
    status: Mapping[str, Any],
    message: State | Heartbeat,
    now: datetime,
    boot_started_at: Callable[[str], datetime | None],
) -> bool:
    """Whether something newer than the message is known of the box already, so that it says nothing of now.

    `status` has the box's `boot_id`, its `connection` of that boot (0 if none is known), its last `state`, and
    `seen_at`. Boots are told apart by when they began, because the number of connections begins anew with a new card.
    Only where the beginnings do not tell does that number decide.
    """
    if now - status["seen_at"] > HEARD_LATELY:
        return False
    known_connection: int = status["connection"]
    if message.boot_id != status["boot_id"]:
        present, other = boot_started_at(status["boot_id"]), boot_started_at(message.boot_id)
        if present is not None and other is not None and abs(other - present) > BOOTS_APART:
            return other < present
        return isinstance(message, State) and message.connection <= known_connection
    if isinstance(message, Heartbeat):
        return False
    last_ms: int | None = status["state"].get("mono_ms")
    if message.online and message.mono_ms is not None and last_ms is not None and known_connection:
        return message.mono_ms < last_ms
    return min(message.connection, LARGEST_CONNECTION) < known_connection
