"""Haven's certificates: two authorities, and what each of them signs. No files, no clock: `now` is an argument.

The device CA signs boxes and nothing else; the server CA signs the broker and the dispatch servers. Each listener of
the broker trusts one of them, so that a box can never come in as a server.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from ipaddress import ip_address

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from haven_contract.errors import ContractError
from haven_contract.topics import SERVER_USER, check_device_id
from haven_provisioning.errors import WrongInputError

AUTHORITY_LIFETIME = timedelta(days=20 * 365)
BROKER_LIFETIME = timedelta(days=2 * 365)
SERVER_LIFETIME = timedelta(days=2 * 365)
DEVICE_LIFETIME = timedelta(days=90)
REVOCATION_LIST_LIFETIME = timedelta(days=30)
BACKDATED = timedelta(hours=1)
"""Everything is valid a little before it was made, for whoever's clock is slow."""

BROKER_NAME = "broker"
"""CN of the broker's certificate. Boxes and servers check the host name, not this."""

_DIGITAL_SIGNATURE = {"digital_signature": True}
_SIGNS_OTHERS = {"key_cert_sign": True, "crl_sign": True}


class Role(StrEnum):
    """What a certificate is for."""

    DEVICE = "device"
    BROKER = "broker"
    SERVER = "server"


@dataclass(frozen=True, slots=True)
class Authority:
    """A certificate authority: its own certificate and the key that signs."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate


@dataclass(frozen=True, slots=True)
class Revoked:
    """One line of a revocation list."""

    serial: int
    at: datetime


def new_key() -> ec.EllipticCurvePrivateKey:
    """A P-256 key, the only kind Haven uses."""
    return ec.generate_private_key(ec.SECP256R1())


def new_authority(name: str, now: datetime) -> Authority:
    """A self-signed authority that may sign end certificates and nothing below.

    The name ends in a piece of the key's fingerprint, so that two installations are never taken for one another.
    """
    key = new_key()
    subject = _common_name(f"{name} {key_fingerprint(key.public_key())[:8]}")
    public_key = key.public_key()
    builder = _builder(subject, public_key, now, AUTHORITY_LIFETIME, issuer=subject, issuer_key=public_key)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(_key_usage(_SIGNS_OTHERS), critical=True)
    return Authority(key, builder.sign(key, hashes.SHA256()))


def issue_for_device(
    authority: Authority,
    device_id: str,
    public_key: ec.EllipticCurvePublicKey,
    now: datetime,
    lifetime: timedelta = DEVICE_LIFETIME,
) -> x509.Certificate:
    """Certificate of a box: its CN is the device id, which the broker takes as user name and client id."""
    try:
        check_device_id(device_id)
    except ContractError as error:
        raise WrongInputError(str(error)) from None
    return _issue(authority, device_id, public_key, now, lifetime, purpose=ExtendedKeyUsageOID.CLIENT_AUTH)


def issue_for_server(authority: Authority, public_key: ec.EllipticCurvePublicKey, now: datetime) -> x509.Certificate:
    """Certificate with which a dispatch server comes to the broker's inner listener."""
    return _issue(authority, SERVER_USER, public_key, now, SERVER_LIFETIME, purpose=ExtendedKeyUsageOID.CLIENT_AUTH)


def issue_for_broker(
    authority: Authority, names: Sequence[str], public_key: ec.EllipticCurvePublicKey, now: datetime
) -> x509.Certificate:
    """Certificate the broker shows. `names` are the host names and addresses under which it is reached."""
    purpose = ExtendedKeyUsageOID.SERVER_AUTH
    return _issue(authority, BROKER_NAME, public_key, now, BROKER_LIFETIME, purpose=purpose, reached_as=names)


def revocation_list(
    authority: Authority,
    revoked: Iterable[Revoked],
    number: int,
    now: datetime,
    lifetime: timedelta = REVOCATION_LIST_LIFETIME,
) -> x509.CertificateRevocationList:
    """List of revoked certificates. `number` must be larger than that of any list before."""
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(authority.certificate.subject)
        .last_update(now - BACKDATED)
        .next_update(now + lifetime)
        .add_extension(_issuer_key(authority.key.public_key()), critical=False)
        .add_extension(x509.CRLNumber(number), critical=False)
    )
    for entry in revoked:
        builder = builder.add_revoked_certificate(
            x509.RevokedCertificateBuilder().serial_number(entry.serial).revocation_date(entry.at).build()
        )
    return builder.sign(authority.key, hashes.SHA256())


def public_key_of_request(pem: bytes) -> ec.EllipticCurvePublicKey:
    """Key of a certificate request (PEM) that proves to hold it. The subject it asks for is ignored."""
    try:
        request = x509.load_pem_x509_csr(pem)
        valid = request.is_signature_valid
        key = request.public_key()
    except (ValueError, UnsupportedAlgorithm, InvalidSignature) as error:
        raise WrongInputError(f"this is no certificate request (PEM): {error}") from None
    if not valid:
        raise WrongInputError("the certificate request is not signed by the key it names")
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise WrongInputError("the certificate request is not for a P-256 key; make one with `haven-device` or openssl")
    return key


def key_fingerprint(key: ec.EllipticCurvePublicKey) -> str:
    """SHA-256 of the public key, as hexadecimal digits."""
    return sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()


def public_key_of(certificate: x509.Certificate) -> ec.EllipticCurvePublicKey:
    """Key of one of Haven's certificates; WrongInputError for a key of another kind."""
    key = certificate.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise WrongInputError("this certificate is none of Haven's: its key is not an elliptic one")
    return key


def write_key(key: ec.EllipticCurvePrivateKey, passphrase: bytes | None = None) -> bytes:
    """Private key as PEM (PKCS 8), encrypted where a passphrase is given."""
    protection = BestAvailableEncryption(passphrase) if passphrase else NoEncryption()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, protection)


def read_key(pem: bytes, passphrase: bytes | None = None) -> ec.EllipticCurvePrivateKey:
    """Reverse of `write_key`; WrongInputError if the passphrase is wrong or missing, or it is no such key."""
    try:
        key = load_pem_private_key(pem, passphrase or None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise WrongInputError(f"the private key cannot be read (is the passphrase right?): {error}") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise WrongInputError("the private key is not an elliptic one, so it is none of Haven's")
    return key


def _issue(
    authority: Authority,
    name: str,
    public_key: ec.EllipticCurvePublicKey,
    now: datetime,
    lifetime: timedelta,
    *,
    purpose: ObjectIdentifier,
    reached_as: Sequence[str] = (),
) -> x509.Certificate:
    builder = _builder(
        _common_name(name),
        public_key,
        now,
        min(lifetime, authority.certificate.not_valid_after_utc - now),
        issuer=authority.certificate.subject,
        issuer_key=authority.key.public_key(),
    )
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(_key_usage(_DIGITAL_SIGNATURE), critical=True)
    builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
    if reached_as:
        names = x509.SubjectAlternativeName([_general_name(name) for name in reached_as])
        builder = builder.add_extension(names, critical=False)
    return builder.sign(authority.key, hashes.SHA256())


def _builder(
    subject: x509.Name,
    public_key: ec.EllipticCurvePublicKey,
    now: datetime,
    lifetime: timedelta,
    *,
    issuer: x509.Name,
    issuer_key: ec.EllipticCurvePublicKey,
) -> x509.CertificateBuilder:
    """Both key identifiers on everything: Python 3.13 refuses a chain without them."""
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATED)
        .not_valid_after(now + lifetime)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
        .add_extension(_issuer_key(issuer_key), critical=False)
    )


def _issuer_key(key: ec.EllipticCurvePublicKey) -> x509.AuthorityKeyIdentifier:
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(key)


def _common_name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        pass
    try:
        return x509.DNSName(name)
    except ValueError:
        raise WrongInputError(f"{name!r} is neither a host name (ASCII) nor an address") from None


def _key_usage(allowed: dict[str, bool]) -> x509.KeyUsage:
    usages = dict.fromkeys(
        (
            "digital_signature",
            "content_commitment",
            "key_encipherment",
            "data_encipherment",
            "key_agreement",
            "key_cert_sign",
            "crl_sign",
            "encipher_only",
            "decipher_only",
        ),
        False,
    )
    return x509.KeyUsage(**(usages | allowed))
