"""What stands around the loop: watchdog, clock, vitals, the systemd unit and the pages that describe the light."""

import configparser
import io
import json
import re
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from device.fakes import FakeClock
from haven_device import vitals
from haven_device.clock import EARLIEST, SimulatedClock, SystemClock
from haven_device.patterns import LOOKS
from haven_device.trace import LINES, JsonTrace
from haven_device.watchdog import Systemd

ROOT = Path(__file__).parents[2]


def test_the_watchdog_is_fed_only_while_every_part_works(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "notify"))
        listener.settimeout(1)
        systemd = Systemd({"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "3"})
        systemd.ready()
        assert listener.recv(100) == b"READY=1"
        systemd.feed({"outbox": lambda: True, "network": lambda: True})
        assert listener.recv(100) == b"WATCHDOG=1"
        systemd.stopping()
        assert listener.recv(100) == b"STOPPING=1"


@pytest.mark.expects_error("watchdog not fed, hanging: network")
def test_a_part_that_hangs_is_named_and_the_watchdog_starves(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "notify"))
        listener.setblocking(False)
        systemd = Systemd({"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "3"})
        systemd.feed({"outbox": lambda: True, "network": lambda: False})
        with pytest.raises(BlockingIOError):
            listener.recv(100)


def test_without_systemd_nothing_is_said() -> None:
    systemd = Systemd({})
    systemd.ready()
    systemd.feed({"network": lambda: False})


def test_the_unit_has_what_the_firmware_needs() -> None:
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]  # systemd's keys have capitals
    unit.read(ROOT / "device" / "haven-device.service")
    service = unit["Service"]
    assert service["Type"] == "notify"
    assert service["Restart"] == "always"
    assert int(service["WatchdogSec"]) <= 60
    assert "LG_WD=/run/haven-device" in (ROOT / "device" / "haven-device.service").read_text()
    assert service["StateDirectory"] == "haven-device"
    assert service["NoNewPrivileges"] == "yes"
    assert service["ProtectSystem"] == "strict"
    assert 'data_dir = "/var/lib/haven-device"' in (ROOT / "device" / "haven-device.example.toml").read_text()


def test_the_pages_show_the_light_as_the_code_has_it() -> None:
    technician = (ROOT / "docs" / "device" / "README.md").read_text()
    clerk = (ROOT / "docs" / "clerk.md").read_text()
    for pattern, look in LOOKS.items():
        assert f"| `{pattern}` | {look.words} | {look.meaning} |" in technician
        assert f"| {look.words} |" in clerk
    korean = clerk.split("# 근무자")[1]
    assert korean.count("\n| ") == len(LOOKS) + 1


def test_the_configuration_page_names_every_key() -> None:
    technician = (ROOT / "docs" / "device" / "README.md").read_text()
    example = (ROOT / "device" / "haven-device.example.toml").read_text()
    for key in set(re.findall(r"^(?:# )?([a-z_]+) = ", example, flags=re.MULTILINE)):
        assert f"`{key}`" in technician, key


def test_vitals_of_a_machine_that_tells_them_and_of_one_that_does_not(tmp_path: Path) -> None:
    (tmp_path / "temp").write_text("48312\n")
    assert vitals.cpu_celsius(tmp_path / "temp") == 48.3
    assert vitals.cpu_celsius(tmp_path / "none") is None
    for text, expected in (("0", False), ("50000", False), ("50005", True), ("x", None)):
        (tmp_path / "throttled").write_text(text)
        assert vitals.throttled(tmp_path / "throttled") is expected
    assert (vitals.disk_free_mb(tmp_path) or 0) > 0
    assert vitals.disk_free_mb(tmp_path / "none") is None


def test_the_simulated_clock_plays_another_boot() -> None:
    machine = SystemClock()
    environ = {"HAVEN_SIM_BOOT_ID": "b2", "HAVEN_SIM_MONO_OFFSET_MS": "5000000", "HAVEN_SIM_CLOCK_SYNCED": "1"}
    other = SimulatedClock(environ)
    assert other.boot_id == "b2" != machine.boot_id
    assert other.synced()
    assert 4_999_000 < other.mono_ms() - machine.mono_ms() < 5_001_000
    assert 0 <= SimulatedClock({"HAVEN_SIM_MONO_OFFSET_MS": str(-(10**15))}).mono_ms() < 1000
    assert SimulatedClock({}).boot_id == machine.boot_id
    assert machine.utc() > EARLIEST


class Reader(io.StringIO):
    """Standard output whose reader pauses."""

    def __init__(self) -> None:
        super().__init__()
        self.reads = threading.Event()

    def write(self, text: str) -> int:
        assert self.reads.wait(10)
        return super().write(text)


def test_the_trace_is_lines_of_json_and_never_waits_for_its_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    out = Reader()
    monkeypatch.setattr(sys, "stdout", out)
    trace = JsonTrace(FakeClock())
    for number in range(LINES + 100):
        trace.tell("led", pattern="dark", number=number)
    out.reads.set()
    trace.flush()
    lines = out.getvalue().splitlines()
    assert LINES <= len(lines) <= LINES + 1, "what waits, and what its thread has in hand"
    assert json.loads(lines[0]) == {
        "what": "led",
        "at": "2026-11-21T03:00:00.000000Z",
        "mono_ms": 10_000,
        "pattern": "dark",
        "number": 0,
    }


def test_the_core_and_the_firmware_load_without_the_heavy_parts() -> None:
    """A box without a receiver loads no pyserial, and `run` no cryptography."""
    heavy = ("cryptography", "serial", "gpiozero", "pydantic")
    code = f"import haven_device.main, sys; print([name for name in {heavy} if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
