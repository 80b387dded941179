"""What will lock somebody out if nobody looks after it, and when. Pure: instants in, findings out."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum

from haven_provisioning.ca import Role
from haven_provisioning.registry import Issued

LIST_WARNING = timedelta(days=25)
"""The list is renewed daily and good for 30 days: less than this means that the timer has not run for days."""
DEVICE_WARNING = timedelta(days=14)
OTHER_WARNING = timedelta(days=60)


class Urgency(IntEnum):
    """How bad it is; the larger, the worse."""

    GOOD = 0
    SOON = 1
    NOW = 2


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that ends: what, when, how urgent, and what to do about it."""

    what: str
    ends_at: datetime
    urgency: Urgency
    remedy: str


def revocation_list_finding(ends_at: datetime, now: datetime) -> Finding:
    """The list of revoked boxes."""
    remedy = "run `haven-provision crl renew`, and see why haven-crl-renew.timer did not"
    return _finding("revocation list (past its date, every box is locked out)", ends_at, now, LIST_WARNING, remedy)


def authority_finding(name: str, ends_at: datetime, now: datetime) -> Finding:
    """A certificate authority."""
    remedy = "plan a new authority: every certificate below it ends with it"
    return _finding(f"authority {name}", ends_at, now, timedelta(days=2 * 365), remedy)


def certificate_findings(issued: Iterable[Issued], now: datetime) -> list[Finding]:
    """Broker, servers and boxes: of each the certificate that is good the longest. Revoked ones are no concern."""
    latest: dict[tuple[Role, str], Issued] = {}
    for one in issued:
        key = (one.role, one.name)
        if one.revoked_at is None and (key not in latest or latest[key].expires_at < one.expires_at):
            latest[key] = one
    return [_certificate(one, now) for _, one in sorted(latest.items())]


def _certificate(one: Issued, now: datetime) -> Finding:
    if one.role is Role.DEVICE:
        remedy = f"run `haven-provision device renew {one.name}` and carry the new device.crt to the box"
        return _finding(f"box {one.name}", one.expires_at, now, DEVICE_WARNING, remedy)
    remedy = f"run `haven-provision {one.role} renew`, then restart it"
    return _finding(f"{one.role} certificate", one.expires_at, now, OTHER_WARNING, remedy)


def _finding(what: str, ends_at: datetime, now: datetime, warn_before: timedelta, remedy: str) -> Finding:
    if ends_at <= now:
        return Finding(what, ends_at, Urgency.NOW, remedy)
    if ends_at - now < warn_before:
        return Finding(what, ends_at, Urgency.SOON, remedy)
    return Finding(what, ends_at, Urgency.GOOD, "")
