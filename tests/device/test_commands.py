"""Stories of the servers' commands."""

from typing import Any

import pytest

from device.story import SETTINGS, Store
from haven_contract.messages import Reply
from haven_contract.words import Action, Kind
from haven_device.events import (
    AliveCame,
    Answer,
    Report,
    Restart,
)
from haven_device.patterns import Pattern
from haven_device.settings import (
    Tunable,
)


def test_test_sends_one_test_event_even_if_the_command_comes_twice_or_after_a_restart() -> None:
    store = Store().commanded(Action.TEST).commanded(Action.TEST)
    assert store.reports() == [Report(Kind.TEST, "device", 5000, detail={"command_id": "c1"})]
    assert [reply.ok for reply in store.answers()] == [True, True]
    assert store.light() is Pattern.DARK
    assert store.restarts().commanded(Action.TEST).reports() == []


def test_identify_shows_itself_for_a_while_unless_an_alarm_is_on() -> None:
    store = Store().gets(AliveCame()).commanded(Action.IDENTIFY, seconds=5)
    assert store.light() is Pattern.IDENTIFY
    assert store.forward(6).light() is Pattern.PROTECTED
    store.commanded(Action.IDENTIFY, name="c2").press()
    assert store.light() is Pattern.SENDING


def test_an_expired_command_is_refused_in_words() -> None:
    store = Store().commanded(Action.TEST, life_s=-1)
    assert store.reports() == []
    assert not store.answers()[0].ok
    assert "expired" in store.answers()[0].detail


@pytest.mark.parametrize("action", [Action.PAIR, Action.ARM, Action.DISARM, Action.RENEW, Action.UPDATE])
def test_what_comes_later_is_refused_in_words(action: Action) -> None:
    (reply,) = Store().commanded(action).answers()
    assert (reply.ok, reply.detail) == (False, f"this firmware cannot {action} yet")


def test_restart_answers_first_and_is_not_done_again_after_it() -> None:
    store = Store().commanded(Action.RESTART)
    kinds = [type(one) for one in store.effects]
    assert kinds.index(Answer) < kinds.index(Restart)
    after = store.restarts().commanded(Action.RESTART)
    assert not any(isinstance(one, Restart) for one in after.effects)
    assert after.answers()[0].ok


def test_configure_changes_what_it_may_and_is_kept() -> None:
    store = Store().commanded(Action.CONFIGURE, heartbeat_s=10, reporting_s=20, hold_ms={"button:counter": 800})
    assert store.answers() == [Reply(command_id="c1", ok=True, detail="changed: heartbeat_s, hold_ms, reporting_s")]
    assert store.state.settings.tunable == Tunable(heartbeat_s=10, reporting_s=20, hold_ms={"button:counter": 800})
    assert store.press().reports() == []
    assert store.kept["tunable"] == {
        "heartbeat_s": 10,
        "reporting_s": 20,
        "dim_after_s": 180,
        "hold_ms": {"button:counter": 800},
    }


@pytest.mark.parametrize(
    ("args", "part"),
    [
        ({}, "args is empty"),
        ({"heartbeat_s": "fast"}, "heartbeat_s: is 'fast'; expected a whole number from 1 to"),
        ({"heartbeat_s": 100}, "heartbeat_s: is 100; expected less than reporting_s (90)"),
        ({"volume": 11}, "volume: is not a key that is known here"),
        ({"hold_ms": {"button:door": 5}}, "hold_ms.button:door: is not a key"),
        ({"hold_ms": 5}, "hold_ms: is 5; expected a table"),
    ],
)
def test_configure_refuses_the_whole_if_a_part_is_wrong(args: dict[str, Any], part: str) -> None:
    store = Store().commanded(Action.CONFIGURE, **args)
    assert not store.answers()[0].ok
    assert part in store.answers()[0].detail
    assert store.state.settings == SETTINGS


def test_remembered_answers_are_bounded() -> None:
    store = Store()
    for number in range(200):
        store.commanded(Action.ARM, name=f"c{number}")
    assert len(store.state.answers) == 50
