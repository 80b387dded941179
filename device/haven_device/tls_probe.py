"""A raw TLS connection to a broker, to learn what an MQTT library hides: who refuses whom, and why.

With TLS 1.3 the client is through the handshake before the server has looked at its certificate: the refusal comes as
an alert at the first read.
"""

import socket
import ssl
from dataclasses import dataclass

from haven_device.settings import Address, LinkSettings
from haven_device.tls import client_context

CONNECT_S = 5.0
LISTEN_S = 1.5
"""A broker that refuses says so within this time after the handshake; one that lets us in waits silently."""

_ENDED, _NOT_YET, _WRONG_HOST = 10, 9, 62
"""Verification errors of OpenSSL (X509_V_ERR_...)."""

_OUR_FAULT = {
    "CERTIFICATE_REVOKED": (
        "this device's certificate is revoked",
        "Ask the operator; if the box is to stay, enrol it anew.",
    ),
    "CERTIFICATE_EXPIRED": ("this device's certificate has ended, says the broker", "Check the clock above; renew it."),
    "UNKNOWN_CA": (
        "the broker does not know the CA of this device's certificate",
        "Check `certificate`: it is of another installation, or the broker's CA file is old.",
    ),
    "BAD_CERTIFICATE": ("the broker takes this device's certificate for bad", "Enrol the box anew."),
    "CERTIFICATE_UNKNOWN": (
        "the broker cannot check this device's certificate",
        "Tell the operator: perhaps the broker's revocation list has ended.",
    ),
    "HANDSHAKE_FAILURE": ("the broker and this box agree on no TLS", "Tell the operator."),
    "CERTIFICATE_REQUIRED": ("the broker got no certificate from this box", "Check `certificate` and `key`."),
}

_LIST_ENDED = (
    "the broker calls this device's certificate ended, but it is good: perhaps the broker's revocation list has ended",
    "Tell the operator; on the broker's machine: haven-provision crl renew",
)
"""OpenSSL has one alert for both."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the probe found, and what to do; `mend` is empty if all is well."""

    words: str
    mend: str = ""


def probe(address: Address, link: LinkSettings, *, check_time: bool, surely_good: bool) -> Answer:
    """Connect, shake hands, and listen for a refusal. Says nothing in MQTT: a running firmware keeps its session.

    `surely_good`: by a clock that is right, our certificate has begun and not ended.
    """
    try:
        context = client_context(link, check_time=check_time)
    except OSError as error:
        return Answer(f"the certificate files cannot be used: {error}", "See `certificate` above.")
    try:
        with socket.create_connection((address.host, address.port), timeout=CONNECT_S) as tcp:
            return _shake_hands(tcp, address, context, surely_good=surely_good)
    except socket.gaierror:
        return Answer(
            f"the name {address.host} is not known",
            "Check the box's network cable or Wi-Fi, then the name in broker.addresses.",
        )
    except TimeoutError:
        return Answer("no answer: nothing comes back", "Check the network; perhaps a firewall drops this port.")
    except ConnectionRefusedError:
        return Answer("the machine is there, but no broker runs on this port", "Check the port; tell the operator.")
    except OSError as error:
        return Answer(f"no network: {error}", "Check the box's network cable or Wi-Fi, and the store's router.")


def _shake_hands(tcp: socket.socket, address: Address, context: ssl.SSLContext, *, surely_good: bool) -> Answer:
    try:
        with context.wrap_socket(tcp, server_hostname=address.host) as tls:
            tls.settimeout(LISTEN_S)
            if tls.recv(1) == b"":
                return Answer("the broker hangs up without a word", "Tell the operator: its log says why.")
            return Answer("something else than a broker listens there", "Check the port in broker.addresses.")
    except TimeoutError:
        return Answer("TLS works, and the broker takes this device's certificate")
    except ssl.SSLCertVerificationError as error:
        return _broker_fault(error)
    except ssl.SSLError as error:
        return _refusal(error, surely_good=surely_good)


def _refusal(error: ssl.SSLError, *, surely_good: bool) -> Answer:
    reason = error.reason or ""
    if surely_good and "CERTIFICATE_EXPIRED" in reason:
        return Answer(*_LIST_ENDED)
    for name, (words, mend) in _OUR_FAULT.items():
        if name in reason:
            return Answer(words, mend)
    return Answer(f"TLS fails: {reason or error}", "Tell the operator.")


def _broker_fault(error: ssl.SSLCertVerificationError) -> Answer:
    if error.verify_code in {_ENDED, _NOT_YET}:
        return Answer(
            "the broker's certificate is not valid at this box's time", "Check the clock above; then tell the operator."
        )
    if error.verify_code == _WRONG_HOST:
        return Answer(
            "the broker's certificate is for another name", "Write the name that stands in it into broker.addresses."
        )
    return Answer(
        f"the broker's certificate is not of our CA: {error.verify_message}",
        "Check broker.ca: is it this installation's? If it is, somebody stands in between: tell the operator.",
    )
