"""A simulated box: the real firmware in a process of its own, on mocked pins and a pty for its radio receiver."""

import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from haven_demo.process import Child, Line
from haven_provisioning.installation import Credentials

WAIT_S = 20.0
BUTTON = "counter"
PINS = (17, 5, 6, 13)
"""GPIO numbers of the buttons, in their order."""
PENDANT = "0a1b2c"
PENDANT_LINE = f"20;01;EV1527;ID={PENDANT};SWITCH=01;CMD=ON;\r\n"

_CONFIG = """\
device_id = "{device_id}"
data_dir = "{folder}/data"

[broker]
addresses = [{brokers}]
ca = "{ca}"
certificate = "{certificate}"
key = "{key}"
{tuning}

[reporting]
heartbeat_s = {heartbeat_s}

{buttons}
[receiver]
driver = "rflink"
port = "/dev/unused-in-simulation"

[[pendant]]
id = "{pendant}"
label = "apron"

[indicator]
led_pin = 22
"""


class SimulatedBox:
    """Starts, presses, is killed and starts again in the same folder, as a box with its SD card would."""

    def __init__(
        self,
        device_id: str,
        folder: Path,
        credentials: Credentials,
        brokers: Sequence[str],
        *,
        buttons: Sequence[str] = (BUTTON,),
        heartbeat_s: int = 10,
        tuning: str = "",
        tell: Callable[[str, Line], None] | None = None,
    ) -> None:
        self.device_id = device_id
        self.folder = folder
        self.lines: list[Line] = []
        """All that the firmware has told, over all its lives."""
        self._tell = tell
        self._changed = threading.Condition()
        self._child: Child | None = None
        folder.mkdir(parents=True, exist_ok=True)
        self._config = folder / "device.toml"
        self._config.write_text(
            _CONFIG.format(
                device_id=device_id,
                folder=folder,
                brokers=", ".join(f'"{broker}"' for broker in brokers),
                ca=credentials.ca,
                certificate=credentials.certificate,
                key=credentials.key,
                heartbeat_s=heartbeat_s,
                tuning=tuning,
                buttons="\n".join(map(_button, buttons, PINS)),
                pendant=PENDANT,
            ),
            encoding="utf-8",
        )

    @property
    def pty(self) -> Path:
        """Where a radio line is written to press the pendant; the same over all its lives."""
        return self.folder / "receiver.pty"

    def start(self, environment: Mapping[str, str] | None = None) -> None:
        """Power on; RuntimeError if it is on already, for then nobody could end the first process."""
        if self.is_alive():
            raise RuntimeError(f"{self.device_id} runs already")
        command = [sys.executable, "-m", "haven_device.main", "run", "--simulate"]
        command += ["--config", str(self._config), "--pty-link", str(self.pty)]
        self._child = Child(command, self.folder / "box.log", environment or {}, self._take)

    def is_alive(self) -> bool:
        """Whether the firmware runs."""
        return self._child is not None and self._child.is_alive()

    def kill(self) -> None:
        """Pull the plug."""
        if self._child is not None:
            self._child.kill()

    def stop(self) -> None:
        """Shut down in order."""
        if self._child is not None:
            self._child.stop()

    def press_button(self, name: str = BUTTON) -> None:
        """Press a button for a tenth of a second, on its mocked pin; does nothing if the box is off."""
        if self._child is not None:
            try:
                self._child.say(f"press {name}")
            except BrokenPipeError:
                return

    def press_pendant(self) -> None:
        """Send the radio line of the pendant."""
        with self.pty.open("wb", buffering=0) as radio:
            radio.write(PENDANT_LINE.encode())

    def told(self, what: str, **facts: Any) -> list[Line]:
        """Lines of a kind with these facts so far."""
        return [line for line in list(self.lines) if _matches(line, what, facts)]

    def wait_for(self, what: str, *, after: int = 0, timeout_s: float = WAIT_S, **facts: Any) -> Line:
        """First line of a kind with these facts from line number `after` on; TimeoutError if none comes."""
        deadline = time.monotonic() + timeout_s
        with self._changed:
            while True:
                for line in self.lines[after:]:
                    if _matches(line, what, facts):
                        return line
                if not self._changed.wait(deadline - time.monotonic()):
                    log = (self.folder / "box.log").read_text(encoding="utf-8", errors="replace")[-2000:]
                    raise TimeoutError(f"{self.device_id} told no {what} {facts} within {timeout_s:g} s\n{log}")

    def _take(self, line: Line) -> None:
        with self._changed:
            self.lines.append(line)
            self._changed.notify_all()
        if self._tell is not None:
            self._tell(self.device_id, line)


def _button(name: str, pin: int) -> str:
    return f'[[button]]\nname = "{name}"\npin = {pin}\n'


def _matches(line: Line, what: str, facts: Mapping[str, Any]) -> bool:
    return line["what"] == what and all(line.get(key) == value for key, value in facts.items())
