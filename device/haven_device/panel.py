"""The core of the box, pure: `step(state, input, now) -> state, effects`. Every time is monotonic milliseconds.

It decides what is a press, what is a trouble and when it is over, and what a command does. It makes no event ids, opens
no file and knows no clock.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from haven_contract.messages import PendantVitals
from haven_contract.words import InputState, Kind
from haven_device import commands, contacts, pendants, progress, troubles
from haven_device.contacts import Contact, Happening
from haven_device.events import (
    AliveCame,
    Answer,
    CommandCame,
    DeviceFault,
    Edge,
    Effect,
    EventGivenUp,
    EventMade,
    Keep,
    Note,
    PanelInput,
    RadioHeard,
    ReceiptCame,
    ReceiverChanged,
    Report,
    TellState,
    Tick,
)
from haven_device.panel_state import State
from haven_device.patterns import Pattern
from haven_device.progress import Alarms
from haven_device.radio.frames import Frame, PendantFrame
from haven_device.settings import ContactSettings
from haven_device.troubles import RECEIVER_LOST, Trouble


@dataclass(frozen=True, slots=True)
class Shown:
    """What the light shows."""

    pattern: Pattern
    dimmed: bool = False


Result = tuple[State, list[Effect]]


def step(state: State, happened: PanelInput, now: int) -> Result:  # noqa: C901, PLR0911 - one line per input
    """What follows from one input."""
    match happened:
        case Tick():
            return _tick(state, now)
        case Edge(source, active, at):
            settings = _contact_settings(state, source)
            contact, happenings = contacts.change(state.contacts[source], settings, active=active, at=at)
            return _contact_did(state, settings, contact, happenings)
        case RadioHeard(frame, at):
            return _heard(state, frame, at)
        case ReceiverChanged(up, why):
            return _receiver_changed(state, up, why, now)
        case EventMade(event_id, kind, source):
            if not progress.is_press(kind, source):
                return state, []
            return _keep_alarms(state, progress.pressed(state.alarms, event_id, now))
        case EventGivenUp(event_id):
            return _keep_alarms(state, tuple(alarm for alarm in state.alarms if alarm.event_id != event_id))
        case ReceiptCame(event_id, rev, stage):
            return _keep_alarms(state, progress.receipted(state.alarms, event_id, rev, stage, now))
        case AliveCame():
            return replace(state, alive_at=now), []
        case CommandCame():
            return _command(state, happened, now)
        case DeviceFault(fault, present, why, source):
            trouble = Trouble(source, Kind.DEVICE_FAULT, fault)
            return _trouble(state, trouble, now, present=present, detail={"why": why} if why else {})


def shown(state: State, now: int) -> Shown:
    """What the light says. A press comes first; and dark, for "not protected", before any smaller trouble."""
    alarm = progress.shown(state.alarms)
    if alarm is not None:
        dimmed = now - alarm.since > state.settings.tunable.dim_after_s * 1000
        return Shown(Pattern(alarm.stage) if alarm.stage else Pattern.SENDING, dimmed)
    if now < state.identify_until:
        return Shown(Pattern.IDENTIFY)
    if not is_protected(state, now):
        return Shown(Pattern.DARK)
    kinds = {trouble.kind for trouble in state.troubles}
    if kinds & {Kind.DEVICE_FAULT, Kind.RECEIVER_LOST, Kind.TAMPER}:
        return Shown(Pattern.FAULT)
    return Shown(Pattern.BATTERY_LOW if Kind.BATTERY_LOW in kinds else Pattern.PROTECTED)


def is_protected(state: State, now: int) -> bool:
    """An `alive` has come within the reporting time."""
    return state.alive_at is not None and now - state.alive_at <= state.settings.tunable.reporting_s * 1000


def inputs(state: State) -> dict[str, str]:
    """Source of each input -> its condition, for the state message."""
    found: dict[str, str] = {}
    troubled = {(trouble.source, trouble.kind) for trouble in state.troubles}
    for source, contact in state.contacts.items():
        faulty = (source, Kind.DEVICE_FAULT) in troubled
        found[source] = InputState.FAULT if faulty else InputState.ACTIVE if contact.closed else InputState.OK
    lost = any(trouble.kind == Kind.RECEIVER_LOST for trouble in state.troubles)
    for pendant in state.settings.pendants:
        low = (pendant.source, Kind.BATTERY_LOW) in troubled
        found[pendant.source] = InputState.FAULT if lost else InputState.BATTERY_LOW if low else InputState.OK
    return found


def vitals(state: State, now: int) -> dict[str, PendantVitals]:
    """Signs of life of the configured pendants, for the heartbeat."""
    return {name: pendants.vitals(pendant, now) for name, pendant in state.pendants.items()}


def wants_look(state: State) -> int | None:
    """When a `Tick` is wanted in a hurry, monotonic ms; None if the ordinary poll will do."""
    looks = [contacts.wants_look(state.contacts[c.source], c) for c in state.settings.contacts]
    return min((look for look in looks if look is not None), default=None)


def _tick(state: State, now: int) -> Result:
    effects: list[Effect] = []
    for settings in state.settings.contacts:
        contact, happenings = contacts.tick(state.contacts[settings.source], settings, now)
        if contact is not state.contacts[settings.source]:
            state, more = _contact_did(state, settings, contact, happenings)
            effects += more
    down = state.receiver_down_since
    receiver = state.settings.receiver
    if receiver and down is not None and now - down >= receiver.lost_after_s * 1000:
        state, more = _trouble(state, RECEIVER_LOST, now, present=True)
        effects += more
    alarms = progress.settled(state.alarms, now)
    if alarms is not state.alarms:
        state, more = _keep_alarms(state, alarms)
        effects += more
    for trouble in _over_unnoticed(state):
        state, more = _trouble(state, trouble, now, present=False)
        effects += more
    return replace(state, gone=frozenset()) if state.gone else state, effects


def _over_unnoticed(state: State) -> list[Trouble]:
    """Troubles that are over though nothing happens to say so: it happened before this process, or to its memory."""
    found = sorted(state.gone)
    for settings in state.settings.contacts if state.doubtful else ():
        contact, trouble = state.contacts[settings.source], troubles.of_contact(settings)
        at_rest = not contact.raw and not contact.closed and troubles.of_pin(settings.source) not in state.troubles
        if at_rest and trouble in state.doubtful:
            found.append(trouble)
    return found


def _contact_did(
    state: State, settings: ContactSettings, contact: Contact, happenings: Iterable[tuple[Happening, int]]
) -> Result:
    state = replace(state, contacts={**state.contacts, settings.source: contact})
    effects: list[Effect] = []
    for happening, at in happenings:
        if happening is Happening.PRESSED:
            effects.append(Report(settings.kind, settings.source, at))
        begins = happening is (Happening.STUCK if settings.is_button else Happening.CLOSED)
        if begins or happening is Happening.OPENED:
            state, more = _trouble(state, troubles.of_contact(settings), at, present=begins)
            effects += more
        if happening in {Happening.CLOSED, Happening.OPENED}:
            effects.append(TellState())
    return state, effects


def _heard(state: State, frame: Frame, at: int) -> Result:
    if not isinstance(frame, PendantFrame):
        return state, []
    settings = next((known for known in state.settings.pendants if known.id == frame.pendant), None)
    if settings is None:
        return _heard_unknown(state, frame)
    pendant, pressed = pendants.hear(state.pendants[settings.id], frame, at)
    effects: list[Effect] = []
    if pressed:
        detail = {"label": settings.label} if settings.label else {}
        effects.append(Report(settings.kind, settings.source, at, detail=detail))
    state = replace(state, pendants={**state.pendants, settings.id: pendant})
    for kind, present in ((Kind.BATTERY_LOW, frame.battery_low), (Kind.TAMPER, frame.tamper)):
        if present is not None:
            state, more = _trouble(state, Trouble(settings.source, kind), at, present=present)
            effects += more
    return state, effects


def _heard_unknown(state: State, frame: PendantFrame) -> Result:
    state = replace(state, unknown=pendants.count_unknown(state.unknown, frame.pendant))
    count = state.unknown.get(frame.pendant, 0)
    if count & (count - 1):
        # Told at the first, the second, the fourth ... hearing: a neighbour's bell must not wear the card out.
        return state, []
    return state, [
        Note(f"pendant {frame.pendant} is not in the configuration: its presses raise no alarm (heard {count} times)"),
        Keep("unknown", dict(state.unknown)),
    ]


def _receiver_changed(state: State, up: bool, why: str, now: int) -> Result:
    if up:
        state = replace(state, receiver_down_since=None)
        return _trouble(state, RECEIVER_LOST, now, present=False)
    if state.receiver_down_since is None:
        state = replace(state, receiver_down_since=now)
    return state, [Note(f"radio receiver: {why}")]


def _trouble(
    state: State, trouble: Trouble, at: int, *, present: bool, detail: Mapping[str, Any] | None = None
) -> Result:
    known, doubtful = trouble in state.troubles, trouble in state.doubtful
    if known if present else not (known or doubtful):
        return state, []
    state = replace(
        state,
        troubles=state.troubles | {trouble} if present else state.troubles - {trouble},
        doubtful=state.doubtful - {trouble},
    )
    effects: list[Effect] = [Keep("troubles", troubles.to_json(state.troubles))]
    if doubtful:
        effects.append(Keep("doubtful", troubles.to_json(state.doubtful)))
    if present or trouble.has_restoral:
        described = {"fault": trouble.fault} if trouble.fault else {}
        detail = {**described, **(detail or {})}
        effects.append(Report(trouble.kind, trouble.source, at, restored=not present, detail=detail))
    return state, [*effects, TellState()]


def _keep_alarms(state: State, alarms: Alarms) -> Result:
    if alarms == state.alarms:
        return state, []
    return replace(state, alarms=alarms), [Keep("alarms", progress.to_json(alarms))]


def _command(state: State, came: CommandCame, now: int) -> Result:
    known = next((reply for reply in state.answers if reply.command_id == came.command.id), None)
    if known is not None:
        return state, [Answer(known)]
    outcome = commands.carry_out(came.command, came.utc_now, state.settings, now)
    answers = (*state.answers, outcome.reply)[-commands.REMEMBERED :]
    state = replace(
        state,
        answers=answers,
        settings=state.settings.with_tunable(outcome.tunable) if outcome.tunable else state.settings,
        identify_until=outcome.identify_until or state.identify_until,
    )
    return state, [Keep("answers", commands.answers_to_json(answers)), Answer(outcome.reply), *outcome.effects]


def _contact_settings(state: State, source: str) -> ContactSettings:
    return next(contact for contact in state.settings.contacts if contact.source == source)
