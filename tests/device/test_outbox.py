import hashlib
from itertools import pairwise
from pathlib import Path

import pytest

from haven_contract.words import Kind
from haven_device.outbox import GONE, HARD_WINDOW, WINDOW, Outbox, StoredEvent
from haven_device.settings import Address, LinkSettings

LINK = LinkSettings(brokers=(Address("a", 1), Address("b", 2)), ca=Path(), certificate=Path(), key=Path())


def event(seq: int, kind: str = Kind.HOLDUP, source: str = "button:counter") -> StoredEvent:
    return StoredEvent(seq, f"event-{seq}", kind, source, f"payload {seq}".encode())


def outbox(*stored: StoredEvent, limit: int = 1000) -> Outbox:
    return Outbox(LINK, limit, stored, jitter=lambda: 1.0)


def send_all(box: Outbox, now: int) -> list[int]:
    sent = box.due(now)
    for one in sent:
        box.sent(one.event_id, now)
    return [one.seq for one in sent]


def test_an_event_is_sent_again_after_2_s_then_with_growing_pauses_up_to_15_s() -> None:
    box = outbox()
    box.add(event(1))
    times = [now for now in range(0, 60_000, 100) if send_all(box, now)]
    assert times == [0, 2000, 6000, 14_000, 29_000, 44_000, 59_000]


def test_what_is_no_alarm_waits_up_to_a_minute() -> None:
    box = outbox()
    box.add(event(1, Kind.BATTERY_LOW))
    times = [now for now in range(0, 300_000, 100) if send_all(box, now)]
    assert max(later - earlier for earlier, later in pairwise(times)) == 60_000


def test_only_a_receipt_takes_it_out() -> None:
    box = outbox()
    box.add(event(1))
    send_all(box, 0)
    assert box.receipt("another") == ("another", False)
    assert len(box) == 1
    assert box.receipt("event-1") == ("event-1", True)
    assert len(box) == 0
    assert box.receipt("event-1") == ("event-1", False)


def test_a_receipt_may_name_the_hash_of_what_the_server_could_not_read() -> None:
    box = outbox()
    box.add(event(1))
    name = f"sha256:{hashlib.sha256(b'payload 1').hexdigest()}"
    assert box.receipt(name) == ("event-1", True)
    assert box.receipt(name) == ("event-1", False)


def test_the_hashes_of_the_last_events_that_left_are_remembered_and_no_more() -> None:
    box = outbox()
    names = {seq: f"sha256:{hashlib.sha256(f'payload {seq}'.encode()).hexdigest()}" for seq in range(1, GONE + 2)}
    for seq in names:
        box.add(event(seq))
        box.receipt(f"event-{seq}")
    assert box.receipt(names[1]) == (names[1], False)
    assert [box.receipt(names[seq])[0] for seq in (2, GONE + 1)] == ["event-2", f"event-{GONE + 1}"]


def test_an_alarm_that_no_broker_brings_through_still_wants_another_one_every_five_minutes() -> None:
    box = outbox()
    box.add(event(1))
    pauses, since = [], 0
    for now in range(0, 2_000_000, 100):
        send_all(box, now)
        if box.wants_other_broker(now, last_answer=now):
            box.broker_changed(now)
            box.link_up()
            pauses.append((now - since) // 1000)
            since = now
    assert pauses[:4] == [10, 20, 40, 80]
    assert set(pauses[5:]) == {300}


def test_refused_by_the_broker_comes_again_soon_and_not_at_once() -> None:
    box = outbox()
    box.add(event(1))
    for now in (0, 2000, 6000):
        assert send_all(box, now) == [1]
    box.refused("event-1", 6010)
    assert box.due(6010) == []
    assert [one.seq for one in box.due(8010)] == [1]


def test_a_fresh_alarm_never_waits_behind_a_backlog() -> None:
    box = outbox(*(event(seq, Kind.BATTERY_LOW) for seq in range(1, 200)), *(event(seq) for seq in range(200, 400)))
    assert send_all(box, 0) == list(range(200, 200 + WINDOW))
    box.add(event(500, Kind.TEST))
    box.add(event(501))
    assert send_all(box, 10) == [501]


def test_what_is_on_its_way_at_once_is_bounded() -> None:
    box = outbox()
    for seq in range(1, 200):
        box.add(event(seq))
    assert len(send_all(box, 0)) == HARD_WINDOW
    box.receipt("event-1")
    assert len(send_all(box, 10)) == 1


def test_events_that_nobody_answers_do_not_hold_the_others_back() -> None:
    box = outbox(*(event(seq, Kind.BATTERY_LOW, f"pendant:{seq:02x}") for seq in range(1, 101)))
    sent = {seq for now in range(0, 20_000, 100) for seq in send_all(box, now)}
    assert sent == set(range(1, 101))


def faults(*seqs: int, source: str = "device") -> list[StoredEvent]:
    return [event(seq, Kind.DEVICE_FAULT, source) for seq in seqs]


def test_after_a_reconnect_a_restoral_goes_behind_its_trouble_that_was_tried_before() -> None:
    trouble, restoral = faults(1, 2)
    box = outbox(trouble)
    for now in (0, 2000, 6000):
        assert send_all(box, now) == [1]
    box.add(restoral)
    box.link_up()
    assert send_all(box, 7000) == [1, 2]


def test_a_restoral_waits_for_the_next_sending_of_its_trouble() -> None:
    trouble, restoral = faults(1, 2)
    box = outbox(trouble)
    for now in (0, 2000):
        send_all(box, now)
    box.add(restoral)
    assert send_all(box, 5000) == [], "the trouble may be lost: it goes again at 6 s"
    assert send_all(box, 6000) == [1, 2]
    box.receipt("event-1")
    assert send_all(box, 8000) == [2]


def test_a_restoral_follows_at_once_while_its_trouble_is_on_the_way_but_not_if_nobody_got_it() -> None:
    trouble, restoral = faults(1, 2)
    box = outbox(trouble)
    send_all(box, 0)
    box.add(restoral)
    box.refused("event-1", 10)
    assert send_all(box, 20) == []
    assert send_all(box, 2000) == [1, 2]
    box.receipt("event-1")
    box.add(faults(3)[0])
    assert send_all(box, 2010) == [3]


def test_the_window_never_cuts_a_restoral_off_from_its_trouble_and_no_source_waits_for_another() -> None:
    box = outbox(*faults(*range(1, 41)), *faults(41, 42, source="button:door"))
    assert send_all(box, 0) == list(range(1, 1 + WINDOW))
    assert send_all(box, 2000)[:2] == [41, 42], "less often tried"
    for seq in range(1, 1 + WINDOW):
        box.receipt(f"event-{seq}")
    assert send_all(box, 4000)[:3] == [21, 22, 23]


def test_an_event_that_is_never_answered_delays_those_behind_it_and_stops_none() -> None:
    box = outbox(*faults(1))
    for now in range(0, 200_000, 100):
        send_all(box, now)
    box.add(faults(2)[0])
    sent = next(now for now in range(200_000, 300_000, 100) if 2 in send_all(box, now))
    assert sent <= 260_000


def test_a_new_connection_sends_everything_again() -> None:
    box = outbox()
    box.add(event(1))
    send_all(box, 0)
    box.link_up()
    assert send_all(box, 100) == [1]


def test_a_full_outbox_gives_up_the_oldest_that_is_no_alarm() -> None:
    box = outbox(limit=4)
    for one in (event(1), event(2, Kind.BATTERY_LOW), event(3, Kind.TEST), event(4)):
        assert box.add(one) == []
    assert [gone.seq for gone in box.add(event(5))] == [2]
    assert [gone.seq for gone in box.add(event(6))] == [3]
    assert box.given_up == 2
    assert len(box) == 4


def test_full_of_alarms_it_gives_up_the_oldest_of_the_source_that_runs_away() -> None:
    box = outbox(limit=5)
    box.add(event(1, source="pendant:aa"))
    for seq in range(2, 6):
        box.add(event(seq, source="button:stuck"))
    assert [gone.seq for gone in box.add(event(6, source="pendant:bb"))] == [2]
    assert [gone.seq for gone in box.add(event(7, source="button:stuck"))] == [3]
    assert {one.source for one in box.events()} == {"pendant:aa", "pendant:bb", "button:stuck"}


def test_a_fresh_alarm_is_never_the_one_that_goes() -> None:
    box = outbox(limit=3)
    for seq in range(1, 50):
        gone = box.add(event(seq, source=f"pendant:{seq:02x}"))
        assert seq not in [one.seq for one in gone]


@pytest.mark.parametrize(("kind", "alarm"), [("holdup", True), ("tamper", True), ("flood", True), ("test", False)])
def test_an_unknown_kind_is_an_alarm(kind: str, alarm: bool) -> None:
    assert event(1, kind).is_alarm is alarm


def test_an_alarm_without_receipt_for_10_s_wants_the_other_broker_each_time_later() -> None:
    box = outbox()
    box.add(event(1))
    send_all(box, 0)
    assert not box.wants_other_broker(9_900, last_answer=9_900)
    assert box.wants_other_broker(10_000, last_answer=9_900)
    box.broker_changed(10_000)
    box.link_up()
    send_all(box, 10_100)
    assert not box.wants_other_broker(30_000, last_answer=0)
    assert box.wants_other_broker(30_100, last_answer=0)


def test_another_event_wants_it_only_if_nothing_else_is_answered_either() -> None:
    box = outbox()
    box.add(event(1, Kind.BATTERY_LOW))
    send_all(box, 0)
    assert not box.wants_other_broker(12_000, last_answer=5_000)
    assert box.wants_other_broker(16_000, last_answer=5_000)
