"""The register of issued certificates, an SQLite file beside the authorities' keys."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509

from haven_provisioning.ca import Revoked, Role, key_fingerprint, public_key_of
from haven_provisioning.errors import ProvisioningError

BUSY_S = 10
"""How long one command waits for another, say the nightly renewal."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS certificate (
  serial TEXT PRIMARY KEY, role TEXT NOT NULL, name TEXT NOT NULL, key_sha256 TEXT NOT NULL,
  issued_at TEXT NOT NULL, expires_at TEXT NOT NULL, revoked_at TEXT, reason TEXT
) STRICT;
CREATE INDEX IF NOT EXISTS certificate_name ON certificate (role, name);
CREATE TABLE IF NOT EXISTS revocation_list (number INTEGER PRIMARY KEY AUTOINCREMENT, issued_at TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS retired (device TEXT PRIMARY KEY, at TEXT NOT NULL, reason TEXT NOT NULL) STRICT;
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """One certificate of the register. Instants are UTC."""

    serial: int
    role: Role
    name: str
    key_sha256: str
    issued_at: datetime
    expires_at: datetime
    revoked_at: datetime | None = None
    reason: str | None = None


class Registry:
    """What has been issued and revoked. On disk when a method returns, or at the end of the `transaction` around it."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database

    def add(self, role: Role, name: str, certificate: x509.Certificate, now: datetime) -> None:
        """Note a certificate; before it is given to anybody, so that it can always be revoked."""
        self._database.execute(
            "INSERT INTO certificate (serial, role, name, key_sha256, issued_at, expires_at) VALUES (?,?,?,?,?,?)",
            (
                f"{certificate.serial_number:x}",
                role,
                name,
                key_fingerprint(public_key_of(certificate)),
                _text(now),
                _text(certificate.not_valid_after_utc),
            ),
        )

    def issued(self, role: Role | None = None, name: str | None = None) -> list[Issued]:
        """Certificates of a role and name, or all, the newest first."""
        rows = self._database.execute(
            "SELECT serial, role, name, key_sha256, issued_at, expires_at, revoked_at, reason FROM certificate"
            " WHERE (?1 IS NULL OR role = ?1) AND (?2 IS NULL OR name = ?2) ORDER BY issued_at DESC, rowid DESC",
            (role, name),
        )
        return [_issued(row) for row in rows]

    def revoke_device(self, device: str, reason: str, now: datetime) -> int:
        """Retire a device and revoke all its certificates; how many were still good. A second call changes nothing."""
        with self.transaction():
            self._database.execute(
                "INSERT INTO retired (device, at, reason) VALUES (?,?,?) ON CONFLICT DO NOTHING",
                (device, _text(now), reason),
            )
            return self._database.execute(
                "UPDATE certificate SET revoked_at = ?, reason = ?"
                " WHERE role = ? AND name = ? AND revoked_at IS NULL AND expires_at > ?",
                (_text(now), reason, Role.DEVICE, device, _text(now)),
            ).rowcount

    def is_retired(self, device: str) -> bool:
        """Has this device been revoked? Its id is not given out again."""
        return self._database.execute("SELECT 1 FROM retired WHERE device = ?", (device,)).fetchone() is not None

    def revoked(self, now: datetime) -> list[Revoked]:
        """Revoked certificates whose own date has not passed: what a revocation list must name."""
        rows = self._database.execute(
            "SELECT serial, revoked_at FROM certificate WHERE role = ? AND revoked_at IS NOT NULL AND expires_at > ?",
            (Role.DEVICE, _text(now)),
        )
        return [Revoked(int(serial, 16), datetime.fromisoformat(at)) for serial, at in rows]

    def next_list_number(self, now: datetime) -> int:
        """Number for a new revocation list, larger than all before."""
        rows = self._database.execute("INSERT INTO revocation_list (issued_at) VALUES (?)", (_text(now),))
        return rows.lastrowid or 0

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing, and nobody else writes in between."""
        self._database.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._database.execute("ROLLBACK")
            raise
        self._database.execute("COMMIT")


@contextmanager
def open_registry(path: Path) -> Iterator[Registry]:
    """Open or begin the register; ProvisioningError if the file cannot be used."""
    try:
        database = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None)
        try:
            database.execute("PRAGMA synchronous=FULL")
            database.executescript(_SCHEMA)
            yield Registry(database)
        finally:
            database.close()
    except sqlite3.Error as error:
        raise ProvisioningError(f"the register of certificates {path} cannot be used: {error}") from None


def _text(instant: datetime) -> str:
    """Fixed width, so that texts compare as instants do."""
    return instant.astimezone(UTC).isoformat(timespec="microseconds")


def _issued(row: tuple[str, str, str, str, str, str, str | None, str | None]) -> Issued:
    serial, role, name, key_sha256, issued_at, expires_at, revoked_at, reason = row
    return Issued(
        serial=int(serial, 16),
        role=Role(role),
        name=name,
        key_sha256=key_sha256,
        issued_at=datetime.fromisoformat(issued_at),
        expires_at=datetime.fromisoformat(expires_at),
        revoked_at=None if revoked_at is None else datetime.fromisoformat(revoked_at),
        reason=reason,
    )
