"""Certificates for tests: the authorities, broker, server and boxes that `haven-provision` makes.

A conftest takes the fixture over with `from pki import pki`.
"""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from haven_provisioning.installation import Credentials, Installation


def now() -> datetime:
    return datetime.now(UTC)


class Pki:
    """An installation in a folder, and its boxes: made when first asked for."""

    def __init__(self, folder: Path) -> None:
        self.installation = Installation(folder)
        self.installation.create(["broker.example"], now())

    @property
    def broker_folder(self) -> Path:
        """What the broker reads, for `Mosquitto`."""
        return self.installation.broker_folder

    @property
    def ca_file(self) -> Path:
        """Authority by which boxes and servers check the broker."""
        return self.server.ca

    @property
    def server(self) -> Credentials:
        """The dispatch servers', for the inner listener."""
        return self.installation.server

    def device(self, device_id: str) -> Credentials:
        """A box's, for the outer listener; the same one at a second call."""
        there = self.installation.device(device_id)
        return there if there.certificate.exists() else self.installation.issue_device(device_id, now())


def new_request(key: EllipticCurvePrivateKey, name: str) -> bytes:
    """Certificate request (PEM), as a box makes it."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    request = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
    return request.public_bytes(Encoding.PEM)


@pytest.fixture(scope="session")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    return Pki(tmp_path_factory.mktemp("pki"))
