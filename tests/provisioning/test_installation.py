"""The folder of keys: rights, register, and what is never overwritten."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509

from haven_provisioning import ca
from haven_provisioning.ca import Role
from haven_provisioning.errors import AlreadyThereError, NotThereError, ProvisioningError, WrongInputError
from haven_provisioning.files import write_file
from haven_provisioning.installation import DEVICE_CA, Installation
from haven_provisioning.registry import open_registry
from pki import new_request, now


def serials(installation: Installation) -> set[int]:
    return {entry.serial_number for entry in x509.load_pem_x509_crl(installation.revocation_list_file.read_bytes())}


def serial(installation: Installation, device: str) -> int:
    return x509.load_pem_x509_certificate(installation.device(device).certificate.read_bytes()).serial_number


def revoke(installation: Installation, device: str) -> int:
    with installation.registry() as registry:
        return registry.revoke_device(device, "stolen", now())


def test_keys_are_private_and_their_folders_closed(installation: Installation) -> None:
    installation.issue_device("box-1", now())
    for path in _files(installation.folder):
        mode = path.stat().st_mode & 0o777
        assert mode == (0o600 if path.suffix == ".key" else 0o644), path
    assert installation.authorities.stat().st_mode & 0o777 == 0o700


def test_no_key_stands_where_it_does_not_belong(installation: Installation) -> None:
    installation.issue_device("box-1", now())
    keys = {str(path.relative_to(installation.folder)) for path in _files(installation.folder) if path.suffix == ".key"}
    assert keys == {
        "ca/device-ca.key",
        "ca/server-ca.key",
        "broker/broker.key",
        "server/dispatch.key",
        "devices/box-1/device.key",
    }


def test_an_authority_is_never_overwritten(installation: Installation) -> None:
    before = {path: path.read_bytes() for path in _files(installation.folder)}
    with pytest.raises(AlreadyThereError):
        installation.create(["other.example"], now())
    assert {path: path.read_bytes() for path in _files(installation.folder)} == before


def test_a_passphrase_protects_the_authorities_and_nothing_else(tmp_path: Path) -> None:
    protected = Installation(tmp_path / "haven", b"correct horse")
    protected.create([], now())
    protected.issue_device("box-1", now())
    ca.read_key(protected.device("box-1").key.read_bytes())
    ca.read_key((protected.broker_folder / "broker.key").read_bytes())
    with pytest.raises(WrongInputError, match="passphrase"):
        replace(protected, passphrase=None).authority(DEVICE_CA)


def test_a_box_renews_for_the_same_key_and_the_old_certificate_stays_good(installation: Installation) -> None:
    installation.issue_device("box-1", now())
    key, first = installation.device("box-1").key.read_bytes(), serial(installation, "box-1")
    installation.issue_device("box-1", now())
    assert installation.device("box-1").key.read_bytes() == key
    assert serial(installation, "box-1") != first
    with installation.registry() as registry:
        assert len(registry.issued(Role.DEVICE, "box-1")) == 2
    assert serials(installation) == set()


def test_a_request_leaves_no_key_here(installation: Installation) -> None:
    key = ca.new_key()
    installation.issue_device("box-1", now(), new_request(key, "anything"))
    assert not installation.device("box-1").key.exists()
    certificate = x509.load_pem_x509_certificate(installation.device("box-1").certificate.read_bytes())
    assert certificate.public_key() == key.public_key()
    assert certificate.subject.rfc4514_string() == "CN=box-1"


def test_a_second_key_for_a_living_box_is_refused(installation: Installation) -> None:
    installation.issue_device("box-1", now())
    first = serial(installation, "box-1")
    with pytest.raises(WrongInputError, match="another key"):
        installation.issue_device("box-1", now(), new_request(ca.new_key(), "box-1"))
    assert serial(installation, "box-1") == first


def test_a_key_lost_long_ago_may_be_replaced_when_its_certificate_has_ended(installation: Installation) -> None:
    installation.issue_device("box-1", now() - timedelta(days=91))
    installation.issue_device("box-1", now(), new_request(ca.new_key(), "box-1"))


def test_revoking_lists_every_certificate_of_the_box_and_of_no_other(installation: Installation) -> None:
    mine = set()
    for _ in range(2):
        installation.issue_device("box-1", now())
        mine.add(serial(installation, "box-1"))
    installation.issue_device("box-2", now())
    assert revoke(installation, "box-1") == 2
    installation.renew_revocation_list(now())
    assert serials(installation) == mine


def test_revoking_twice_changes_nothing_and_the_id_is_not_given_out_again(installation: Installation) -> None:
    installation.issue_device("box-1", now())
    assert [revoke(installation, "box-1"), revoke(installation, "box-1")] == [1, 0]
    with pytest.raises(WrongInputError, match="new device id"):
        installation.issue_device("box-1", now())


def test_a_box_without_a_certificate_can_be_retired_too(installation: Installation) -> None:
    assert revoke(installation, "box-9") == 0
    with pytest.raises(WrongInputError, match="revoked"):
        installation.issue_device("box-9", now())


def test_a_certificate_past_its_date_leaves_the_list(installation: Installation) -> None:
    installation.issue_device("box-1", now())
    revoke(installation, "box-1")
    installation.renew_revocation_list(now() + timedelta(days=91))
    assert serials(installation) == set()


def test_numbers_of_the_list_only_grow(installation: Installation) -> None:
    numbers = [
        installation.renew_revocation_list(now()).extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
        for _ in range(3)
    ]
    assert numbers == sorted(set(numbers))


def test_nothing_is_issued_that_is_not_in_the_register(installation: Installation, tmp_path: Path) -> None:
    installation.issue_device("box-1", now())
    with open_registry(installation.authorities / "register.sqlite") as registry:
        known = {one.serial for one in registry.issued()}
    for path in (installation.broker_certificate_file, installation.server.certificate):
        assert x509.load_pem_x509_certificate(path.read_bytes()).serial_number in known
    assert serial(installation, "box-1") in known


def test_a_broken_register_is_told_in_words(installation: Installation) -> None:
    (installation.authorities / "register.sqlite").write_bytes(b"not a database, but long enough to be looked at" * 10)
    with pytest.raises(ProvisioningError, match=r"register\.sqlite"):
        installation.issue_device("box-1", now())


def test_a_folder_without_an_installation_is_told_in_words(tmp_path: Path) -> None:
    with pytest.raises(NotThereError, match="init"):
        Installation(tmp_path).issue_device("box-1", now())


def test_a_write_that_fails_leaves_the_old_file_whole(tmp_path: Path) -> None:
    path = tmp_path / "key"
    write_file(path, b"old", 0o600)
    with pytest.raises(TypeError):
        write_file(path, "text is no bytes", 0o600)  # type: ignore[arg-type]
    assert path.read_bytes() == b"old"
    assert [found.name for found in tmp_path.iterdir()] == ["key"]


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())
