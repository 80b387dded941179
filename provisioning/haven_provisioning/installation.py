"""Haven's keys on disk, in one folder.

- `ca/`: device-ca.key, server-ca.key, their certificates and the register; for nobody but root
- `broker/`: what the broker reads: its key, both authorities, the revocation list
- `server/`: what a dispatch server reads
- `devices/`: a folder per box, to be carried to it
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from haven_contract.topics import SERVER_USER
from haven_provisioning import ca
from haven_provisioning.ca import Authority, Role
from haven_provisioning.errors import AlreadyThereError, NotThereError, WrongInputError
from haven_provisioning.files import PRIVATE, PUBLIC, make_folder, write_file
from haven_provisioning.registry import Registry, open_registry

LOCAL_NAMES = ("localhost", "127.0.0.1", "::1")
"""Always in the broker's certificate: servers and this tool reach the inner listener over loopback."""

DEVICE_CA = "device-ca"
SERVER_CA = "server-ca"


@dataclass(frozen=True, slots=True)
class Credentials:
    """What somebody needs to come to the broker: an authority to check it by, a certificate and its key."""

    ca: Path
    certificate: Path
    key: Path


@dataclass(frozen=True, slots=True)
class Installation:
    """One folder of keys, see above. `passphrase` protects the authorities' keys, where one was given at `create`."""

    folder: Path
    passphrase: bytes | None = None

    @property
    def authorities(self) -> Path:
        """Where the authorities' keys and the register are."""
        return self.folder / "ca"

    @property
    def broker_folder(self) -> Path:
        """What the broker reads."""
        return self.folder / "broker"

    @property
    def revocation_list_file(self) -> Path:
        """List that the broker's outer listener checks."""
        return self.broker_folder / "device-ca.crl"

    @property
    def broker_certificate_file(self) -> Path:
        """Certificate that the broker shows."""
        return self.broker_folder / "broker.crt"

    @property
    def server(self) -> Credentials:
        """A dispatch server's, for the inner listener."""
        folder = self.folder / "server"
        return Credentials(folder / "server-ca.crt", folder / "dispatch.crt", folder / "dispatch.key")

    def device_folder(self, device_id: str) -> Path:
        """What is carried to one box."""
        return self.folder / "devices" / device_id

    def device(self, device_id: str) -> Credentials:
        """One box's, for the outer listener."""
        folder = self.device_folder(device_id)
        return Credentials(folder / "server-ca.crt", folder / "device.crt", folder / "device.key")

    def create(self, broker_names: Sequence[str], now: datetime) -> None:
        """Make the authorities, and from them broker, server and an empty revocation list.

        Raises AlreadyThereError rather than replace an authority: every box in the field would be locked out.
        """
        for name in (DEVICE_CA, SERVER_CA):
            if self._file(name, "key").exists() or self._file(name, "crt").exists():
                raise AlreadyThereError(
                    f"there are authorities in {self.authorities} already; replacing them would lock out every box."
                    " Choose another folder, or move this one away if you mean it"
                )
        make_folder(self.folder)
        make_folder(self.authorities, 0o700)
        for name, title in ((DEVICE_CA, "Haven device CA"), (SERVER_CA, "Haven server CA")):
            authority = ca.new_authority(title, now)
            write_file(self._file(name, "key"), ca.write_key(authority.key, self.passphrase), PRIVATE)
            write_file(self._file(name, "crt"), _pem(authority.certificate), PUBLIC)
        self.issue_broker(broker_names, now)
        self.issue_server(now)
        self.renew_revocation_list(now)

    def check(self) -> None:
        """NotThereError if no installation was ever made in the folder."""
        if not self.authorities.is_dir():
            raise NotThereError(
                f"there is no installation in {self.folder}: `haven-provision init {self.folder}` makes one;"
                " if it is elsewhere, name its folder with --dir or HAVEN_DIR"
            )

    def authority_certificate(self, name: str) -> x509.Certificate:
        """Certificate of an authority, `device-ca` or `server-ca`; NotThereError if the folder has none."""
        return x509.load_pem_x509_certificate(_read(self._file(name, "crt")))

    def authority(self, name: str) -> Authority:
        """An authority that can sign; WrongInputError if the passphrase is not its."""
        key = ca.read_key(_read(self._file(name, "key")), self.passphrase)
        return Authority(key, self.authority_certificate(name))

    @contextmanager
    def registry(self) -> Iterator[Registry]:
        """Register of what was issued; NotThereError if there is no installation here."""
        self.check()
        with open_registry(self.authorities / "register.sqlite") as registry:
            yield registry

    def issue_broker(self, names: Sequence[str], now: datetime) -> None:
        """New key and certificate for the broker, known under `names` and on loopback."""
        authority = self.authority(SERVER_CA)
        key = ca.new_key()
        reached_as = list(dict.fromkeys([*names, *LOCAL_NAMES]))
        certificate = ca.issue_for_broker(authority, reached_as, key.public_key(), now)
        make_folder(self.broker_folder, 0o750)
        with self.registry() as registry:
            registry.add(Role.BROKER, ca.BROKER_NAME, certificate, now)
        for name in (DEVICE_CA, SERVER_CA):
            write_file(self.broker_folder / f"{name}.crt", _read(self._file(name, "crt")), PUBLIC)
        write_file(self.broker_folder / "broker.key", ca.write_key(key), PRIVATE)
        write_file(self.broker_certificate_file, _pem(certificate), PUBLIC)

    def issue_server(self, now: datetime) -> Credentials:
        """New key and certificate for the dispatch servers."""
        key = ca.new_key()
        certificate = ca.issue_for_server(self.authority(SERVER_CA), key.public_key(), now)
        with self.registry() as registry:
            registry.add(Role.SERVER, SERVER_USER, certificate, now)
        return self._write_credentials(self.server, key, certificate)

    def issue_device(self, device_id: str, now: datetime, request: bytes | None = None) -> Credentials:
        """Certificate for a box: for the key of a request (PEM), or with a key made here.

        A second call for the same key issues a fresh certificate, and the old one stays good until its date. Raises
        WrongInputError for a revoked device, and for another key while a certificate is good: that is another box.
        """
        there = self.device(device_id)
        own_key: ec.EllipticCurvePrivateKey | None = None
        if request is not None:
            public_key = ca.public_key_of_request(request)
        else:
            own_key = ca.read_key(there.key.read_bytes()) if there.key.exists() else ca.new_key()
            public_key = own_key.public_key()
        certificate = ca.issue_for_device(self.authority(DEVICE_CA), device_id, public_key, now)
        with self.registry() as registry, registry.transaction():
            if registry.is_retired(device_id):
                raise WrongInputError(f"{device_id} has been revoked; give the new box a new device id")
            for earlier in registry.issued(Role.DEVICE, device_id):
                if earlier.expires_at > now and earlier.key_sha256 != ca.key_fingerprint(public_key):
                    raise WrongInputError(
                        f"{device_id} has a certificate for another key, good until {earlier.expires_at:%Y-%m-%d}."
                        f" If that key is lost, revoke {device_id} and give the box a new device id"
                    )
            registry.add(Role.DEVICE, device_id, certificate, now)
        return self._write_credentials(there, own_key, certificate)

    def renew_revocation_list(self, now: datetime) -> x509.CertificateRevocationList:
        """Write a fresh list of revoked boxes. The broker reads it at its next reload."""
        authority = self.authority(DEVICE_CA)
        with self.registry() as registry, registry.transaction():
            # Written inside, so that of two renewals at once the later one, which knows more, also ends up on disk.
            fresh = ca.revocation_list(authority, registry.revoked(now), registry.next_list_number(now), now)
            write_file(self.revocation_list_file, fresh.public_bytes(Encoding.PEM), PUBLIC)
        return fresh

    def revocation_list_end(self) -> datetime:
        """When the list on the broker's disk ends, and with it every box's way in; NotThereError if there is none."""
        try:
            ends_at = x509.load_pem_x509_crl(self.revocation_list_file.read_bytes()).next_update_utc
        except (FileNotFoundError, ValueError) as error:
            raise NotThereError(f"{self.revocation_list_file}: run `haven-provision crl renew` ({error})") from None
        if ends_at is None:
            raise NotThereError(f"{self.revocation_list_file} is none of Haven's: run `haven-provision crl renew`")
        return ends_at

    def _file(self, name: str, ending: str) -> Path:
        return self.authorities / f"{name}.{ending}"

    def _write_credentials(
        self, there: Credentials, key: ec.EllipticCurvePrivateKey | None, certificate: x509.Certificate
    ) -> Credentials:
        make_folder(there.certificate.parent.parent)
        make_folder(there.certificate.parent, 0o750)
        write_file(there.ca, _read(self._file(SERVER_CA, "crt")), PUBLIC)
        if key is not None:
            write_file(there.key, ca.write_key(key), PRIVATE)
        write_file(there.certificate, _pem(certificate), PUBLIC)
        return there


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise NotThereError(f"{path} is missing; `haven-provision init` makes it") from None
    except PermissionError:
        raise NotThereError(f"{path} may not be read by this user; try as root") from None


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.PEM)
