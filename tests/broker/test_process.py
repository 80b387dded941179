"""The context manager `Mosquitto`, on which tests and demo rely."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mosquitto import BrokerFailedError, Mosquitto, Peer, free_port
from pki import Pki

SCRIPT = """
import sys
from pathlib import Path
from haven_demo.broker import Mosquitto
with Mosquitto(Path(sys.argv[1]), Path(sys.argv[2])) as broker:
    print(broker.pid, flush=True)
    sys.stdin.read()
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_no_broker_outlives_whoever_started_it(pki: Pki, tmp_path: Path, how: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(pki.broker_folder), str(tmp_path / "broker")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert is_alive(pid)
        parent.send_signal(how)
        parent.wait(10)
    give_up_at = time.monotonic() + 5
    while is_alive(pid):
        assert time.monotonic() < give_up_at, "the broker is still there"
        time.sleep(0.01)


def test_a_broker_comes_back_on_its_ports_with_its_data(broker: Mosquitto, pki: Pki) -> None:
    ports, first = (broker.outer_port, broker.inner_port), broker.pid
    broker.kill()
    with pytest.raises(BrokerFailedError, match="does not run"):
        _ = broker.pid
    broker.start()
    assert (broker.outer_port, broker.inner_port) == ports
    assert broker.pid != first
    with Peer.box(broker, pki, "box-a"):
        pass


def test_a_broker_that_cannot_start_says_why(pki: Pki, tmp_path: Path) -> None:
    (tmp_path / "certificates").mkdir()
    with pytest.raises(BrokerFailedError, match="Unable to load"), Mosquitto(tmp_path / "certificates", tmp_path / "b"):
        pass


def test_a_taken_port_is_told_at_once(broker: Mosquitto, pki: Pki, tmp_path: Path) -> None:
    second = tmp_path / "second"
    for outer, inner in ((broker.outer_port, None), (None, broker.inner_port)):
        with (
            pytest.raises(BrokerFailedError, match="taken"),
            Mosquitto(pki.broker_folder, second, outer_port=outer, inner_port=inner),
        ):
            pass


def test_a_failing_test_shows_the_brokers_log(pki: Pki, tmp_path: Path) -> None:
    with (
        pytest.raises(AssertionError, match="no message") as failure,
        Mosquitto(pki.broker_folder, tmp_path / "b") as broker,
        Peer.box(broker, pki, "box-a") as box,
    ):
        box.next_message(0.1)
    assert "as box-a (" in "".join(failure.value.__notes__)


def test_free_ports_are_below_those_of_outgoing_connections() -> None:
    assert free_port() < 32768


def is_alive(pid: int) -> bool:
    """Running, and not merely waiting for somebody to take note of its end."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    except FileNotFoundError:
        return False
