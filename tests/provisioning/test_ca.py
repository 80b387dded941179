"""Certificates: what stands in them, and what is refused."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from haven_provisioning import ca
from haven_provisioning.errors import WrongInputError
from pki import new_request

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
AUTHORITY = ca.new_authority("Haven device CA", NOW)
KEY = ca.new_key()


def usages(certificate: x509.Certificate) -> list[x509.ObjectIdentifier]:
    return list(certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)


def test_a_box_is_named_by_its_common_name_and_may_only_be_a_client() -> None:
    certificate = ca.issue_for_device(AUTHORITY, "box-1", KEY.public_key(), NOW)
    assert certificate.subject.rfc4514_string() == "CN=box-1"
    assert usages(certificate) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    assert certificate.not_valid_after_utc == NOW + timedelta(days=90)
    assert certificate.not_valid_before_utc == NOW - timedelta(hours=1)


@pytest.mark.parametrize("name", ["", "dispatch", "dispatch-2", "Box", "a b", "a" * 33, "a/b", "+", "box\n", "상점"])
def test_names_that_no_box_may_have_get_no_certificate(name: str) -> None:
    with pytest.raises(WrongInputError):
        ca.issue_for_device(AUTHORITY, name, KEY.public_key(), NOW)


def test_everything_carries_both_key_identifiers_and_critical_usages() -> None:
    issued = [
        AUTHORITY.certificate,
        ca.issue_for_device(AUTHORITY, "box-1", KEY.public_key(), NOW),
        ca.issue_for_server(AUTHORITY, KEY.public_key(), NOW),
        ca.issue_for_broker(AUTHORITY, ["mqtt.example.org"], KEY.public_key(), NOW),
    ]
    for certificate in issued:
        extensions = certificate.extensions
        identifier = extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
        assert identifier == x509.SubjectKeyIdentifier.from_public_key(AUTHORITY.key.public_key()).digest
        assert extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
        assert extensions.get_extension_for_class(x509.KeyUsage).critical
        assert extensions.get_extension_for_class(x509.BasicConstraints).critical
        assert extensions.get_extension_for_class(x509.BasicConstraints).value.ca == (certificate is issued[0])


def test_the_brokers_certificate_passes_a_foreign_verifier_under_its_names_only() -> None:
    certificate = ca.issue_for_broker(AUTHORITY, ["mqtt.example.org", "127.0.0.1"], KEY.public_key(), NOW)
    builder = PolicyBuilder().store(Store([AUTHORITY.certificate])).time(NOW)
    builder.build_server_verifier(x509.DNSName("mqtt.example.org")).verify(certificate, [])
    with pytest.raises(VerificationError):
        builder.build_server_verifier(x509.DNSName("elsewhere.example.org")).verify(certificate, [])
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [str(address) for address in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1"]


def test_no_certificate_outlives_its_authority() -> None:
    late = AUTHORITY.certificate.not_valid_after_utc - timedelta(days=3)
    certificate = ca.issue_for_device(AUTHORITY, "box-1", KEY.public_key(), late)
    assert certificate.not_valid_after_utc == AUTHORITY.certificate.not_valid_after_utc


def test_two_installations_do_not_share_a_name() -> None:
    assert AUTHORITY.certificate.subject != ca.new_authority("Haven device CA", NOW).certificate.subject


def test_a_revocation_list_names_the_revoked_and_its_own_end() -> None:
    revoked = [ca.Revoked(serial, NOW - timedelta(days=1)) for serial in (5, 7)]
    fresh = ca.revocation_list(AUTHORITY, revoked, 42, NOW)
    assert {entry.serial_number for entry in fresh} == {5, 7}
    assert fresh.next_update_utc == NOW + timedelta(days=30)
    assert fresh.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number == 42
    assert fresh.is_signature_valid(AUTHORITY.key.public_key())


def request_pem(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> bytes:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "dispatch")])
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)


def test_of_a_request_only_the_key_counts() -> None:
    assert ca.public_key_of_request(request_pem(KEY)) == KEY.public_key()
    assert ca.public_key_of_request(new_request(KEY, "box-1")) == KEY.public_key()


@pytest.mark.parametrize(
    "pem",
    [
        b"",
        b"-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n",
        AUTHORITY.certificate.public_bytes(Encoding.PEM),
        request_pem(ec.generate_private_key(ec.SECP384R1())),
        request_pem(rsa.generate_private_key(65537, 2048)),
    ],
    ids=["nothing", "garbage", "certificate", "other curve", "rsa"],
)
def test_what_is_no_request_for_a_p256_key_is_refused(pem: bytes) -> None:
    with pytest.raises(WrongInputError):
        ca.public_key_of_request(pem)


def test_a_request_whose_key_was_exchanged_is_refused() -> None:
    der = bytearray(x509.load_pem_x509_csr(request_pem(KEY)).public_bytes(Encoding.DER))
    other = ca.new_key().public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    own = KEY.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    forged = x509.load_der_x509_csr(bytes(der).replace(own, other)).public_bytes(Encoding.PEM)
    with pytest.raises(WrongInputError, match="not signed"):
        ca.public_key_of_request(forged)


def test_a_key_with_a_passphrase_opens_with_it_only() -> None:
    pem = ca.write_key(KEY, b"correct horse")
    assert b"ENCRYPTED" in pem
    assert ca.read_key(pem, b"correct horse").private_numbers() == KEY.private_numbers()
    for wrong in (b"", b"battery staple"):
        with pytest.raises(WrongInputError, match="passphrase"):
            ca.read_key(pem, wrong)
