"""Two servers of one name throw each other out of the broker for ever, and each says so."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from haven_server.ingest.connection import MOST_CUT_OFF_ALONE
from mosquitto import Mosquitto, Peer
from pki import Pki, pki
from server.clocks import ManualClock
from server.live import eventually
from server.live_server import Installation, install

__all__ = ["pki"]

TAKEN_OVER = "another server seems to have this one's name"
FAULT = "another server seems to be named server1 too: give each a HAVEN_SERVER_NAME of its own"


@pytest.fixture
def broker(pki: Pki, tmp_path: Path) -> Iterator[Mosquitto]:
    with Mosquitto(pki.broker_folder, tmp_path / "broker") as running:
        yield running


@pytest.fixture
def city(broker: Mosquitto, pki: Pki, tmp_path: Path, sqlite_template: Path) -> Installation:
    shutil.copy(sqlite_template, tmp_path / "haven.db")
    return install(broker, pki, tmp_path, f"sqlite:///{tmp_path / 'haven.db'}")


@pytest.mark.expects_error(TAKEN_OVER)
def test_two_servers_of_one_name_are_not_ready_until_a_minute_after(
    city: Installation, caplog: pytest.LogCaptureFixture
) -> None:
    clock = ManualClock()
    with city.server(clock) as one:
        with city.server(ManualClock(), ready=False) as other:
            eventually(lambda: FAULT in one.not_ready() and FAULT in other.not_ready())
        eventually(lambda: one.not_ready() == [FAULT], "connected again, and not ready all the same")
        clock.forward(59)
        assert one.not_ready() == [FAULT]
        clock.forward(1)
        assert one.not_ready() == []
    assert 2 <= caplog.text.count(TAKEN_OVER) <= 4, "once for each connection of each server"


def test_a_broker_that_dies_again_and_again_is_no_double(city: Installation) -> None:
    with city.server() as server:
        for _ in range(MOST_CUT_OFF_ALONE + 2):
            city.broker.kill()
            eventually(server.not_ready)
            city.broker.start()
            eventually(lambda: not server.not_ready())


def test_a_client_that_comes_once_under_our_name_is_no_double(city: Installation, pki: Pki) -> None:
    with city.server() as server:
        with Peer.server(city.broker, pki, "dispatch/server1/alarms") as other:
            other.wait_until_gone()
        eventually(lambda: not server.not_ready())
