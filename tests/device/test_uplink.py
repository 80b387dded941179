"""The paho adapter against a real Mosquitto with mutual TLS."""

import ctypes
import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from device.keys import box_with_days_left
from device.rig import DEVICE, Dispatch, until
from haven_contract.messages import EVENT_EXPIRY_S, Sent, State
from haven_contract.topics import Up
from haven_contract.words import Stage
from haven_device.clock import EARLIEST
from haven_device.events import Input, LinkDown, LinkUp, MessageCame, Published
from haven_device.settings import Address, LinkSettings
from haven_device.uplink import QUEUE, Uplink
from haven_provisioning import ca
from haven_provisioning.installation import Credentials
from mosquitto import Mosquitto
from pki import Pki, now

# paho lets go of the socket of a failed handshake without closing it; CPython closes it with its last reference.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <ssl.SSLSocket:ResourceWarning")

WILL = State(online=False, boot_id="boot-1", connection=7)


class Box:
    """An uplink and what it told."""

    def __init__(self, mine: Credentials) -> None:
        link = LinkSettings(brokers=(), ca=mine.ca, certificate=mine.certificate, key=mine.key, keepalive_s=5)
        self.told: list[Input] = []
        self.uplink = Uplink(DEVICE, link, self.told.append)

    def connect(self, port: int, *, check_time: bool = True, floor: datetime = EARLIEST) -> LinkUp | LinkDown:
        """The first word about the new connection."""
        generation = self.uplink.connect(Address("127.0.0.1", port), WILL, check_time=check_time, floor=floor)
        word = until(lambda: self._word(generation))
        assert isinstance(word, LinkUp | LinkDown)
        return word

    def _word(self, generation: int) -> LinkUp | LinkDown | None:
        for one in self.told:
            if isinstance(one, LinkUp | LinkDown) and one.generation == generation:
                return one
        return None

    def of(self, kind: type) -> list[Input]:
        return [one for one in self.told if isinstance(one, kind)]


@contextmanager
def box_of(mine: Credentials) -> Iterator[Box]:
    box = Box(mine)
    try:
        yield box
    finally:
        thread = box.uplink.hang_up()
        if thread is not None:
            thread.join(5)


@pytest.fixture
def box(pki: Pki) -> Iterator[Box]:
    with box_of(pki.device(DEVICE)) as running:
        yield running


def test_it_connects_without_delay_and_publishes_with_expiry_and_the_time_of_sending(
    box: Box, broker: Mosquitto, dispatch: Dispatch
) -> None:
    assert isinstance(box.connect(broker.outer_port), LinkUp)
    number = box.uplink.publish(
        Up.EVENT, b'{"v":1,"id":"e1","kind":"holdup"}', qos=1, expiry_s=EVENT_EXPIRY_S, sent=Sent("boot-1", 42)
    )
    (heard,) = dispatch.wait(Up.EVENT, id="e1")
    assert heard.sent == "boot-1:42"
    assert heard.expiry_s is not None
    assert EVENT_EXPIRY_S - 2 <= heard.expiry_s <= EVENT_EXPIRY_S
    until(lambda: Published(1, number or 0, 0) in box.told)
    until(lambda: box.of(MessageCame))
    connection = box.uplink._connection
    assert connection is not None
    sock = connection._client.socket()
    assert isinstance(sock, socket.socket)
    assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_nobody_subscribed_is_told_as_16(box: Box, broker: Mosquitto) -> None:
    box.connect(broker.outer_port)
    number = box.uplink.publish(Up.EVENT, b"{}", qos=1)
    until(lambda: Published(1, number or 0, 16) in box.told)


def test_a_broker_that_says_nothing_gets_so_many_messages_and_no_more(box: Box, broker: Mosquitto) -> None:
    box.connect(broker.outer_port)
    os.kill(broker.pid, signal.SIGSTOP)
    try:
        numbers = [box.uplink.publish(Up.EVENT, b"{}", qos=1) for _ in range(QUEUE + 10)]
    finally:
        os.kill(broker.pid, signal.SIGCONT)
    assert None not in numbers[:QUEUE]
    assert numbers[QUEUE:] == [None] * 10


def test_the_session_keeps_receipts_while_the_box_is_away(box: Box, broker: Mosquitto, dispatch: Dispatch) -> None:
    box.connect(broker.outer_port)
    until(lambda: box.uplink.publish(Up.STATE, b'{"v":1,"online":true}', qos=1) and dispatch.got(Up.STATE))
    thread = box.uplink.hang_up()
    assert thread is not None
    thread.join(5)
    dispatch.receipt("e1", 1, Stage.RECEIVED)
    assert isinstance(box.connect(broker.outer_port), LinkUp)
    until(lambda: any(isinstance(one, MessageCame) and b"e1" in one.payload for one in box.told))


def test_the_last_will_comes_when_the_connection_dies_and_when_it_is_asked_for(
    box: Box, broker: Mosquitto, dispatch: Dispatch
) -> None:
    box.connect(broker.outer_port)
    box.uplink.hang_up(will=True)
    (heard,) = dispatch.wait(Up.STATE, online=False)
    assert heard.fields["connection"] == 7
    assert heard.expiry_s is not None
    box.connect(broker.outer_port)
    box.uplink.hang_up()
    box.connect(broker.outer_port)
    dispatch.kick()
    dispatch.wait(Up.STATE, online=False, count=2)
    assert len(dispatch.got(Up.STATE, online=False)) == 2


def test_a_broker_that_stops_is_told_once(box: Box, broker: Mosquitto) -> None:
    box.connect(broker.outer_port)
    broker.stop()
    until(lambda: box.of(LinkDown))
    assert isinstance(box.connect(broker.outer_port), LinkDown)
    broker.start()
    assert isinstance(box.connect(broker.outer_port), LinkUp)
    assert len(box.of(LinkDown)) == 2


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_network_thread_that_was_killed_is_noticed(box: Box, broker: Mosquitto) -> None:
    box.connect(broker.outer_port)
    assert not box.uplink.is_dead()
    (thread,) = [one for one in threading.enumerate() if one.name.startswith("paho-mqtt")]
    assert thread.ident is not None
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), ctypes.py_object(RuntimeError))
    until(box.uplink.is_dead)
    assert isinstance(box.connect(broker.outer_port), LinkUp)
    assert not box.uplink.is_dead()


def test_threads_do_not_pile_up(box: Box, broker: Mosquitto) -> None:
    before = threading.active_count()
    for _ in range(5):
        assert isinstance(box.connect(broker.outer_port), LinkUp)
    thread = box.uplink.hang_up()
    assert thread is not None
    thread.join(5)
    until(lambda: threading.active_count() <= before)


def test_a_foreign_or_ended_certificate_is_no_entry(broker: Mosquitto, pki: Pki, tmp_path: Path) -> None:
    foreign = replace(Pki(tmp_path / "foreign").device(DEVICE), ca=pki.ca_file)
    ended = box_with_days_left(pki, tmp_path, DEVICE, -1)
    for mine in (foreign, ended):
        with box_of(mine) as box:
            assert isinstance(box.connect(broker.outer_port), LinkDown)


def test_missing_files_are_told_and_do_not_stop_the_firmware(broker: Mosquitto, pki: Pki, tmp_path: Path) -> None:
    with box_of(Credentials(pki.ca_file, tmp_path / "none.crt", tmp_path / "none.key")) as box:
        down = box.connect(broker.outer_port)
        assert isinstance(down, LinkDown)
        assert "No such file" in down.why


def test_before_the_clock_is_set_an_ended_broker_certificate_is_taken_but_not_one_that_surely_ended(
    tmp_path: Path, own_pki: Pki
) -> None:
    ended_at = now() - timedelta(days=10)
    own_pki.installation.issue_broker([], ended_at - ca.BROKER_LIFETIME)
    mine = own_pki.device(DEVICE)
    with Mosquitto(own_pki.broker_folder, tmp_path / "broker") as broker, box_of(mine) as box:
        port = broker.outer_port
        assert isinstance(box.connect(port), LinkDown)
        assert isinstance(box.connect(port, check_time=False), LinkUp)
        assert isinstance(box.connect(port, check_time=False, floor=ended_at - timedelta(days=5)), LinkUp)
        down = box.connect(port, check_time=False, floor=now())
        assert down == LinkDown(4, "the broker's certificate has ended")
