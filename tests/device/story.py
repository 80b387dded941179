"""A store to tell stories of the core with, and a clock that the story moves."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

from haven_contract.messages import Command, Reply
from haven_contract.words import Action, Kind
from haven_device import panel, panel_state, troubles
from haven_device.events import (
    Answer,
    CommandCame,
    Edge,
    Effect,
    EventMade,
    Keep,
    PanelInput,
    RadioHeard,
    ReceiverChanged,
    Report,
    Tick,
)
from haven_device.patterns import Pattern
from haven_device.radio.frames import PendantFrame
from haven_device.settings import (
    ContactSettings,
    LinkSettings,
    PendantSettings,
    ReceiverSettings,
    Settings,
)

LINK = LinkSettings(brokers=(), ca=Path(), certificate=Path(), key=Path())
SETTINGS = Settings(
    device_id="store-0001",
    data_dir=Path(),
    link=LINK,
    contacts=(
        ContactSettings(source="button:counter", pin=17, kind=Kind.HOLDUP),
        ContactSettings(source="sensor:lid", pin=27, kind=Kind.TAMPER),
    ),
    pendants=(PendantSettings(id="0a1b2c", kind=Kind.HOLDUP, label="apron"),),
    receiver=ReceiverSettings(driver="rflink", port="/dev/null"),
)
NOW = datetime(2026, 11, 21, 3, 4, 5, tzinfo=UTC)


def heard(at: int = 0, **facts: Any) -> RadioHeard:
    """A telegram of the store's pendant, or of another."""
    return RadioHeard(PendantFrame(**{"raw": "", "pendant": "0a1b2c", **facts}), at)


class Store:
    """A store's box: its core, its clock, and everything that it did."""

    def __init__(
        self,
        settings: Settings = SETTINGS,
        kept: Mapping[str, Any] | None = None,
        now: int = 5000,
        *,
        receiver_answers: bool = True,
        memory_lost: bool = False,
    ) -> None:
        self.now = now
        self.state = panel_state.start(settings, kept or {}, now, memory_lost=memory_lost)
        self.kept: dict[str, Any] = dict(kept or {})
        if memory_lost:
            self.kept["doubtful"] = troubles.to_json(self.state.doubtful)
        self.effects: list[Effect] = []
        self.made = 0
        if receiver_answers:
            self.gets(ReceiverChanged(up=True))

    def gets(self, *inputs: PanelInput) -> Self:
        """Each input now; reports get ids, as in the loop."""
        for one in inputs:
            self.state, effects = panel.step(self.state, one, self.now)
            for effect in effects:
                self.effects.append(effect)
                if isinstance(effect, Keep):
                    self.kept[effect.key] = effect.value
                if isinstance(effect, Report):
                    self.made += 1
                    self.gets(EventMade(f"event-{self.made}", effect.kind, effect.source))
        return self

    def forward(self, seconds: float) -> Self:
        """Time passes, with the loop's polls."""
        for _ in range(round(seconds * 10)):
            self.now += 100
            self.gets(Tick())
        return self

    def contact(self, source: str, *, active: bool) -> Self:
        return self.gets(Edge(source, active, self.now)).forward(0.1)

    def press(self) -> Self:
        return self.contact("button:counter", active=True).contact("button:counter", active=False)

    def pendant(self, **facts: Any) -> Self:
        return self.gets(heard(self.now, **{"pressed": True, **facts}))

    def restarts(self, settings: Settings = SETTINGS, *, receiver_answers: bool = True) -> "Store":
        return Store(settings, self.kept, now=500, receiver_answers=receiver_answers)

    def reports(self, kind: str | None = None) -> list[Report]:
        return [one for one in self.effects if isinstance(one, Report) and kind in {None, one.kind}]

    def light(self) -> Pattern:
        return panel.shown(self.state, self.now).pattern

    def answers(self) -> list[Reply]:
        return [one.reply for one in self.effects if isinstance(one, Answer)]

    def commanded(self, action: Action, *, name: str = "c1", life_s: float = 60, **args: Any) -> Self:
        command = Command(id=name, action=action, args=args, expires_at=NOW + timedelta(seconds=life_s))
        return self.gets(CommandCame(command, NOW))
