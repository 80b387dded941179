r"""RFLink's ASCII lines, like `20;3B;NewKaku;ID=cac142;SWITCH=3;CMD=OFF;\r\n` at 57600 8N1.

Fixed codes: anyone can replay them, and nobody notices a pendant that is gone. A line counts only with its closing `;`,
for the serial line may lose its tail: `ID=0084` could be the beginning of another pendant's id.
"""

import re

from haven_device.radio.frames import Auth, Capabilities, Frame, PendantFrame, Probe, ReceiverFrame

MAX_LINE = 256
"""Bytes; the longest lines of the protocol's reference have about 120."""

_LINE = re.compile(r"20;[0-9A-Fa-f]{2};(?!.*20;[0-9A-Fa-f]{2};)[\x20-\x7e]*;")
_LINE_END = re.compile(rb"[\r\n]+")
_ID = re.compile(r"[0-9a-f]{1,16}")
_PRESSED = {"ON", "ALLON"}


class RFLink:
    """Driver of an RFLink gateway."""

    capabilities = Capabilities(auth=Auth.FIXED, supervision_s=None, battery=True, tamper=False)

    def __init__(self) -> None:
        self.errors = 0
        self._buffer = b""
        self._overlong = False

    def feed(self, data: bytes) -> list[Frame]:
        """Frames of the lines that end in `data`."""
        *lines, self._buffer = _LINE_END.split(self._buffer + data)
        frames = [frame for line in lines if (frame := self._read(line)) is not None]
        if len(self._buffer) > MAX_LINE:
            self._overlong = True
            self._buffer = self._buffer[-MAX_LINE:]
        return frames

    def reset(self) -> None:
        """Forget a half line."""
        self._buffer = b""
        self._overlong = False

    def probe(self) -> Probe:
        """`10;PING;`, answered by `20;..;PONG;`. Any other line is a sign of life as well."""
        return Probe(b"10;PING;\r\n", lambda _: True)

    def _read(self, line: bytes) -> Frame | None:
        """Frame of one line. Noise before the line's beginning is counted, and does not take the line with it."""
        overlong, self._overlong = self._overlong or len(line) > MAX_LINE, False
        if not line:
            return None
        text = line[-MAX_LINE:].decode("latin-1")
        found = _LINE.search(text)
        if found is None or found.end() != len(text):
            self.errors += 1
            return None
        if overlong or found.start() > 0:
            self.errors += 1
        frame = _frame(found[0])
        if frame is None:
            self.errors += 1
        return frame


def _frame(line: str) -> Frame | None:
    _, _, name, *fields = line[:-1].split(";")
    if not fields or not any("=" in field for field in fields):
        return ReceiverFrame(raw=line) if name else None
    pairs = [field.partition("=") for field in fields]
    if not all(key and equals for key, equals, _ in pairs):
        return None
    values = {key: value for key, _, value in pairs}
    pendant = values.get("ID", "").lower()
    if not _ID.fullmatch(pendant):
        # "20;00;VER=1.1;REV=48;..." and the like: the receiver about itself.
        return None if "ID" in values or "CMD" in values else ReceiverFrame(raw=line)
    battery = values.get("BAT", "").upper()
    return PendantFrame(
        raw=line,
        pendant=pendant,
        button=values.get("SWITCH", ""),
        pressed=values.get("CMD", "").upper() in _PRESSED,
        battery_low={"LOW": True, "OK": False}.get(battery),
        rssi=int(values["RSSI"]) if re.fullmatch(r"-?[0-9]{1,4}", values.get("RSSI", "")) else None,
    )
