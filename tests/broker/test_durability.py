"""What waits in the broker survives what happens to a broker."""

import time

import pytest

from haven_contract.topics import Up, up
from mosquitto import SESSION_FOREVER, Mosquitto, Peer
from pki import Pki

SAVED_WITHIN_S = 0.5
"""The last half second before a kill may be lost: why a box waits for the server's receipt."""
BURST = 1200
"""More than the stock limit of 1000, at which a city's burst was lost."""


def absent_server(broker: Mosquitto, pki: Pki) -> None:
    with Peer.server(broker, pki, clean_start=False, session_s=SESSION_FOREVER) as server:
        server.subscribe("haven/v1/dispatch/up/+/event")


def press(broker: Mosquitto, pki: Pki, *payloads: bytes) -> None:
    with Peer.box(broker, pki, "box-a") as box:
        for payload in payloads:
            assert box.publish(up("box-a", Up.EVENT), payload) == 0


def received(broker: Mosquitto, pki: Pki, count: int) -> list[bytes]:
    with Peer.server(broker, pki, clean_start=False, session_s=SESSION_FOREVER) as server:
        assert server.session_present
        return [bytes(server.next_message().payload) for _ in range(count)]


def test_a_waiting_event_survives_a_reload(broker: Mosquitto, pki: Pki) -> None:
    absent_server(broker, pki)
    press(broker, pki, b"before")
    broker.reload()
    press(broker, pki, b"after")
    assert received(broker, pki, 2) == [b"before", b"after"]


def test_a_waiting_event_survives_an_orderly_restart(broker: Mosquitto, pki: Pki) -> None:
    absent_server(broker, pki)
    press(broker, pki, b"pressed")
    broker.restart()
    assert received(broker, pki, 1) == [b"pressed"]


@pytest.mark.parametrize("with_reload", [False, True])
def test_a_waiting_event_survives_kill_9(broker: Mosquitto, pki: Pki, with_reload: bool) -> None:
    absent_server(broker, pki)
    press(broker, pki, b"one", b"two")
    if with_reload:
        broker.reload()
    time.sleep(SAVED_WITHIN_S)
    broker.kill()
    broker.start()
    assert received(broker, pki, 2) == [b"one", b"two"]


def test_an_event_that_the_server_has_not_acknowledged_comes_again(broker: Mosquitto, pki: Pki) -> None:
    absent_server(broker, pki)
    with Peer.server(broker, pki, clean_start=False, session_s=SESSION_FOREVER, manual_ack=True) as server:
        press(broker, pki, b"pressed")
        assert not server.next_message().dup
        server.drop()
    with Peer.server(broker, pki, clean_start=False, session_s=SESSION_FOREVER) as server:
        again = server.next_message()
        assert (again.payload, again.dup) == (b"pressed", True)


def test_a_burst_larger_than_the_stock_limit_waits_whole(broker: Mosquitto, pki: Pki) -> None:
    absent_server(broker, pki)
    with Peer.box(broker, pki, "box-a") as box:
        for number in range(BURST):
            box.client.publish(up("box-a", Up.EVENT), b"%d" % number, qos=1)
        assert box.publish(up("box-a", Up.EVENT), b"last") == 0
    assert received(broker, pki, BURST + 1) == [*(b"%d" % number for number in range(BURST)), b"last"]


def test_a_message_counts_down_while_it_waits(broker: Mosquitto, pki: Pki) -> None:
    """By this the server knows how long an event lay in the broker."""
    absent_server(broker, pki)
    with Peer.box(broker, pki, "box-a") as box:
        box.publish(up("box-a", Up.EVENT), b"pressed", expiry_s=604_800)
    time.sleep(2.1)
    with Peer.server(broker, pki, clean_start=False, session_s=SESSION_FOREVER) as server:
        left = server.next_message().properties.MessageExpiryInterval  # type: ignore[union-attr]
    assert 2 <= 604_800 - left <= 4


def test_a_server_may_hold_a_whole_batch_unacknowledged(broker: Mosquitto, pki: Pki) -> None:
    """It acknowledges after its commit, of at most 256 events: the next batch has to be there by then."""
    with Peer.server(broker, pki, manual_ack=True) as server:
        server.subscribe("haven/v1/dispatch/up/+/event")
        with Peer.box(broker, pki, "box-a") as box:
            for number in range(2 * 256):
                box.client.publish(up("box-a", Up.EVENT), b"%d" % number, qos=1)
            assert [int(server.next_message().payload) for _ in range(2 * 256)] == list(range(2 * 256))


def test_a_box_cannot_ask_for_hours_of_silence(broker: Mosquitto, pki: Pki) -> None:
    with Peer.box(broker, pki, "box-a", keepalive_s=3600) as box:
        assert box.keepalive_s == 60
