"""`make demo` as a newcomer starts it where there is no terminal."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

from haven_demo.broker import free_port


def test_the_demo_presses_once_tells_the_timeline_and_leaves_nothing_behind(tmp_path: Path) -> None:
    mqtt_port = free_port()
    environment = {
        "HAVEN_STATE": str(tmp_path / "state"),
        "HAVEN_HTTP_PORT": str(free_port()),
        "HAVEN_MQTT_PORT": str(mqtt_port),
    }
    output = tmp_path / "output"
    with output.open("wb") as out:
        demo = subprocess.Popen(
            [sys.executable, "-m", "haven_demo"],
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    try:
        text = _wait_for(output, "Up until ended", demo)
        assert _processes(tmp_path), "the boxes do not run"
    finally:
        demo.send_signal(signal.SIGTERM)
        assert demo.wait(30) == 0
    for words in ("Your press is being sent", "safe on the box's disk", "stores it as HV-1", "by signed webhook"):
        assert words in text
    assert re.search(r"\d\.\d ms  box-1  light +two blinks, pause: The police desk has it", text)
    assert _processes(tmp_path) == []


def test_a_wrong_port_is_told(tmp_path: Path) -> None:
    environment = {"HAVEN_STATE": str(tmp_path), "HAVEN_HTTP_PORT": "eighty"}
    done = subprocess.run(
        [sys.executable, "-m", "haven_demo"],
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "HAVEN_HTTP_PORT is 'eighty', not a port" in done.stderr


def _wait_for(output: Path, words: str, demo: "subprocess.Popen[bytes]") -> str:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and demo.poll() is None:
        text = output.read_text(encoding="utf-8")
        if words in text:
            return text
        time.sleep(0.1)
    raise AssertionError(f"no {words!r} in:\n{output.read_text(encoding='utf-8')}")


def _processes(folder: Path) -> list[str]:
    """Command lines of the processes that belong to the folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = process.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(folder) in command and int(process.parent.name) != os.getpid():
            found.append(command)
    return found
