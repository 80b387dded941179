from collections.abc import Iterable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haven_device import contacts
from haven_device.contacts import Contact, Happening
from haven_device.settings import ContactSettings

BUTTON = ContactSettings(source="button:counter", pin=17, kind="holdup")
HELD = replace(BUTTON, hold_ms=800)
LID = ContactSettings(source="sensor:lid", pin=27, kind="tamper")


def play(
    edges: Iterable[tuple[int, bool]],
    settings: ContactSettings = BUTTON,
    *,
    until: int = 100_000,
    tick_ms: int = 100,
    start: Contact | None = None,
) -> list[tuple[Happening, int]]:
    """Everything that happens when these edges come and time is looked at every `tick_ms`."""
    contact = start or Contact()
    happened: list[tuple[Happening, int]] = []
    waiting = sorted(edges)
    for now in range(0, until, tick_ms):
        while waiting and waiting[0][0] <= now:
            at, active = waiting.pop(0)
            contact, more = contacts.change(contact, settings, active=active, at=at)
            happened += more
        contact, more = contacts.tick(contact, settings, now)
        happened += more
    return happened


def presses(happened: list[tuple[Happening, int]]) -> list[int]:
    return [at for happening, at in happened if happening is Happening.PRESSED]


def test_a_contact_of_50_ms_is_one_press_at_its_first_edge() -> None:
    assert presses(play([(1000, True), (1050, False)])) == [1000]


def test_it_counts_even_if_the_edges_are_read_a_second_late() -> None:
    assert presses(play([(1010, True), (1060, False)], tick_ms=2000)) == [1010]


def test_a_spike_is_no_press() -> None:
    assert presses(play([(1000, True), (1005, False), (3000, True), (3010, False)])) == []


def test_a_trembling_hand_on_a_dirty_contact_is_one_press() -> None:
    edges = [(1000 + 7 * step, step % 2 == 0) for step in range(8)]
    assert presses(play(edges)) == [1000]


def test_bouncing_at_release_is_no_second_press() -> None:
    edges = [(1000, True), (1100, False), (1104, True), (1106, False), (1110, True), (1111, False)]
    assert presses(play(edges)) == [1000]


@given(st.integers(50, 5000), st.integers(0, 3000), st.integers(10, 700))
def test_every_contact_of_50_ms_or_more_counts_once(length: int, begin: int, tick_ms: int) -> None:
    assert presses(play([(begin, True), (begin + length, False)], until=12_000, tick_ms=tick_ms)) == [begin]


@given(st.lists(st.tuples(st.integers(0, 20_000), st.booleans()), max_size=40))
def test_any_edges_at_all_give_closings_and_openings_in_turn(edges: list[tuple[int, bool]]) -> None:
    happened = play(edges, until=60_000)
    turns = [happening for happening, _ in happened if happening in {Happening.CLOSED, Happening.OPENED}]
    assert turns == [Happening.CLOSED, Happening.OPENED] * (len(turns) // 2) + [Happening.CLOSED] * (len(turns) % 2)
    assert len(presses(happened)) == turns.count(Happening.CLOSED)


def test_held_for_half_a_minute_is_a_hold_up_and_then_stuck_until_it_opens() -> None:
    happened = play([(1000, True), (50_000, False), (60_000, True), (60_080, False)])
    assert [h for h in happened if h[0] in {Happening.PRESSED, Happening.STUCK}] == [
        (Happening.PRESSED, 1000),
        (Happening.STUCK, 31_000),
        (Happening.PRESSED, 60_000),
    ]


def test_a_button_that_was_stuck_before_the_restart_is_no_new_press() -> None:
    stuck = Contact(raw=True, closed=True, counted=True, stuck=True)
    assert play([], start=stuck) == []
    assert play([(5000, False)], start=stuck) == [(Happening.OPENED, 5000)]


def test_with_a_hold_time_a_brush_is_no_press_and_a_hold_is() -> None:
    assert presses(play([(1000, True), (1200, False)], HELD)) == []
    assert presses(play([(1000, True), (1900, False)], HELD, tick_ms=3000)) == [1000]
    assert presses(play([(1000, True)], HELD)) == [1000]


@pytest.mark.parametrize(("second", "expected"), [(5900, [5900]), (6100, [])])
def test_with_a_hold_time_two_short_presses_within_five_seconds_count(second: int, expected: list[int]) -> None:
    edges = [(1000, True), (1100, False), (second, True), (second + 100, False)]
    assert presses(play(edges, HELD)) == expected


def test_three_short_presses_with_a_hold_time_are_one_alarm() -> None:
    edges = [(at + extra, extra == 0) for at in (1000, 2000, 3000) for extra in (0, 100)]
    assert presses(play(edges, HELD)) == [2000]


def test_a_sensor_closes_and_opens_and_is_never_a_press() -> None:
    assert play([(1000, True), (90_000, False)], LID) == [(Happening.CLOSED, 1000), (Happening.OPENED, 90_000)]


def test_it_asks_for_a_look_as_soon_as_the_contact_may_be_stable() -> None:
    contact, _ = contacts.change(Contact(), BUTTON, active=True, at=1000)
    assert contacts.wants_look(contact, BUTTON) == 1020
    contact, _ = contacts.tick(contact, BUTTON, 1020)
    assert contacts.wants_look(contact, BUTTON) is None
