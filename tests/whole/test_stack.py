"""The demo's own machinery: whatever fails on the way, no process stays behind."""

import socket
from contextlib import ExitStack
from pathlib import Path

import pytest

from haven_demo.box import SimulatedBox
from haven_demo.broker import free_port
from haven_demo.stack import NotReadyError, Stack
from whole.conftest import processes


class BoxThatCannotBeStopped(SimulatedBox):
    """Stops, but says that it could not."""

    def stop(self) -> None:
        super().stop()
        raise OSError("no answer")


def test_an_ending_that_fails_does_not_stop_the_others(tmp_path: Path) -> None:
    stack = Stack(tmp_path)
    stack.__enter__()
    for name in ("box-1", "box-2"):
        box = BoxThatCannotBeStopped(name, tmp_path / name, stack.installation.device(name), ["localhost:1"])
        stack.boxes[name] = box
        box.start()
        box.wait_for("ready")
    running = " ".join(processes(tmp_path))
    assert all(part in running for part in ("mosquitto", "box-1", "box-2"))
    with pytest.raises(OSError, match="no answer"):
        stack.__exit__()
    assert processes(tmp_path) == []
    assert not stack.server.is_alive()


def test_a_server_that_does_not_start_leaves_no_broker_behind(tmp_path: Path) -> None:
    port = free_port()
    with ExitStack() as endings:
        endings.enter_context(socket.create_server(("127.0.0.1", port)))
        stack = Stack(tmp_path / "state", http_port=port)
        with pytest.raises(NotReadyError, match=f"port {port} cannot be used"):
            stack.__enter__()
    assert processes(tmp_path) == []


def test_a_box_that_runs_is_not_started_again(tmp_path: Path) -> None:
    with Stack(tmp_path / "state") as stack:
        box = stack.box("box-1", None)
        box.start()
        with pytest.raises(RuntimeError, match="runs already"):
            box.start()
