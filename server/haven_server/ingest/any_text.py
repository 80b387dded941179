"""Any text in an MQTT property is let through, because an alarm may come with it.

Mosquitto forwards characters in properties (U+FEFF for one) at which paho ends the connection; the broker delivers the
message again, paho ends it again, and no server hears any alarm until the message expires. So paho's reader of texts is
replaced by one that takes whatever the broker has let through. It is the only place of paho's that is replaced, its
version is pinned, and a test sends such a message through a real broker.
"""

from paho.mqtt import properties


def tolerate_any_text() -> None:
    """Make paho read texts in properties without judging them; for the whole process."""
    properties.readUTF = _read_text


def _read_text(buffer: bytes, room: int) -> tuple[str, int]:
    """Text with two bytes of length before it, and how many bytes it takes, never more than `room`."""
    length = min(int.from_bytes(buffer[:2], "big"), max(0, room - 2))
    return buffer[2 : 2 + length].decode("utf-8", errors="replace"), length + 2
