import itertools
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from device.fakes import START, FakeClock, FakeTrace, FakeWire
from haven_contract.messages import EVENT_EXPIRY_S, Alive, Command, Heartbeat, Receipt, Reply, Sent, State
from haven_contract.topics import Down, Up, down
from haven_contract.words import Action, Stage
from haven_device import replies
from haven_device.connection_number import ConnectionNumber
from haven_device.events import (
    AliveCame,
    CommandCame,
    LinkDown,
    LinkUp,
    MessageCame,
    PanelInput,
    Published,
    ReceiptCame,
)
from haven_device.link_plan import CONNECT_WITHIN_MS
from haven_device.outbox import Outbox, StoredEvent
from haven_device.sender import ALIVE_PATIENCE_CAP, NUMBERS, Sender
from haven_device.settings import Address, ContactSettings, LinkSettings, Settings

BROKERS = (Address("first", 8883), Address("second", 8883))
DEVICE = "store-0001"


class Link:
    """A sender with a fake wire, and hands to play broker and server."""

    def __init__(self, folder: Path, brokers: tuple[Address, ...] = BROKERS, clock: FakeClock | None = None) -> None:
        link = LinkSettings(brokers=brokers, ca=Path(), certificate=Path(), key=Path())
        contact = ContactSettings(source="button:counter", pin=17, kind="holdup")
        settings = Settings(device_id=DEVICE, data_dir=folder, link=link, contacts=(contact,))
        self.clock = clock or FakeClock()
        self.wire = FakeWire()
        self.trace = FakeTrace()
        self.outbox = Outbox(link, 100)
        self.sender = Sender(
            settings,
            outbox=self.outbox,
            wire=self.wire,
            clock=self.clock,
            trace=self.trace,
            numbers=ConnectionNumber(folder, self.clock.utc),
            make_state=lambda connection, now: State(online=True, boot_id="boot-1", connection=connection, mono_ms=now),
        )

    def work(self, seconds: float = 0) -> None:
        """Time passes in steps of the loop."""
        for _ in range(max(1, round(seconds * 10))):
            self.sender.work(self.clock.now, 90)
            self.clock.forward(0.1 if seconds else 0)

    def up(self) -> None:
        self.work()
        self.hear(LinkUp(self.wire.generation))
        self.work()

    def hear(self, what: LinkUp | LinkDown | Published | MessageCame) -> list[PanelInput]:
        return self.sender.hear(what, self.clock.now)

    def server(self, what: Down, payload: bytes) -> list[PanelInput]:
        return self.hear(MessageCame(self.wire.generation, down(DEVICE, what), payload))

    def press(self, seq: int = 1) -> None:
        self.outbox.add(StoredEvent(seq, f"event-{seq}", "holdup", "button:counter", b"payload"))


@pytest.fixture
def link(tmp_path: Path) -> Link:
    return Link(tmp_path)


def test_it_connects_at_once_and_says_state_first_then_the_outbox(link: Link) -> None:
    link.press()
    link.up()
    assert [one.what for one in link.wire.posted] == [Up.STATE, Up.EVENT]
    state, event = link.wire.posted
    assert (state.qos, state.expiry_s) == (1, EVENT_EXPIRY_S)
    assert (event.qos, event.expiry_s, event.sent) == (1, EVENT_EXPIRY_S, Sent("boot-1", link.clock.now))


def test_the_will_has_the_number_of_its_connection_which_grows_over_restarts(tmp_path: Path) -> None:
    for expected in (1, 2, 3):
        link = Link(tmp_path)
        link.up()
        _, will, _ = link.wire.attempts[0]
        assert (will.online, will.connection) == (False, expected)
        assert State.decode(link.wire.of(Up.STATE)[0].payload).connection == expected


def test_a_receipt_takes_the_event_out_and_no_puback_does(link: Link) -> None:
    link.press()
    link.up()
    link.hear(Published(1, 2, 0))
    assert len(link.outbox) == 1
    receipt = Receipt(event_id="event-1", rev=1, stage=Stage.RECEIVED, at=START)
    assert link.server(Down.RECEIPT, receipt.encode()) == [ReceiptCame("event-1", 1, Stage.RECEIVED)]
    assert len(link.outbox) == 0


@pytest.mark.parametrize("reason", [16, 128, 135, 151])
def test_a_puback_that_is_no_success_is_followed_by_another_sending(link: Link, reason: int) -> None:
    link.press()
    link.up()
    for attempt in (2, 3, 4):
        link.hear(Published(1, len(link.wire.posted), reason))
        link.work(2.1)
        assert len(link.wire.of(Up.EVENT)) == attempt


def test_the_same_bytes_are_sent_each_time_with_the_time_of_that_sending(link: Link) -> None:
    link.press()
    link.up()
    link.work(2.1)
    first, second = link.wire.of(Up.EVENT)
    assert first.payload == second.payload
    assert first.sent is not None
    assert second.sent is not None
    assert second.sent.mono_ms - first.sent.mono_ms == 2000


def test_awaited_acknowledgements_are_bounded_and_the_oldest_is_forgotten(link: Link) -> None:
    link.up()
    for seq in range(1, NUMBERS + 2):
        link.press(seq)
        link.work()
        link.server(Down.RECEIPT, Receipt(event_id=f"event-{seq}", rev=1, stage=Stage.RECEIVED, at=START).encode())
    first, last = 2, len(link.wire.posted)  # 1 was the state's
    for number in (first, first + 1, last):
        link.hear(Published(1, number, 0))
    assert [line["event_id"] for line in link.trace.of("puback")] == ["event-2", f"event-{NUMBERS + 1}"]


def test_ten_seconds_without_receipt_and_the_second_broker_gets_it(link: Link) -> None:
    link.press()
    link.up()
    link.work(9.8)
    assert [address.host for address, *_ in link.wire.attempts] == ["first"]
    link.work(0.5)
    assert [address.host for address, *_ in link.wire.attempts] == ["first", "second"]
    link.up()
    assert [one.what for one in link.wire.posted[-2:]] == [Up.STATE, Up.EVENT]


def test_a_single_broker_is_not_given_up_for_itself(tmp_path: Path) -> None:
    link = Link(tmp_path, BROKERS[:1])
    link.press()
    link.up()
    link.work(200)
    assert len(link.wire.attempts) == 1


def test_a_broker_behind_which_no_server_lives_is_left_ever_more_seldom(link: Link) -> None:
    link.up()
    switches = []
    for second in range(8000):
        before = len(link.wire.attempts)
        link.work(1)
        if len(link.wire.attempts) > before:
            switches.append(second)
            link.up()
    assert switches[0] == pytest.approx(90, abs=2)
    pauses = [later - earlier for earlier, later in itertools.pairwise(switches)]
    assert pauses == sorted(pauses)
    assert pauses[-1] == pytest.approx(90 * ALIVE_PATIENCE_CAP, rel=0.01)


def test_news_of_an_older_connection_is_none(link: Link) -> None:
    link.up()
    link.hear(LinkDown(1, "gone"))
    link.work(10)
    link.hear(LinkUp(2))
    link.hear(LinkDown(1, "gone again"))
    assert link.sender.is_up
    assert link.hear(MessageCame(1, down(DEVICE, Down.ALIVE), Alive(at=START).encode())) == []


@pytest.mark.expects_error("the network thread has ended by itself")
def test_a_dead_network_thread_is_noticed_and_replaced(link: Link) -> None:
    link.up()
    link.wire.dead = True
    link.press()
    link.work(1.2)
    assert len(link.wire.attempts) == 2


def test_an_attempt_that_hangs_is_given_up(link: Link) -> None:
    link.press()
    link.work(CONNECT_WITHIN_MS / 1000 + 2)
    assert [address.host for address, *_ in link.wire.attempts] == ["first", "second"]


def test_a_state_that_nobody_got_is_said_again(link: Link) -> None:
    link.up()
    link.hear(Published(1, 1, 16))
    link.work(5.2)
    assert len(link.wire.of(Up.STATE)) == 2
    link.hear(Published(1, 2, 0))
    link.work(20)
    assert len(link.wire.of(Up.STATE)) == 2


def test_changes_of_state_within_a_second_are_said_once(link: Link) -> None:
    link.up()
    for _ in range(20):
        link.sender.tell_state(link.clock.now)
        link.work(0.1)
    assert 2 <= len(link.wire.of(Up.STATE)) <= 4
    link.work(5)
    assert len(link.wire.of(Up.STATE)) <= 4


def test_heartbeats_are_numbered_and_only_sent_while_up(link: Link) -> None:
    beats = lambda seq: Heartbeat(boot_id="boot-1", mono_ms=link.clock.now, seq=seq)  # noqa: E731
    assert not link.sender.heartbeat_due(link.clock.now)
    link.up()
    for expected in (1, 2, 3):
        assert link.sender.heartbeat_due(link.clock.now)
        link.sender.send_heartbeat(link.clock.now, 30, beats)
        assert not link.sender.heartbeat_due(link.clock.forward(29.9))
        link.clock.forward(0.2)
        assert Heartbeat.decode(link.wire.of(Up.HEARTBEAT)[-1].payload).seq == expected


def test_a_reply_waits_for_the_link(link: Link) -> None:
    link.sender.reply(Reply(command_id="c1", ok=True))
    link.up()
    assert [Reply.decode(one.payload).command_id for one in link.wire.of(Up.REPLY)] == ["c1"]
    link.work(5)
    assert len(link.wire.of(Up.REPLY)) == 1


def test_a_reply_is_sent_until_its_acknowledgement_is_a_success(link: Link) -> None:
    link.up()
    link.sender.reply(Reply(command_id="c1", ok=True))
    link.work()
    for attempt, reason in ((1, 16), (2, 135)):
        assert len(link.wire.of(Up.REPLY)) == attempt
        link.hear(Published(1, len(link.wire.posted), reason))
        link.work(4.8)
        assert len(link.wire.of(Up.REPLY)) == attempt
        link.work(0.5)
    link.hear(Published(1, len(link.wire.posted), 0))
    link.work(20)
    assert len(link.wire.of(Up.REPLY)) == 3


def test_a_reply_that_was_on_the_way_when_the_link_died_goes_again(link: Link) -> None:
    link.up()
    for name in ("c1", "c2"):
        link.sender.reply(Reply(command_id=name, ok=True))
    link.work()
    link.hear(Published(1, len(link.wire.posted) - 1, 0))
    link.hear(LinkDown(1, "gone"))
    link.work(10)
    link.up()
    names = [Reply.decode(one.payload).command_id for one in link.wire.of(Up.REPLY)]
    assert names == ["c1", "c2", "c2"]


def test_waiting_replies_are_bounded(link: Link) -> None:
    for number in range(500):
        link.sender.reply(Reply(command_id=f"c{number}", ok=True))
    link.up()
    names = [Reply.decode(one.payload).command_id for one in link.wire.of(Up.REPLY)]
    assert names == [f"c{number}" for number in range(500 - replies.LIMIT, 500)]


def test_a_command_that_cannot_be_read_is_refused_if_it_can_be_named(link: Link) -> None:
    link.up()
    payload = b'{"v":1,"id":"c1","action":"dance","args":{},"expires_at":"2026-11-21T04:00:00Z"}'
    assert link.server(Down.COMMAND, payload) == []
    assert link.server(Down.COMMAND, b"{") == []
    link.work()
    (reply,) = [Reply.decode(one.payload) for one in link.wire.of(Up.REPLY)]
    assert (reply.command_id, reply.ok) == ("c1", False)
    assert "action is 'dance'" in reply.detail


def test_a_command_is_judged_by_the_servers_time_if_the_box_has_none(tmp_path: Path) -> None:
    link = Link(tmp_path, clock=FakeClock(is_synced=False))
    command = Command(id="c1", action=Action.TEST, expires_at=START).encode()
    link.up()
    assert link.wire.attempts[0][2] is False, "dates of certificates cannot be checked"
    (came,) = link.server(Down.COMMAND, command)
    assert isinstance(came, CommandCame)
    assert came.utc_now is None
    server_time = datetime(2026, 12, 1, tzinfo=UTC)
    assert link.server(Down.ALIVE, Alive(at=server_time).encode()) == [AliveCame()]
    link.clock.forward(60)
    (came,) = link.server(Down.COMMAND, command)
    assert isinstance(came, CommandCame)
    assert came.utc_now == server_time + timedelta(seconds=60)


def test_what_is_not_of_the_contract_is_passed_over(link: Link) -> None:
    link.up()
    assert link.hear(MessageCame(1, "haven/v1/dispatch/down/another/alive", b"{}")) == []
    for what in Down:
        assert link.server(what, b"\xff\x00") == []


def test_the_wire_that_takes_nothing_loses_nothing(link: Link) -> None:
    link.press()
    link.wire.takes = False
    link.up()
    link.work(3)
    link.wire.takes = True
    link.work(1.5)
    assert {one.what for one in link.wire.posted} == {Up.STATE, Up.EVENT}
