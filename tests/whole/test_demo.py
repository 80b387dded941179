"""`make demo` as a newcomer starts it where there is no terminal."""

import fcntl
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from haven_demo.broker import free_port
from whole.conftest import processes

UP_WITHIN_S = 10
"""From the second start on; the first one makes keys, database and city."""


def test_the_demo_presses_once_tells_the_timeline_and_leaves_nothing_behind(tmp_path: Path) -> None:
    with demo(tmp_path) as text:
        assert processes(tmp_path), "the boxes do not run"
    for words in ("Your press is being sent", "safe on the box's disk", "stores it as HV-1", "by signed webhook"):
        assert words in text
    assert re.search(r"\d\.\d ms  box-1  light +two blinks, pause: The police desk has it", text)
    assert processes(tmp_path) == []

    with demo(tmp_path) as text:
        assert seconds_until_up(text) < UP_WITHIN_S
    # The first press's incident is still open: this one joins it, and is told all the same.
    assert "joins it to HV-1" in text
    assert re.search(r"\d\.\d ms  box-1  light +two blinks, pause: The police desk has it", text)
    assert processes(tmp_path) == []


@contextmanager
def demo(folder: Path) -> Iterator[str]:
    """The demo in a folder, ended in order; what it has printed when it has pressed once."""
    environment = {
        "HAVEN_STATE": str(folder / "state"),
        "HAVEN_HTTP_PORT": str(free_port()),
        "HAVEN_MQTT_PORT": str(free_port()),
    }
    output = folder / "output"
    with output.open("wb") as out:
        running = subprocess.Popen(
            [sys.executable, "-m", "haven_demo"],
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    try:
        yield wait_for(output, "Up until ended", running)
    finally:
        running.send_signal(signal.SIGTERM)
        assert running.wait(30) == 0


def seconds_until_up(text: str) -> float:
    """What the demo says of its start."""
    found = re.search(r"Haven is up after (\d+\.\d) s", text)
    assert found is not None
    return float(found[1])


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


def wait_for(output: Path, words: str, running: "subprocess.Popen[bytes]") -> str:
    """The output, once the words are in it."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and running.poll() is None:
        text = output.read_text(encoding="utf-8")
        if words in text:
            return text
        time.sleep(0.1)
    raise AssertionError(f"no {words!r} in:\n{output.read_text(encoding='utf-8')}")


def test_a_second_demo_in_the_same_folder_leaves_the_first_alone(tmp_path: Path) -> None:
    with (tmp_path / "in-use").open("w") as first:
        fcntl.flock(first, fcntl.LOCK_EX)
        done = subprocess.run(
            [sys.executable, "-m", "haven_demo"],
            env={**os.environ, "HAVEN_STATE": str(tmp_path)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert "another one runs in" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["in-use"]
