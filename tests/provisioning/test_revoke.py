"""The order of the act, and that no failing step stops the next."""

import pytest

from haven_provisioning import revoke
from haven_provisioning.errors import BrokerError, ServerError


class Act:
    """Notes what is done; steps named in `failing` fail."""

    def __init__(self, failing: dict[str, Exception]) -> None:
        self.done: list[str] = []
        self._failing = failing

    def run(self) -> list[revoke.Outcome]:
        return revoke.run(
            revoke.steps(
                mark_at_server=lambda: self._do("mark"),
                list_certificates=lambda: self._do("list"),
                reload_broker=lambda: self._do("reload"),
                take_session_over=lambda: self._do("kick"),
                pause=lambda seconds: self.done.append(f"pause {seconds}"),
            )
        )

    def _do(self, what: str) -> str:
        self.done.append(what)
        if what in self._failing:
            raise self._failing[what]
        return what


def test_police_are_told_off_first_the_way_in_closes_next_and_who_is_in_goes_last() -> None:
    act = Act({})
    assert all(outcome.ok for outcome in act.run())
    assert act.done == ["mark", "list", "reload", "pause 0.1", "kick"]


@pytest.mark.parametrize("error", [ServerError("away"), BrokerError("away"), OSError(28, "full")])
@pytest.mark.parametrize("what", ["mark", "list", "reload", "kick"])
def test_a_failing_step_stops_none_of_the_others_and_says_what_to_do(what: str, error: Exception) -> None:
    act = Act({what: error})
    outcomes = act.run()
    assert [step for step in act.done if not step.startswith("pause")] == ["mark", "list", "reload", "kick"]
    [failed] = [outcome for outcome in outcomes if not outcome.ok]
    assert failed.detail == str(error)
    assert "same command again" in failed.remedy


def test_a_mistake_in_the_program_is_not_taken_for_a_failing_step() -> None:
    with pytest.raises(ZeroDivisionError):
        Act({"mark": ZeroDivisionError()}).run()
