"""TLS towards the broker, with a clock that may be wrong."""

import ssl
from datetime import UTC, datetime
from typing import Any

from haven_device.settings import LinkSettings

_NO_CHECK_TIME = 0x200000
"""X509_V_FLAG_NO_CHECK_TIME of OpenSSL; Python has no name for it."""


def client_context(link: LinkSettings, *, check_time: bool) -> ssl.SSLContext:
    """Context with our CA only and our certificate; OSError or ssl.SSLError if a file is missing or no good.

    Without `check_time` the validity dates of the broker's certificate are not looked at: a box without a battery wakes
    in 1970 and must get in before its clock is set. `is_out_of_date` then holds it to what is known of the time.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_verify_locations(link.ca)
    context.load_cert_chain(link.certificate, link.key)
    if not check_time:
        context.verify_flags |= ssl.VerifyFlags(_NO_CHECK_TIME)
    return context


def is_out_of_date(peer_certificate: dict[str, Any] | None, floor: datetime) -> bool:
    """The certificate had ended before `floor`, a time that has surely passed."""
    ends = (peer_certificate or {}).get("notAfter")
    return ends is not None and datetime.fromtimestamp(ssl.cert_time_to_seconds(ends), UTC) < floor
