"""The shipped ACL and listeners hold everyone to himself."""

import pytest
from paho.mqtt.client import MQTTMessage

from haven_contract.topics import Down, Up, down, up
from mosquitto import SESSION_FOREVER, Mosquitto, Peer, RefusedError
from pki import Pki

NOT_AUTHORIZED = 135
NOBODY_SUBSCRIBED = 16
QUIET_S = 0.3


def test_an_event_goes_to_the_server_and_a_receipt_back(broker: Mosquitto, pki: Pki) -> None:
    with Peer.server(broker, pki) as server, Peer.box(broker, pki, "box-a") as box:
        server.subscribe("haven/v1/dispatch/up/+/event")
        box.subscribe("haven/v1/dispatch/down/box-a/+")
        assert box.publish(up("box-a", Up.EVENT), b"pressed") == 0
        assert server.next_message().payload == b"pressed"
        assert server.publish(down("box-a", Down.RECEIPT), b"received") == 0
        assert box.next_message().payload == b"received"


def test_an_event_that_nobody_receives_is_acknowledged_with_16(broker: Mosquitto, pki: Pki) -> None:
    with Peer.box(broker, pki, "box-a") as box:
        assert box.publish(up("box-a", Up.EVENT), b"pressed") == NOBODY_SUBSCRIBED


@pytest.mark.parametrize(
    "topic",
    [
        up("box-b", Up.EVENT),
        up("box-b", Up.STATE),
        down("box-b", Down.RECEIPT),
        down("box-a", Down.RECEIPT),
        down("box-a", Down.COMMAND),
        "haven/v1/box-a/down/box-b/receipt",
        "haven/v1/dispatch/up/box-a/../box-b/event",
        "haven/v1/other/up/box-a/event",
        "$SYS/broker/log/N",
        "anything",
    ],
)
def test_a_box_writes_nowhere_else(broker: Mosquitto, pki: Pki, topic: str) -> None:
    with Peer.server(broker, pki) as server, Peer.box(broker, pki, "box-b") as neighbour:
        server.subscribe("haven/v1/dispatch/up/#")
        neighbour.subscribe("#", "haven/v1/dispatch/down/box-b/+")
        with Peer.box(broker, pki, "box-a") as box:
            answer = box.publish(topic, b"forged")
            box.publish(up("box-a", Up.EVENT), b"genuine")
        heard = server.next_message()
        assert neighbour.messages.empty()
        if topic.startswith("haven/v1/dispatch/up/box-a/"):
            # Its own tree: it may write there, and the server sees whose it is.
            assert (answer, heard.topic) == (0, topic)
            return
        assert heard.payload == b"genuine"
        # A server's tree with its own name in it: it may write there, but nobody may read it.
        assert answer == NOT_AUTHORIZED or topic.startswith("haven/v1/box-a/down/")


@pytest.mark.parametrize(
    "filter_", ["#", "haven/#", "+/+/+/+/+/+", up("box-b", Up.EVENT), down("box-b", Down.RECEIPT), "$SYS/#"]
)
def test_a_box_reads_nothing_of_others(broker: Mosquitto, pki: Pki, filter_: str) -> None:
    with (
        Peer.server(broker, pki) as server,
        Peer.box(broker, pki, "box-a") as curious,
        Peer.box(broker, pki, "box-b") as box,
    ):
        curious.subscribe(filter_, "haven/v1/dispatch/down/box-a/+")
        server.subscribe("haven/v1/dispatch/up/#")
        box.subscribe("haven/v1/dispatch/down/box-b/+")
        box.publish(up("box-b", Up.EVENT), b"secret")
        server.publish(down("box-b", Down.RECEIPT), b"secret")
        assert box.next_message().payload == b"secret"
        server.publish(down("box-a", Down.RECEIPT), b"for a")
        assert curious.next_message().payload == b"for a"
        assert all(b"secret" not in message.payload for message in _rest(curious))


def test_a_shared_subscription_is_no_way_round(broker: Mosquitto, pki: Pki) -> None:
    with Peer.server(broker, pki) as server, Peer.box(broker, pki, "box-a") as curious:
        curious.subscribe("$share/x/haven/v1/dispatch/down/box-b/+", "haven/v1/dispatch/down/box-a/+")
        server.publish(down("box-b", Down.RECEIPT), b"secret")
        server.publish(down("box-a", Down.RECEIPT), b"for a")
        assert curious.next_message().payload == b"for a"
        assert _rest(curious) == []


def test_a_last_will_on_anothers_topic_is_not_sent(broker: Mosquitto, pki: Pki) -> None:
    with Peer.server(broker, pki) as server:
        server.subscribe("haven/v1/dispatch/up/#")
        with Peer.box(broker, pki, "box-a", will=(up("box-b", Up.STATE), b"forged")) as box:
            box.drop()
        with Peer.box(broker, pki, "box-a") as box:
            box.publish(up("box-a", Up.EVENT), b"genuine")
        assert server.next_message().payload == b"genuine"


def test_a_last_will_reaches_the_server(broker: Mosquitto, pki: Pki) -> None:
    with Peer.server(broker, pki) as server:
        server.subscribe("haven/v1/dispatch/up/+/state")
        with Peer.box(broker, pki, "box-a", will=(up("box-a", Up.STATE), b"offline")) as box:
            box.drop()
        assert server.next_message().payload == b"offline"


@pytest.mark.parametrize("stolen", ["box-b", "dispatch-1"])
def test_a_box_gets_its_own_client_id_whatever_it_asks_for(broker: Mosquitto, pki: Pki, stolen: str) -> None:
    mine = pki.device("box-a")
    with Peer.server(broker, pki, "dispatch-1") as server, Peer.box(broker, pki, "box-b") as neighbour:
        with Peer.box(broker, pki, "box-a") as first, Peer(broker.host, broker.outer_port, mine, stolen):
            first.wait_until_gone()
        assert not neighbour.is_gone
        assert not server.is_gone
        assert "as box-a (" in broker.log()


def test_who_names_no_client_id_stays_out(broker: Mosquitto, pki: Pki) -> None:
    with pytest.raises(RefusedError), Peer(broker.host, broker.outer_port, pki.device("box-a"), ""):
        pass


def test_a_thief_neither_reads_nor_wipes_what_waits_for_the_server(broker: Mosquitto, pki: Pki) -> None:
    with Peer.server(broker, pki, "dispatch-1", clean_start=False, session_s=SESSION_FOREVER) as server:
        server.subscribe("haven/v1/dispatch/up/+/event")
    with Peer.box(broker, pki, "box-a") as box:
        assert box.publish(up("box-a", Up.EVENT), b"pressed") == 0
    with Peer(broker.host, broker.outer_port, pki.device("box-b"), "dispatch-1", clean_start=True) as thief:
        thief.subscribe("#")
    with Peer(broker.host, broker.outer_port, pki.device("box-b"), "dispatch-1", clean_start=False) as thief:
        assert not thief.session_present
        with pytest.raises(AssertionError, match="no message"):
            thief.next_message(QUIET_S)
    with Peer.server(broker, pki, "dispatch-1", clean_start=False, session_s=SESSION_FOREVER) as server:
        assert server.session_present
        assert server.next_message().payload == b"pressed"


def test_two_servers_each_receive_every_event(broker: Mosquitto, pki: Pki) -> None:
    with Peer.server(broker, pki, "dispatch-1") as one, Peer.server(broker, pki, "dispatch-2") as two:
        for server in (one, two):
            server.subscribe("haven/v1/dispatch/up/+/event")
        with Peer.box(broker, pki, "box-a") as box:
            box.publish(up("box-a", Up.EVENT), b"pressed")
        assert one.next_message().payload == two.next_message().payload == b"pressed"


def test_a_server_does_not_speak_as_a_box(broker: Mosquitto, pki: Pki) -> None:
    with Peer.server(broker, pki) as server:
        server.subscribe("haven/v1/dispatch/up/#")
        assert server.publish(up("box-a", Up.EVENT), b"forged") == NOT_AUTHORIZED


def test_nothing_is_retained(broker: Mosquitto, pki: Pki) -> None:
    with Peer.server(broker, pki) as server:
        server.subscribe("haven/v1/dispatch/up/#")
        with Peer.box(broker, pki, "box-a") as box:
            with pytest.raises((RefusedError, ValueError)):
                box.publish(up("box-a", Up.EVENT), b"old", retain=True)
            box.wait_until_gone()
        with Peer.box(broker, pki, "box-a") as box:
            box.publish(up("box-a", Up.EVENT), b"new")
        assert server.next_message().payload == b"new"


def test_8_kib_pass_with_every_property_the_contract_has(broker: Mosquitto, pki: Pki) -> None:
    name = "b" * 32
    with Peer.server(broker, pki) as server, Peer.box(broker, pki, name) as box:
        server.subscribe("haven/v1/dispatch/up/+/event")
        properties = [("sent", "0f0e0d0c-0b0a-4009-8807-060504030201:9007199254740992")]
        assert box.publish(up(name, Up.EVENT), b"x" * 8192, expiry_s=604_800, user=properties) == 0
        assert len(server.next_message().payload) == 8192


@pytest.mark.parametrize("size", [8705, 1_000_000])
def test_who_sends_more_is_disconnected(broker: Mosquitto, pki: Pki, size: int) -> None:
    with Peer.server(broker, pki) as server:
        server.subscribe("haven/v1/dispatch/up/+/event")
        with Peer.box(broker, pki, "box-a") as box:
            with pytest.raises(RefusedError):
                box.publish(up("box-a", Up.EVENT), b"x" * size)
            box.wait_until_gone()
        with Peer.box(broker, pki, "box-a") as box:
            box.publish(up("box-a", Up.EVENT), b"small")
        assert server.next_message().payload == b"small"


def _rest(peer: Peer) -> list[MQTTMessage]:
    found = []
    while not peer.messages.empty():
        found.append(peer.messages.get())
    return found
