"""Lifecycle of an incident: every transition in one table. The diagram in docs is drawn from it."""

from enum import StrEnum

from haven_contract.words import Stage
from haven_server.problems import Conflict


class State(StrEnum):
    """Where an incident stands."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    DISPATCHED = "dispatched"
    ARRIVED = "arrived"
    CLOSED = "closed"


class Step(StrEnum):
    """What a person does with it."""

    ACKNOWLEDGE = "acknowledge"
    DISPATCH = "dispatch"
    ARRIVE = "arrive"
    CLOSE = "close"
    REOPEN = "reopen"


class Disposition(StrEnum):
    """What it turned out to be."""

    REAL = "real"
    MISTAKEN_PRESS = "mistaken_press"
    MALFUNCTION = "malfunction"
    HOAX = "hoax"
    NOTHING_FOUND = "nothing_found"
    TEST = "test"


TRANSITIONS: dict[tuple[State, Step], State] = {
    (State.OPEN, Step.ACKNOWLEDGE): State.ACKNOWLEDGED,
    (State.ACKNOWLEDGED, Step.DISPATCH): State.DISPATCHED,
    (State.DISPATCHED, Step.ARRIVE): State.ARRIVED,
    (State.ACKNOWLEDGED, Step.CLOSE): State.CLOSED,
    (State.DISPATCHED, Step.CLOSE): State.CLOSED,
    (State.ARRIVED, Step.CLOSE): State.CLOSED,
    # A reopened incident waits for somebody again, so it rings again.
    (State.CLOSED, Step.REOPEN): State.OPEN,
}

JOINABLE = (State.OPEN, State.ACKNOWLEDGED, State.DISPATCHED)
"""Not yet arrived at: a further press of the same emergency joins it."""

STAGE_AFTER: dict[State, Stage] = {
    State.ACKNOWLEDGED: Stage.ACKNOWLEDGED,
    State.DISPATCHED: Stage.DISPATCHED,
    State.ARRIVED: Stage.ARRIVED,
    State.CLOSED: Stage.CLOSED,
}
"""What the clerk's light is told. OPEN is told as received or alerted."""


def after(state: State, step: Step) -> State:
    """State after the step; Conflict if the table has no such transition."""
    try:
        return TRANSITIONS[state, step]
    except KeyError:
        possible = [allowed for (start, allowed) in TRANSITIONS if start is state]
        raise Conflict(
            f"an incident that is {state} cannot {step}; now possible: {', '.join(possible)}", state=state.value
        ) from None


def diagram() -> str:
    """Mermaid state diagram of the table."""
    lines = ["stateDiagram-v2", f"    [*] --> {State.OPEN}: press"]
    lines += [f"    {start} --> {end}: {step}" for (start, step), end in TRANSITIONS.items()]
    return "\n".join(lines) + "\n"
