"""The serial thread on a pty: what a stick that is pulled out or falls silent looks like."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from device.fakes import FakeClock
from device.rig import pty_writer, until
from haven_device.events import Input, RadioHeard, ReceiverChanged
from haven_device.radio.frames import PendantFrame
from haven_device.radio.rflink import RFLink
from haven_device.serial_port import SerialReceiver
from haven_device.settings import ReceiverSettings
from haven_device.simulate import SimulatedReceiver

PRESS = "20;01;EV1527;ID=0a1b2c;SWITCH=01;CMD=ON;\r\n"


@pytest.fixture
def stick(tmp_path: Path) -> Iterator[SimulatedReceiver]:
    with SimulatedReceiver(tmp_path, tmp_path / "pty") as simulated:
        yield simulated


def presses(told: list[Input]) -> list[str]:
    return [one.frame.pendant for one in told if isinstance(one, RadioHeard) and isinstance(one.frame, PendantFrame)]


def test_it_lives_hears_and_comes_back_after_an_unplugging(tmp_path: Path, stick: SimulatedReceiver) -> None:
    told: list[Input] = []
    settings = ReceiverSettings(driver="rflink", port=str(stick.port), silent_s=5)
    with SerialReceiver(settings, RFLink(), FakeClock(), told.append) as receiver:
        until(lambda: ReceiverChanged(up=True) in told)
        with pty_writer(str(tmp_path / "pty")) as write:
            write(PRESS[:20])
            write(PRESS[20:])
            until(lambda: presses(told) == ["0a1b2c"])
            write(PRESS[:20])
            stick.unplug()
            until(lambda: isinstance(told[-1], ReceiverChanged) and not told[-1].up)
            stick.plug()
            until(lambda: told.count(ReceiverChanged(up=True)) == 2)
            write(PRESS)
            until(lambda: presses(told) == ["0a1b2c", "0a1b2c"])
        assert receiver.works()
    assert not receiver.works()


def test_a_silent_stick_is_told_once_and_speaks_again(stick: SimulatedReceiver) -> None:
    told: list[Input] = []
    settings = ReceiverSettings(driver="rflink", port=str(stick.port), silent_s=1)
    with SerialReceiver(settings, RFLink(), FakeClock(), told.append):
        until(lambda: ReceiverChanged(up=True) in told)
        stick.answers = False
        until(lambda: isinstance(told[-1], ReceiverChanged) and not told[-1].up)
        stick.answers = True
        until(lambda: told.count(ReceiverChanged(up=True)) == 2)
    changes = [one.up for one in told if isinstance(one, ReceiverChanged)]
    assert changes == [True, False, True]


def test_a_port_that_is_not_there_is_told_by_its_name(tmp_path: Path) -> None:
    told: list[Input] = []
    settings = ReceiverSettings(driver="rflink", port=str(tmp_path / "none"))
    with SerialReceiver(settings, RFLink(), FakeClock(), told.append):
        until(lambda: told)
    (change,) = told
    assert isinstance(change, ReceiverChanged)
    assert str(tmp_path / "none") in change.why
