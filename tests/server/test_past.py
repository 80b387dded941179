"""Which message of a box is news and which comes too late, as a table."""

from datetime import UTC, datetime, timedelta

import pytest

from haven_contract.messages import Heartbeat, State
from haven_server.supervision.past import is_past

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
BEGINNINGS = {
    "old": NOW - timedelta(hours=9),
    "now": NOW - timedelta(hours=1),
    "new": NOW,
    "twin": NOW - timedelta(hours=1),
}


def online(boot_id: str, connection: int, mono_ms: int | None = None) -> State:
    return State(online=True, boot_id=boot_id, connection=connection, mono_ms=mono_ms)


def will(boot_id: str, connection: int) -> State:
    return State(online=False, boot_id=boot_id, connection=connection)


def beat(boot_id: str) -> Heartbeat:
    return Heartbeat(boot_id=boot_id, mono_ms=1, seq=1)


@pytest.mark.parametrize(
    ("message", "past"),
    [
        pytest.param(will("now", 17), False, id="the present connection broke"),
        pytest.param(will("now", 16), True, id="an older connection's will comes late"),
        pytest.param(will("now", 18), False, id="a connection broke whose state was lost"),
        pytest.param(online("now", 18, 60_000), False, id="it connected again"),
        pytest.param(online("now", 17, 60_000), False, id="a change within the connection"),
        pytest.param(online("now", 16, 40_000), True, id="an older state from the other broker"),
        pytest.param(online("now", 1, 60_000), False, id="it lost its count of connections in mid-boot"),
        pytest.param(online("now", 1), True, id="without a time only the number can tell"),
        pytest.param(online("new", 1, 1), False, id="a new card begins to count anew"),
        pytest.param(will("new", 1), False, id="and breaks off"),
        pytest.param(will("old", 500), True, id="the will of the card before"),
        pytest.param(online("old", 500, 1), True, id="the state of the card before"),
        pytest.param(beat("old"), True, id="a heartbeat of an old boot"),
        pytest.param(beat("new"), False, id="a heartbeat before the state of a new boot"),
        pytest.param(beat("never-heard-of"), False, id="a heartbeat of a boot without beginning is life"),
        pytest.param(will("never-heard-of", 3), True, id="a will that nothing is known of"),
        pytest.param(online("never-heard-of", 18), False, id="of a boot without beginning the number tells"),
        pytest.param(online("twin", 18, 1), False, id="boots that began together are told apart by the number"),
        pytest.param(beat("twin"), False, id="and a heartbeat of either is life"),
    ],
)
def test_what_is_news(message: State | Heartbeat, past: bool) -> None:
    status = {"boot_id": "now", "connection": 17, "state": {"mono_ms": 50_000}, "seen_at": NOW - timedelta(seconds=30)}
    assert is_past(status, message, NOW, BEGINNINGS.get) is past


def test_a_box_that_has_not_been_heard_for_long_is_believed_whatever_it_says() -> None:
    status = {"boot_id": "now", "connection": 17, "state": {}, "seen_at": NOW - timedelta(seconds=121)}
    for message in (will("now", 1), online("old", 1, 1), beat("old")):
        assert not is_past(status, message, NOW, BEGINNINGS.get)


def test_a_number_larger_than_the_database_holds_is_no_obstacle() -> None:
    status = {"boot_id": "now", "connection": 2**31 - 1, "state": {}, "seen_at": NOW}
    assert not is_past(status, will("now", 2**53), NOW, BEGINNINGS.get)
