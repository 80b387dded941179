"""Whether a box is in service, and what may become of it: every transition in one table."""

from enum import StrEnum

from haven_server.problems import Conflict


class Standing(StrEnum):
    """Whether a box is in service."""

    ACTIVE = "active"
    RETIRED = "retired"
    REVOKED = "revoked"


CHANGES: frozenset[tuple[Standing, Standing]] = frozenset(
    {
        (Standing.ACTIVE, Standing.RETIRED),
        (Standing.ACTIVE, Standing.REVOKED),
        (Standing.RETIRED, Standing.REVOKED),
        # Taken out by mistake, or moved to another store: nobody else has had its key.
        (Standing.RETIRED, Standing.ACTIVE),
        # From REVOKED there is no way back: whoever took the key still has it. The box gets a new id.
    }
)


def check_change(device_id: str, before: Standing, after: Standing) -> None:
    """Raise Conflict unless the change is possible."""
    if (before, after) in CHANGES:
        return
    if before is Standing.REVOKED:
        raise Conflict(f"box {device_id} was revoked, which is for good: give it a new key and a new id")
    raise Conflict(f"box {device_id} is {before} and cannot become {after}")
