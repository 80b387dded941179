"""Certificates of boxes that `haven-provision` would not make: ended ones, and such that end soon."""

from datetime import timedelta
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding

from haven_provisioning import ca
from haven_provisioning.files import PRIVATE, PUBLIC, write_file
from haven_provisioning.installation import DEVICE_CA, Credentials
from pki import Pki, now


def box_with_days_left(pki: Pki, folder: Path, name: str, days: float) -> Credentials:
    """Certificate and key that end in so many days from now; negative: they ended so many days ago."""
    made = now() - ca.DEVICE_LIFETIME + timedelta(days=days)
    key = ca.new_key()
    certificate = ca.issue_for_device(pki.installation.authority(DEVICE_CA), name, key.public_key(), made)
    there = Credentials(pki.ca_file, folder / f"{name}-{days}.crt", folder / f"{name}-{days}.key")
    write_file(there.certificate, certificate.public_bytes(Encoding.PEM), PUBLIC)
    write_file(there.key, ca.write_key(key), PRIVATE)
    return there
