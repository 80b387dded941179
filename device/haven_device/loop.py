"""The loop that owns all state: one queue in, the panel's effects out."""

import logging
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Protocol

from haven_contract.instants import write_instant
from haven_contract.messages import Heartbeat, State
from haven_device import commands, panel, panel_state, troubles, vitals
from haven_device.clock import Clock
from haven_device.connection_number import ConnectionNumber
from haven_device.event_maker import EventMaker, facts
from haven_device.events import (
    Answer,
    DeviceFault,
    Edge,
    Effect,
    EventGivenUp,
    EventMade,
    Input,
    Keep,
    LinkDown,
    LinkUp,
    MessageCame,
    Note,
    PanelInput,
    Published,
    ReceiptCame,
    Report,
    Restart,
    Retune,
    Stored,
    StoreLoaded,
    StoreReplaced,
    StoreState,
    TellState,
    Tick,
)
from haven_device.inbox import Inbox
from haven_device.indicator import Indicator
from haven_device.memory import Memory
from haven_device.outbox import Outbox, StoredEvent
from haven_device.pins import Light
from haven_device.sender import Sender, Wire
from haven_device.settings import Settings
from haven_device.trace import Trace
from haven_device.watchdog import Systemd
from haven_device.writer import Writer

_log = logging.getLogger(__name__)

POLL_MS = 100
"""Contacts are read so often, because edges may be lost."""

AT_ONCE = 200
"""Inputs handled before the rest gets its turn."""

_KEEP_TIME_MS = 3_600_000
_RESTART_AFTER_MS = 1000
"""Time for the reply to a restart to leave."""

_ARMING = "disarmed"
"""Arming comes with a later version; a hold-up needs none."""


class Contacts(Light, Protocol):
    """Pins, as pins.Pins has them."""

    def levels(self) -> dict[str, bool]:
        """Source of each contact -> active now."""
        ...


class Box:
    """One box. `run` returns when `stop` was called, or a server wants a restart (then `restart_wanted` is true)."""

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Clock,
        inbox: Inbox,
        pins: Contacts,
        writer: Writer,
        wire: Wire,
        trace: Trace,
        systemd: Systemd,
        firmware: str,
        parts: Mapping[str, Callable[[], bool]] = MappingProxyType({}),
    ) -> None:
        """`parts` say whether they work; systemd's watchdog is fed only while all of them do."""
        events, kept = writer.load()
        self._memory = Memory(kept, writer)
        tunable, faults = commands.read_tunable(kept.get("tunable", {}), settings)
        for fault in faults:
            _log.warning("settings of a server are not used any more: %s", fault)
        self._settings = settings if faults else settings.with_tunable(tunable)
        self._clock = clock
        self._inbox = inbox
        self._pins = pins
        self._writer = writer
        self._trace = trace
        self._systemd = systemd
        self._firmware = firmware
        self._parts = parts
        now = clock.mono_ms()
        self._state = panel_state.start(self._settings, kept, now, memory_lost=writer.memory_lost)
        if writer.memory_lost:
            self._memory.keep("doubtful", troubles.to_json(self._state.doubtful))
            self._memory.write()
        self._outbox = Outbox(settings.link, settings.outbox_limit, events)
        self._events = EventMaker(clock, max([event.seq for event in events] + [self._memory.whole("seq")]))
        numbers = ConnectionNumber(settings.data_dir, lambda: clock.utc() if clock.synced() else None)
        self._sender = Sender(
            self._settings,
            outbox=self._outbox,
            wire=wire,
            clock=clock,
            trace=trace,
            numbers=numbers,
            make_state=self._make_state,
        )
        self._sender.floor = self._memory.instant("utc") or self._sender.floor
        self._indicator = Indicator(
            pins, lambda shown: trace.tell("led", pattern=shown.pattern.value, dimmed=shown.dimmed)
        )
        self._poll_at = self._time_kept_at = self._light_at = now
        self._restart_at: int | None = None
        self._stopping = False

    @property
    def restart_wanted(self) -> bool:
        """A server asked for a restart."""
        return self._restart_at is not None

    def stop(self) -> None:
        """End the loop soon. May be called from a signal handler or any thread."""
        self._stopping = True

    def run(self) -> None:
        """Until `stop` or a restart."""
        self._systemd.ready()
        try:
            while not self._stopping:
                self.round(self._wait_s(self._clock.mono_ms()))
        finally:
            self._systemd.stopping()
            self._indicator.out()

    def round(self, wait_s: float) -> None:
        """Take what has come, waiting so long for the first, and do what is to be done now."""
        for what in self._inbox.take(wait_s, AT_ONCE):
            self._handle(what)
        self._work()
        self._memory.write()

    def _wait_s(self, now: int) -> float:
        look = panel.wants_look(self._state)
        until = min(self._poll_at, self._light_at, look if look is not None else self._poll_at)
        return min(POLL_MS, max(0, until - now)) / 1000

    def _work(self) -> None:
        now = self._clock.mono_ms()
        if now >= self._poll_at:
            self._poll_at = now + POLL_MS
            for source, active in self._pins.levels().items():
                if active != self._state.contacts[source].raw:
                    self._step(Edge(source, active, now))
        self._step(Tick())
        if len(self._outbox) * 2 < self._settings.outbox_limit:
            self._step(DeviceFault(troubles.OUTBOX_FULL, present=False))
        self._sender.work(now, self._settings.tunable.reporting_s)
        if self._sender.heartbeat_due(now):
            self._sender.send_heartbeat(now, self._settings.tunable.heartbeat_s, self._heartbeat)
        self._light()
        if now >= self._time_kept_at and self._clock.synced():
            self._time_kept_at = now + _KEEP_TIME_MS
            self._sender.floor = self._clock.utc()
            self._memory.keep("utc", write_instant(self._sender.floor))
        if self._restart_at is not None and now >= self._restart_at:
            self._stopping = True
        self._systemd.feed(self._parts)

    def _handle(self, what: Input) -> None:
        now = self._clock.mono_ms()
        match what:
            case LinkUp() | LinkDown() | Published() | MessageCame():
                for news in self._sender.hear(what, now):
                    if isinstance(news, ReceiptCame):
                        self._writer.remove(news.event_id)
                    self._step(news)
            case Stored(events):
                for stored in events:
                    self._trace.tell("accepted", **facts(stored))
            case StoreState(works, why):
                self._store_works(works, why)
            case StoreLoaded(events):
                for stored in events:
                    self._events.seen(stored.seq)
                    self._displaced(self._outbox.add(stored, fresh=False))
            case StoreReplaced(why):
                self._store_again(why)
            case _:
                self._step(what)
        # At once, so that no stage is passed over where several come together.
        self._light()

    def _step(self, what: PanelInput) -> None:
        self._state, effects = panel.step(self._state, what, self._clock.mono_ms())
        for effect in effects:
            self._do(effect)

    def _do(self, effect: Effect) -> None:
        now = self._clock.mono_ms()
        match effect:
            case Report():
                self._report(effect, now)
            case Answer(reply):
                self._sender.reply(reply)
            case TellState():
                self._sender.tell_state(now)
            case Keep(key, value):
                self._memory.keep(key, value)
            case Retune(tunable):
                self._settings = self._settings.with_tunable(tunable)
            case Note(text):
                _log.warning("%s", text)
            case Restart():
                self._restart_at = now + _RESTART_AFTER_MS

    def _report(self, report: Report, now: int) -> None:
        """Make the event, once and for all; light, disk and network follow in this order, none waiting for another."""
        stored = self._events.make(report, now)
        self._step(EventMade(stored.event_id, stored.kind, stored.source))
        self._light()
        self._memory.keep("seq", stored.seq)
        # In one transaction with what is known of it: half of it would never be reported, or never restored.
        self._writer.add(stored, self._memory.take_unwritten())
        given_up = self._outbox.add(stored)
        self._trace.tell("pressed" if stored.is_alarm else "reported", **facts(stored))
        self._sender.work(now, self._settings.tunable.reporting_s)
        self._displaced(given_up)

    def _displaced(self, given_up: Sequence[StoredEvent]) -> None:
        """The full outbox had to let these go."""
        for gone in given_up:
            _log.error("the outbox is full: %s of %s (seq %d) is given up", gone.kind, gone.source, gone.seq)
            self._writer.remove(gone.event_id)
            self._step(EventGivenUp(gone.event_id))
        if given_up:
            why = f"{self._outbox.given_up} events given up so far"
            self._step(DeviceFault(troubles.OUTBOX_FULL, present=True, why=why))

    def _store_works(self, works: bool, why: str) -> None:
        log = _log.info if works else _log.error
        log("the outbox %s", "is written to disk" if works else f"cannot be written, kept in memory: {why}")
        self._step(DeviceFault(troubles.STORE, present=not works, why=why))
        if works:
            self._step(DeviceFault(troubles.STORE_REPLACED, present=False))

    def _store_again(self, why: str) -> None:
        _log.error("%s", why)
        for event in self._outbox.events():
            self._writer.add(event, {})
        self._memory.write_again()
        self._step(DeviceFault(troubles.STORE_REPLACED, present=True, why=why))

    def _light(self) -> None:
        now = self._clock.mono_ms()
        self._light_at = self._indicator.show(panel.shown(self._state, now), now)

    def _make_state(self, connection: int, now: int) -> State:
        return State(
            online=True,
            boot_id=self._clock.boot_id,
            connection=connection,
            mono_ms=now,
            firmware=self._firmware,
            arming=_ARMING,
            inputs=panel.inputs(self._state),
        )

    def _heartbeat(self, seq: int) -> Heartbeat:
        now = self._clock.mono_ms()
        return Heartbeat(
            boot_id=self._clock.boot_id,
            mono_ms=now,
            seq=seq,
            clock_synced=self._clock.synced(),
            outbox=len(self._outbox),
            cpu_c=vitals.cpu_celsius(),
            throttled=vitals.throttled(),
            disk_free_mb=vitals.disk_free_mb(self._settings.data_dir),
            pendants=panel.vitals(self._state, now),
        )
