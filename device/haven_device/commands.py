"""Commands of the servers: identify, test, configure, restart. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from haven_contract.messages import Command, Reply
from haven_contract.words import DEVICE_SOURCE, Action, Kind
from haven_device.config_reader import Table
from haven_device.events import Effect, Keep, Report, Restart, Retune
from haven_device.settings import Settings, Tunable

REMEMBERED = 50
"""Answers that are kept, so that a command which comes twice is done once."""

_IDENTIFY_S = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a command."""

    reply: Reply
    effects: tuple[Effect, ...] = ()
    tunable: Tunable | None = None
    identify_until: int | None = None


def carry_out(command: Command, utc_now: datetime | None, settings: Settings, now: int) -> Outcome:
    """Outcome of a command that was not seen before. Without any known time, the broker's expiry must do."""
    if utc_now is not None and utc_now > command.expires_at:
        return _refuse(command, f"expired at {command.expires_at:%Y-%m-%d %H:%M:%S} UTC, not done")
    match command.action:
        case Action.IDENTIFY:
            return _identify(command, now)
        case Action.TEST:
            report = Report(Kind.TEST, DEVICE_SOURCE, now, detail={"command_id": command.id})
            return Outcome(reply=_done(command, "a test event is on its way"), effects=(report,))
        case Action.CONFIGURE:
            return _configure(command, settings)
        case Action.RESTART:
            return Outcome(reply=_done(command, "the firmware restarts"), effects=(Restart(),))
        case _:
            return _refuse(command, f"this firmware cannot {command.action} yet")


def read_tunable(raw: Mapping[str, Any], settings: Settings) -> tuple[Tunable, list[str]]:
    """Tunable values with those of `raw` laid over, and what is wrong with them in words."""
    faults: list[str] = []
    table = Table(raw, "", faults)
    before = settings.tunable
    buttons = [contact.source for contact in settings.contacts if contact.is_button]
    holds = table.table("hold_ms")
    tunable = Tunable(
        heartbeat_s=table.whole("heartbeat_s", before.heartbeat_s, 1, 90_000),
        reporting_s=table.whole("reporting_s", before.reporting_s, 2, 90_000),
        dim_after_s=table.whole("dim_after_s", before.dim_after_s, 1, 86_400),
        hold_ms={
            **before.hold_ms,
            **{name: holds.whole(name, None, 0, 10_000) for name in buttons if name in holds},
        },
    )
    holds.end()
    table.end()
    if tunable.heartbeat_s >= tunable.reporting_s:
        table.fault("heartbeat_s", tunable.heartbeat_s, f"less than reporting_s ({tunable.reporting_s})")
    return tunable, faults


def tunable_to_json(tunable: Tunable) -> dict[str, Any]:
    """Reverse of `read_tunable`."""
    return {
        "heartbeat_s": tunable.heartbeat_s,
        "reporting_s": tunable.reporting_s,
        "dim_after_s": tunable.dim_after_s,
        "hold_ms": dict(tunable.hold_ms),
    }


def answers_to_json(answers: tuple[Reply, ...]) -> list[list[Any]]:
    """To keep over a restart."""
    return [[reply.command_id, reply.ok, reply.detail] for reply in answers]


def answers_from_json(raw: Any) -> tuple[Reply, ...]:
    """Reverse of `answers_to_json`; what cannot be read is left out."""
    answers = []
    for row in raw if isinstance(raw, list) else []:
        match row:
            case [str(command_id), bool(ok), str(detail)]:
                answers.append(Reply(command_id=command_id, ok=ok, detail=detail))
    return tuple(answers[-REMEMBERED:])


def _identify(command: Command, now: int) -> Outcome:
    faults: list[str] = []
    args = Table(command.args, "", faults)
    seconds = args.whole("seconds", _IDENTIFY_S, 1, 600)
    args.end()
    if faults:
        return _refuse(command, "; ".join(faults))
    return Outcome(reply=_done(command, f"the light shows it for {seconds} s"), identify_until=now + seconds * 1000)


def _configure(command: Command, settings: Settings) -> Outcome:
    tunable, faults = read_tunable(command.args, settings)
    if faults or not command.args:
        return _refuse(command, "; ".join(faults) or "nothing to configure: args is empty")
    effects = (Keep("tunable", tunable_to_json(tunable)), Retune(tunable))
    changed = ", ".join(sorted(command.args))
    return Outcome(reply=_done(command, f"changed: {changed}"), effects=effects, tunable=tunable)


def _done(command: Command, words: str) -> Reply:
    return Reply(command_id=command.id, ok=True, detail=words)


def _refuse(command: Command, words: str) -> Outcome:
    return Outcome(reply=Reply(command_id=command.id, ok=False, detail=words[:900]))
