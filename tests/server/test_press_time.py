"""The arithmetic of press times, without a server."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haven_contract.messages import EVENT_EXPIRY_S, Event, Sent
from haven_contract.wire import MAX_INT
from haven_server.presstime import OLDEST, Arrival, Basis, PressTime, boot_start, press_time

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
UNKNOWN = PressTime(None, Basis.UNKNOWN)


def event(mono_ms: int | None = 50_000, boot_id: str | None = "boot-1") -> Event:
    return Event(id="e", kind="holdup", boot_id=boot_id, mono_ms=mono_ms)


def arrival(sent: Sent | None, left_s: int | None = EVENT_EXPIRY_S) -> Arrival:
    return Arrival(NOW, left_s, sent)


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


def test_a_press_sent_at_once_was_made_now() -> None:
    assert press_time(event(), arrival(Sent("boot-1", 50_030)), None) == PressTime(ago(0.03), Basis.SAME_BOOT)


def test_time_in_the_outbox_and_time_in_the_broker_add_up() -> None:
    waited = arrival(Sent("boot-1", 650_000), EVENT_EXPIRY_S - 600)
    assert press_time(event(), waited, None) == PressTime(ago(1200), Basis.SAME_BOOT)


@pytest.mark.parametrize("came_at_ms", range(0, 1000, 50))
@pytest.mark.parametrize("held_ms", [0, 300, 999, 1000, 1750, 2000, 600_400])
def test_the_brokers_whole_seconds_cost_less_than_one(came_at_ms: int, held_ms: int) -> None:
    """Mosquitto keeps the second in which a message came, and subtracts it from the one in which it goes."""
    shown_s = (came_at_ms + held_ms) // 1000 - came_at_ms // 1000
    sent_at = arrival(None, EVENT_EXPIRY_S - shown_s).sent_at
    assert abs(sent_at - ago(held_ms / 1000)) < timedelta(seconds=1)


@pytest.mark.parametrize("left_s", [None, EVENT_EXPIRY_S + 1, 0xFFFFFFFF])
def test_without_an_expiry_of_ours_the_broker_is_taken_not_to_have_held_it(left_s: int | None) -> None:
    assert arrival(None, left_s).sent_at == NOW


def test_an_earlier_boot_is_placed_by_when_its_clock_stood_at_nought() -> None:
    at = press_time(event(), arrival(Sent("boot-2", 4_000)), ago(3600))
    assert at == PressTime(ago(3550), Basis.EARLIER_BOOT)


def test_without_a_word_of_when_it_was_sent_the_boot_still_tells() -> None:
    assert press_time(event(), arrival(None), ago(60)) == PressTime(ago(10), Basis.EARLIER_BOOT)


@pytest.mark.parametrize(
    ("said", "sent", "boot_started_at"),
    [
        pytest.param(event(), None, None, id="nothing is said, nothing is known"),
        pytest.param(event(), Sent("boot-2", 1), None, id="of a boot that nobody knows"),
        pytest.param(event(boot_id=None), Sent("boot-1", 60_000), ago(60), id="the event names no boot"),
        pytest.param(event(mono_ms=None), Sent("boot-1", 60_000), ago(60), id="the event has no time"),
        pytest.param(event(), Sent("boot-1", 49_999), None, id="sent before it was pressed"),
        pytest.param(event(0), Sent("boot-1", MAX_INT), None, id="older than the calendar"),
        pytest.param(event(0), Sent("boot-1", 1000 * 86_400 * 1000), None, id="older than any outbox"),
        pytest.param(event(), Sent("boot-2", 1), ago(44), id="pressed in six seconds' time"),
        pytest.param(event(MAX_INT), Sent("boot-2", 1), ago(60), id="pressed after the end of the calendar"),
        pytest.param(event(), Sent("boot-2", 1), NOW - OLDEST - timedelta(minutes=1), id="of a boot years ago"),
    ],
)
def test_what_cannot_be_known_is_said_to_be_unknown(
    said: Event, sent: Sent | None, boot_started_at: datetime | None
) -> None:
    assert press_time(said, arrival(sent), boot_started_at) == UNKNOWN


def test_a_boots_beginning_counts_back_from_when_the_message_was_sent() -> None:
    assert boot_start(arrival(None, None), "boot-1", 5_000) == ago(5)
    assert boot_start(arrival(None, EVENT_EXPIRY_S - 300), "boot-1", 5_000) == ago(305)
    assert boot_start(arrival(None), None, 5_000) is None
    assert boot_start(arrival(None), "boot-1", None) is None
    assert boot_start(arrival(None), "boot-1", MAX_INT) is None


monos = st.none() | st.integers(0, MAX_INT)
boots = st.none() | st.sampled_from(["boot-1", "boot-2"])
instants = st.datetimes(timezones=st.just(UTC))


@given(
    mono_ms=monos,
    boot_id=boots,
    sent=st.none() | st.builds(Sent, st.sampled_from(["boot-1", "boot-2"]), st.integers(0, MAX_INT)),
    left_s=st.none() | st.integers(0, 0xFFFFFFFF),
    boot_started_at=st.none() | instants,
)
def test_whatever_a_box_says_gives_a_believable_time_or_none(
    mono_ms: int | None, boot_id: str | None, sent: Sent | None, left_s: int | None, boot_started_at: datetime | None
) -> None:
    when = press_time(event(mono_ms, boot_id), arrival(sent, left_s), boot_started_at)
    assert (when.at is None) == (when.basis is Basis.UNKNOWN)
    if when.at is not None:
        assert NOW - OLDEST <= when.at <= NOW + timedelta(seconds=5)


@given(waited_s=st.integers(0, 7 * 86_400), outbox_ms=st.integers(0, 7 * 86_400_000), uptime_ms=st.integers(0, 2**41))
def test_within_one_boot_the_time_is_right_to_a_second(waited_s: int, outbox_ms: int, uptime_ms: int) -> None:
    pressed_at = NOW - timedelta(seconds=waited_s, milliseconds=outbox_ms)
    came = arrival(Sent("boot-1", uptime_ms + outbox_ms), EVENT_EXPIRY_S - waited_s)
    at = press_time(event(uptime_ms), came, None).at
    assert at is not None
    assert abs(at - pressed_at) <= timedelta(seconds=1)
