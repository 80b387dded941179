"""Everything between the box and its brokers, as the loop does it: connect, say `state` first, send, hear."""

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol

from haven_contract.errors import ContractError
from haven_contract.messages import EVENT_EXPIRY_S, Alive, Command, Heartbeat, Receipt, Reply, Sent, State
from haven_contract.topics import Down, Up, parse_down
from haven_contract.wire import Fields, read_object
from haven_device.clock import EARLIEST, Clock
from haven_device.connection_number import ConnectionNumber
from haven_device.events import (
    AliveCame,
    CommandCame,
    LinkDown,
    LinkUp,
    MessageCame,
    PanelInput,
    Published,
    ReceiptCame,
)
from haven_device.link_plan import LinkPlan
from haven_device.outbox import Outbox
from haven_device.replies import Replies
from haven_device.settings import Address, Settings
from haven_device.trace import Trace

_log = logging.getLogger(__name__)

NOBODY_SUBSCRIBED = 16
"""PUBACK reason of a message that the broker gave to nobody."""

ERROR_REASON = 128
_STATE_PAUSE_MS = 1000
"""Changes of state within this time go as one."""

_STATE_AGAIN_MS = 5000
NUMBERS = 500
"""Sendings whose acknowledgement is awaited; that of an older one is of no use any more."""

ALIVE_PATIENCE_CAP = 20
"""Brokers behind which no server answers are changed ever more seldom, up to this many reporting times."""


class Wire(Protocol):
    """The connection, as uplink.Uplink has it."""

    def connect(self, address: Address, will: State, *, check_time: bool, floor: datetime) -> int:
        """Begin an attempt; gives its generation."""
        ...

    def publish(
        self, what: Up, payload: bytes, *, qos: int, expiry_s: int | None = None, sent: Sent | None = None
    ) -> int | None:
        """Hand a message over; gives its number, None if it was not taken."""
        ...

    def hang_up(self, *, will: bool = False) -> object:
        """Leave the connection."""
        ...

    def is_dead(self) -> bool:
        """Up by its own word, but nothing serves it."""
        ...


class Sender:
    """Owns the link's plan and the sending side of the outbox. Times are monotonic ms."""

    def __init__(
        self,
        settings: Settings,
        *,
        outbox: Outbox,
        wire: Wire,
        clock: Clock,
        trace: Trace,
        numbers: ConnectionNumber,
        make_state: Callable[[int, int], State],
    ) -> None:
        """`make_state(connection, now)` gives the state to publish."""
        self._settings = settings
        self._outbox = outbox
        self._wire = wire
        self._clock = clock
        self._trace = trace
        self._numbers = numbers
        self._make_state = make_state
        now = clock.mono_ms()
        self._plan = LinkPlan(settings.link, now)
        self._generation = 0
        self._connection = 0
        self._events_by_number: dict[int, str] = {}
        self._replies = Replies()
        self._state_number: int | None = None
        self._state_at: int | None = None
        self._state_sent = now
        self._heartbeat_at = now
        self._heartbeat_seq = 0
        self._last_answer = now
        self._alive_patience = 1
        self._server_ahead: timedelta | None = None
        self.floor = EARLIEST
        """A time that has surely passed."""

    @property
    def is_up(self) -> bool:
        """Connected, as far as is known."""
        return self._plan.up_since is not None

    def work(self, now: int, reporting_s: int) -> None:
        """Whatever is to be done about the connection now."""
        plan = self._plan
        if self._wire.is_dead():
            _log.error("the network thread has ended by itself: a new connection is made")
            self._lost("the network thread has ended", now)
        elif plan.is_late(now):
            self._lost("the broker does not answer", now)
        elif self.is_up and self._outbox.wants_other_broker(now, self._last_answer):
            self._outbox.broker_changed(now)
            self._change_broker("no receipt", now)
        elif self.is_up and now - self._last_answer > 1000 * reporting_s * self._alive_patience:
            self._alive_patience = min(ALIVE_PATIENCE_CAP, self._alive_patience * 2)
            self._change_broker("no server answers", now)
        if plan.wants_connect(now, alarm=self._outbox.has_alarm):
            self._connect(now)
        if self.is_up:
            if self._state_at is not None and now >= self._state_at:
                self._send_state(now)
            self._send_events(now)
            for pending in self._replies.due(now):
                pending.number = self._publish(Up.REPLY, pending.reply.encode())

    def heartbeat_due(self, now: int) -> bool:
        """It is time for a heartbeat."""
        return self.is_up and now >= self._heartbeat_at

    def send_heartbeat(self, now: int, every_s: int, vitals: Callable[[int], Heartbeat]) -> None:
        """Send `vitals(seq)`, at most once."""
        self._heartbeat_seq += 1
        self._heartbeat_at = now + every_s * 1000
        self._wire.publish(Up.HEARTBEAT, vitals(self._heartbeat_seq).encode(), qos=0)

    def tell_state(self, now: int) -> None:
        """An input has changed."""
        if self._state_at is None:
            self._state_at = max(now, self._state_sent + _STATE_PAUSE_MS)

    def reply(self, reply: Reply) -> None:
        """Sent now or when the link is up, and again until the broker says that somebody got it."""
        self._replies.add(reply)

    def hear(self, what: LinkUp | LinkDown | Published | MessageCame, now: int) -> list[PanelInput]:
        """Something came from the connection; gives what the panel must know. News of older connections are none."""
        if what.generation != self._generation:
            return []
        match what:
            case LinkUp():
                self._up(now)
            case LinkDown(_, why):
                self._lost(why, now)
            case Published(_, number, reason):
                self._published(number, reason, now)
            case MessageCame(_, topic, payload):
                try:
                    return self._message(parse_down(topic, self._settings.device_id), payload, now)
                except ContractError as error:
                    _log.warning("not understood on %s: %s", topic[:200], error)
        return []

    def utc_now(self, now: int) -> datetime | None:
        """Best known time: the server's, else our own if it is set; None if nothing is known."""
        if self._server_ahead is not None:
            return EARLIEST + timedelta(milliseconds=now) + self._server_ahead
        return self._clock.utc() if self._clock.synced() else None

    def _connect(self, now: int) -> None:
        check_time = self._clock.synced()
        if not check_time:
            _log.warning("the clock is not set yet: dates of the broker's certificate are not checked")
        self._connection = self._numbers.next()
        will = State(online=False, boot_id=self._clock.boot_id, connection=self._connection)
        self._plan.connecting(now)
        self._trace.tell("connecting", broker=str(self._plan.broker), connection=self._connection)
        self._generation = self._wire.connect(self._plan.broker, will, check_time=check_time, floor=self.floor)

    def _up(self, now: int) -> None:
        self._plan.up(now)
        self._last_answer = now
        self._events_by_number.clear()
        self._outbox.link_up()
        self._replies.link_up()
        self._trace.tell("connected", broker=str(self._plan.broker), connection=self._connection)
        self._send_state(now)

    def _lost(self, why: str, now: int) -> None:
        self._trace.tell("disconnected", broker=str(self._plan.broker), connection=self._connection, why=why)
        self._wire.hang_up()
        self._plan.down(now)

    def _change_broker(self, why: str, now: int) -> None:
        """Connected, but nothing comes back over this broker: take the next, if there is one."""
        before = self._plan.broker
        if self._plan.change_broker(now):
            self._trace.tell("disconnected", broker=str(before), connection=self._connection, why=why)
            self._wire.hang_up()

    def _send_state(self, now: int) -> None:
        state = self._make_state(self._connection, now)
        self._state_number = self._publish(Up.STATE, state.encode(), expiry_s=EVENT_EXPIRY_S)
        self._state_sent, self._state_at = now, None if self._state_number is not None else now + _STATE_PAUSE_MS

    def _send_events(self, now: int) -> None:
        for event in self._outbox.due(now):
            sent = Sent(self._clock.boot_id, self._clock.mono_ms())
            number = self._publish(Up.EVENT, event.payload, expiry_s=EVENT_EXPIRY_S, sent=sent)
            if number is None:
                return
            if len(self._events_by_number) >= NUMBERS:
                del self._events_by_number[next(iter(self._events_by_number))]
            self._events_by_number[number] = event.event_id
            attempt = self._outbox.sent(event.event_id, now)
            self._trace.tell("sent", event_id=event.event_id, attempt=attempt, broker=str(self._plan.broker))

    def _published(self, number: int, reason: int, now: int) -> None:
        refused = reason == NOBODY_SUBSCRIBED or reason >= ERROR_REASON
        event_id = self._events_by_number.pop(number, None)
        if event_id is not None:
            self._trace.tell("puback", event_id=event_id, reason=reason)
            if refused:
                self._outbox.refused(event_id, now)
        elif number == self._state_number:
            if refused:
                self._state_at = now + _STATE_AGAIN_MS
        else:
            self._replies.acknowledged(number, now, success=not refused)

    def _message(self, what: Down, payload: bytes, now: int) -> list[PanelInput]:
        match what:
            case Down.RECEIPT:
                receipt = Receipt.decode(payload)
                self._last_answer = now
                event_id, first = self._outbox.receipt(receipt.event_id)
                self._trace.tell(
                    "receipt",
                    event_id=event_id,
                    stage=receipt.stage,
                    rev=receipt.rev,
                    first=first,
                    reason=receipt.reason,
                )
                return [ReceiptCame(event_id, receipt.rev, receipt.stage)]
            case Down.ALIVE:
                alive = Alive.decode(payload)
                self._last_answer, self._alive_patience = now, 1
                self._server_ahead = alive.at.astimezone(UTC) - EARLIEST - timedelta(milliseconds=now)
                self._trace.tell("alive", seq=alive.seq)
                return [AliveCame()]
            case Down.COMMAND:
                try:
                    return [CommandCame(Command.decode(payload), self.utc_now(now))]
                except ContractError as error:
                    # Whoever asked should hear that, if the command can be named at all.
                    command_id = Fields(read_object(payload)).name("id")
                    self.reply(Reply(command_id=command_id, ok=False, detail=f"not understood: {error}"[:900]))
                    raise

    def _publish(
        self, what: Up, payload: bytes, *, expiry_s: int | None = None, sent: Sent | None = None
    ) -> int | None:
        return self._wire.publish(what, payload, qos=1, expiry_s=expiry_s, sent=sent)
