"""The lifecycle, every state with every step; and docs/incidents.md, whose diagram and tables come from the code."""

from itertools import product
from pathlib import Path

import pytest

from haven_contract.words import Stage
from haven_server.incidents.flags import TEXTS, Flag
from haven_server.incidents.joining import JOIN_WITHIN, RUNAWAY_COUNT, RUNAWAY_WINDOW
from haven_server.incidents.lifecycle import JOINABLE, STAGE_AFTER, State, Step, after, diagram
from haven_server.incidents.response import RESPONSES, Handling
from haven_server.police.notices import RUNAWAY_PAUSE_S
from haven_server.police.routing import NEXT_CHANNEL_S, REACH_WITHIN_S
from haven_server.problems import Conflict

PAGE = Path(__file__).parents[2] / "docs" / "incidents.md"

POSSIBLE = {
    ("open", "acknowledge"): "acknowledged",
    ("acknowledged", "dispatch"): "dispatched",
    ("acknowledged", "close"): "closed",
    ("dispatched", "arrive"): "arrived",
    ("dispatched", "close"): "closed",
    ("arrived", "close"): "closed",
    ("closed", "reopen"): "open",
}


@pytest.mark.parametrize(("state", "step"), list(product(State, Step)))
def test_every_state_with_every_step(state: State, step: Step) -> None:
    if (state.value, step.value) in POSSIBLE:
        assert after(state, step).value == POSSIBLE[state.value, step.value]
        return
    with pytest.raises(Conflict) as refusal:
        after(state, step)
    for now_possible in (possible for (start, possible) in POSSIBLE if start == state.value):
        assert now_possible in refusal.value.detail


def test_a_press_joins_until_somebody_has_arrived() -> None:
    assert {state.value for state in JOINABLE} == {"open", "acknowledged", "dispatched"}


def test_the_clerk_is_told_of_every_state_that_a_person_has_brought_about() -> None:
    assert set(STAGE_AFTER) == set(State) - {State.OPEN}
    assert {stage.value for stage in STAGE_AFTER.values()} == {state.value for state in STAGE_AFTER}
    assert set(Stage) - set(STAGE_AFTER.values()) == {Stage.RECEIVED, Stage.ALERTED}


def test_every_flag_has_words_in_both_languages() -> None:
    assert set(TEXTS) == set(Flag)
    assert all(english and korean for english, korean in TEXTS.values())


def flags_table() -> str:
    rows = [f"| `{code}` | {english} | {korean} |" for code, (english, korean) in TEXTS.items()]
    return "\n".join(["| flag | in English | in Korean |", "|---|---|---|", *rows])


def kinds_table() -> str:
    words = {
        Handling.INCIDENT: "incident",
        Handling.TROUBLE: "trouble for the technician",
        Handling.REQUEST: "line in the open incident",
        Handling.PROOF: "test, if one was opened",
    }
    rows = [
        f"| `{kind}` | {response.en} | {words[response.handling]} | {response.response} | "
        f"{'at once' if response.police else 'no'} | {'yes' if response.silent else 'no'} |"
        for kind, response in RESPONSES.items()
    ]
    head = ["| kind | what it is | becomes | class | police | silent |", "|---|---|---|---|---|---|"]
    return "\n".join([*head, *rows])


@pytest.mark.parametrize(
    "part", [f"```mermaid\n{diagram()}```", flags_table(), kinds_table()], ids=lambda text: text[:8]
)
def test_the_page_shows_what_the_code_does(part: str) -> None:
    assert part in PAGE.read_text(encoding="utf-8"), f"docs/incidents.md should contain:\n{part}"


def test_the_pages_figures_are_the_codes() -> None:
    text = " ".join(PAGE.read_text(encoding="utf-8").split())
    for said in (
        f"within {JOIN_WITHIN.total_seconds() / 60:.0f} minutes",
        f"tenth event within {RUNAWAY_WINDOW.total_seconds() / 60:.0f} minute",
        f"one update every {RUNAWAY_PAUSE_S} seconds",
        f"after {NEXT_CHANNEL_S} seconds",
        f"within {REACH_WITHIN_S} seconds",
    ):
        assert said in text, said
    assert RUNAWAY_COUNT == 10
