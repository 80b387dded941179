"""Who comes in at which listener of the shipped configuration, and who is thrown out."""

import socket
import ssl
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import Encoding

from haven_contract.topics import Up, up
from haven_provisioning import ca
from haven_provisioning.files import PUBLIC, write_file
from haven_provisioning.installation import DEVICE_CA, SERVER_CA, Credentials
from haven_provisioning.takeover import Address, take_over
from mosquitto import Mosquitto, Peer, RefusedError
from pki import Pki, now

OUT_WITHIN_S = 2.0


def alert(broker: Mosquitto, credentials: Credentials | None, ca_file: Path, port: int | None = None) -> str:
    """What the broker's TLS answers when somebody comes with these credentials, or none: empty if it lets him in."""
    context = ssl.create_default_context(cafile=ca_file)
    if credentials is not None:
        context.load_cert_chain(credentials.certificate, credentials.key)
    try:
        with (
            socket.create_connection((broker.host, port or broker.outer_port), timeout=2.0) as plain,
            context.wrap_socket(plain, server_hostname=broker.host) as secured,
        ):
            secured.settimeout(0.3)
            secured.recv(1)
    except TimeoutError:
        return ""
    except OSError as error:
        return str(error)
    return "closed"


def forged(pki: Pki, folder: Path, authority: ca.Authority, name: str, **settings: object) -> Credentials:
    """Credentials of a box signed by some authority."""
    key = ca.new_key()
    certificate = ca.issue_for_device(authority, name, key.public_key(), now(), **settings)  # type: ignore[arg-type]
    return write(pki, folder, key, certificate)


def write(pki: Pki, folder: Path, key: EllipticCurvePrivateKey, certificate: x509.Certificate) -> Credentials:
    there = Credentials(pki.ca_file, folder / "forged.crt", folder / "forged.key")
    there.certificate.write_bytes(certificate.public_bytes(Encoding.PEM))
    there.key.write_bytes(ca.write_key(key))
    return there


def test_a_box_comes_in(broker: Mosquitto, pki: Pki) -> None:
    assert alert(broker, pki.device("box-a"), pki.ca_file) == ""


def test_nobody_comes_in_without_a_certificate(broker: Mosquitto, pki: Pki) -> None:
    for port in (broker.outer_port, broker.inner_port):
        assert "CERTIFICATE_REQUIRED" in alert(broker, None, pki.ca_file, port)


def test_a_box_is_refused_at_the_inner_listener(broker: Mosquitto, pki: Pki) -> None:
    credentials = pki.device("box-a")
    assert "UNKNOWN_CA" in alert(broker, credentials, pki.ca_file, broker.inner_port)
    with pytest.raises(RefusedError), Peer(broker.host, broker.inner_port, credentials, "dispatch-1"):
        pass


def test_a_server_is_refused_at_the_outer_listener(broker: Mosquitto, pki: Pki) -> None:
    assert "UNKNOWN_CA" in alert(broker, pki.server, pki.ca_file)
    with pytest.raises(RefusedError), Peer(broker.host, broker.outer_port, pki.server, "dispatch-1"):
        pass


def test_the_brokers_own_certificate_opens_neither_listener(broker: Mosquitto, pki: Pki) -> None:
    folder = pki.broker_folder
    own = Credentials(pki.ca_file, folder / "broker.crt", folder / "broker.key")
    for port in (broker.outer_port, broker.inner_port):
        assert alert(broker, own, pki.ca_file, port) != ""


def test_a_foreign_authority_opens_nothing_even_under_the_same_name(
    broker: Mosquitto, pki: Pki, tmp_path: Path
) -> None:
    foreign = ca.new_authority("Haven device CA", now())
    assert "UNKNOWN_CA" in alert(broker, forged(pki, tmp_path, foreign, "box-a"), pki.ca_file)
    named_alike = ca.Authority(foreign.key, pki.installation.authority_certificate(DEVICE_CA))
    assert alert(broker, forged(pki, tmp_path, named_alike, "box-a"), pki.ca_file) != ""


def test_a_certificate_past_its_date_opens_nothing(broker: Mosquitto, pki: Pki, tmp_path: Path) -> None:
    authority = pki.installation.authority(DEVICE_CA)
    expired = forged(pki, tmp_path, authority, "box-a", lifetime=-timedelta(minutes=1))
    assert "CERTIFICATE_EXPIRED" in alert(broker, expired, pki.ca_file)


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated:DeprecationWarning")
@pytest.mark.parametrize(("version", "taken"), [(ssl.TLSVersion.TLSv1_1, False), (ssl.TLSVersion.TLSv1_2, True)])
def test_tls_1_2_is_the_least(broker: Mosquitto, pki: Pki, version: ssl.TLSVersion, taken: bool) -> None:
    credentials = pki.device("box-a")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(credentials.ca)
    context.load_cert_chain(credentials.certificate, credentials.key)
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = version
    context.maximum_version = version
    with socket.create_connection((broker.host, broker.outer_port), timeout=2.0) as plain:
        if taken:
            with context.wrap_socket(plain, server_hostname=broker.host) as secured:
                assert secured.version() == "TLSv1.2"
        else:
            with pytest.raises(ssl.SSLError, match="ALERT_PROTOCOL_VERSION"):
                context.wrap_socket(plain, server_hostname=broker.host)


def test_the_broker_passes_a_strict_check_by_its_name(broker: Mosquitto, pki: Pki) -> None:
    """Python 3.13 is strict by default: key identifiers and usages must be there."""
    credentials = pki.device("box-a")
    context = ssl.create_default_context(cafile=pki.ca_file)
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    context.load_cert_chain(credentials.certificate, credentials.key)
    for name in ("127.0.0.1", "localhost", "broker.example"):
        with (
            socket.create_connection((broker.host, broker.outer_port), timeout=2.0) as plain,
            context.wrap_socket(plain, server_hostname=name) as secured,
        ):
            assert secured.version() == "TLSv1.3"
    with (
        socket.create_connection((broker.host, broker.outer_port), timeout=2.0) as plain,
        pytest.raises(ssl.SSLCertVerificationError),
    ):
        context.wrap_socket(plain, server_hostname="elsewhere.example")


def test_revoked_while_connected_is_out_and_stays_out(own_pki: Pki, tmp_path: Path) -> None:
    installation = own_pki.installation
    with Mosquitto(own_pki.broker_folder, tmp_path / "broker") as broker, Peer.server(broker, own_pki) as server:
        server.subscribe("haven/v1/dispatch/up/+/state")
        with (
            Peer.box(broker, own_pki, "box-a", will=(up("box-a", Up.STATE), b"offline")) as box,
            Peer.box(broker, own_pki, "box-b") as neighbour,
        ):
            began = time.monotonic()
            with installation.registry() as registry:
                assert registry.revoke_device("box-a", "stolen", now()) == 1
            installation.renew_revocation_list(now())
            broker.reload()
            wait_for(lambda: "revoked" in alert(broker, own_pki.device("box-a"), own_pki.ca_file).lower())
            assert not box.is_gone, "a revocation list alone throws nobody out; if it does now, the kick can go"
            take_over(Address(broker.host, broker.inner_port), own_pki.server, "box-a")
            box.wait_until_gone()
            assert time.monotonic() - began < OUT_WITHIN_S
            assert server.next_message().payload == b"offline"
            with pytest.raises(RefusedError), Peer.box(broker, own_pki, "box-a"):
                pass
            assert not neighbour.is_gone
        with Peer.box(broker, own_pki, "box-b"):
            pass


def test_a_list_past_its_date_locks_out_until_it_is_renewed(own_pki: Pki, tmp_path: Path) -> None:
    installation = own_pki.installation
    own_pki.device("box-a")
    authority = installation.authority(DEVICE_CA)
    old = ca.revocation_list(authority, [], 1000, now() - timedelta(days=31))
    write_file(installation.revocation_list_file, old.public_bytes(Encoding.PEM), PUBLIC)
    with Mosquitto(own_pki.broker_folder, tmp_path / "broker") as broker:
        with pytest.raises(RefusedError), Peer.box(broker, own_pki, "box-a"):
            pass
        # What a box is told, though it is not its certificate that has ended.
        assert "CERTIFICATE_EXPIRED" in alert(broker, own_pki.device("box-a"), own_pki.ca_file)
        with Peer.server(broker, own_pki):
            pass
        installation.renew_revocation_list(now())
        broker.reload()
        wait_for(lambda: alert(broker, own_pki.device("box-a"), own_pki.ca_file) == "")


def test_a_server_certificate_does_not_sign_boxes(broker: Mosquitto, pki: Pki, tmp_path: Path) -> None:
    signer = ca.Authority(
        ca.read_key(pki.device("box-a").key.read_bytes()),
        x509.load_pem_x509_certificate(pki.device("box-a").certificate.read_bytes()),
    )
    assert alert(broker, forged(pki, tmp_path, signer, "box-b"), pki.ca_file) != ""
    server_authority = pki.installation.authority(SERVER_CA)
    assert "UNKNOWN_CA" in alert(broker, forged(pki, tmp_path, server_authority, "box-b"), pki.ca_file)


def wait_for(condition: Callable[[], bool], timeout_s: float = OUT_WITHIN_S) -> None:
    give_up_at = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < give_up_at, "did not happen in time"
