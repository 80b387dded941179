"""Revoke and retire a box in one act. The order matters, and no step that fails stops the next.

1. The server marks it: from now on its alarms are recorded and call no police.
2. Its certificates go on the revocation list, and the broker reads it: nobody comes in with them again.
3. Its session is taken over: whoever is connected now is out, and stays out.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from haven_provisioning.errors import ProvisioningError

RELOAD_S = 0.1
"""Until the broker has read its list: it does so on its next round, 1,000 entries in a few milliseconds."""


@dataclass(frozen=True, slots=True)
class Step:
    """One part of the act. `run` gives what it did, in words, or raises ProvisioningError."""

    title: str
    run: Callable[[], str]
    remedy: str
    """What is to be done by hand if it fails."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a step. `remedy` is empty where it succeeded."""

    title: str
    detail: str
    remedy: str = ""

    @property
    def ok(self) -> bool:
        """Whether it was done."""
        return not self.remedy


def steps(
    *,
    mark_at_server: Callable[[], str],
    list_certificates: Callable[[], str],
    reload_broker: Callable[[], str],
    take_session_over: Callable[[], str],
    pause: Callable[[float], None],
) -> Sequence[Step]:
    """The act's steps in their order."""

    def reload_and_wait() -> str:
        done = reload_broker()
        pause(RELOAD_S)
        return done

    again = "Mend it and run the same command again; what is done already is not done twice."
    return (
        Step(
            "Server marks the box as revoked",
            mark_at_server,
            "UNTIL THE SERVER KNOWS, AN ALARM THIS BOX HAS ALREADY SENT STILL CALLS POLICE. " + again,
        ),
        Step("Certificates on the revocation list", list_certificates, "The box can still come in. " + again),
        Step(
            "Broker reads the list",
            reload_and_wait,
            "The box can still come in. If the broker runs elsewhere, copy the list there and reload it. " + again,
        ),
        Step(
            "Connected box thrown out",
            take_session_over,
            "If the box is connected now, it stays so and can send. " + again,
        ),
    )


def run(act: Sequence[Step]) -> list[Outcome]:
    """Do every step, whatever came of the one before."""
    return [_run(step) for step in act]


def _run(step: Step) -> Outcome:
    try:
        return Outcome(step.title, step.run())
    except (ProvisioningError, OSError) as error:
        return Outcome(step.title, str(error), step.remedy)
