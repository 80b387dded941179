"""The alarms' own lane: commits whatever waits, then acknowledges, answers the box and hands over to the police."""

import queue
import threading
from collections.abc import Callable

import structlog
from sqlalchemy.orm import Session

from haven_server.background import Background
from haven_server.core import Core
from haven_server.db.faults import is_database_fault
from haven_server.incidents.receipts import current_receipts
from haven_server.incidents.response import RESPONSES, UNKNOWN_KIND
from haven_server.ingest.batches import take_batch
from haven_server.ingest.connection import Delivered
from haven_server.ingest.inbound import Inbound
from haven_server.ingest.recording import EventRecorder, Recorded
from haven_server.metrics import EVENTS, INBOX_WAITING, PRESS_TO_COMMIT, REPEATED

log = structlog.get_logger()

MAX_BATCH = 256
FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 5.0


class AlarmLane(Background):
    """A context manager with one thread. Nothing is acknowledged before it is committed."""

    def __init__(
        self,
        core: Core,
        inbox: "queue.Queue[Delivered]",
        came_up: threading.Event,
        deliver: Callable[[list[int]], None],
        recorder: EventRecorder | None = None,
    ) -> None:
        super().__init__("alarm lane")
        self._core = core
        self._inbox = inbox
        self._came_up = came_up
        self._deliver = deliver
        self._recorder = recorder or EventRecorder(core.vault, core.server)
        self.stuck = False
        """The database refuses alarms at present; they are kept and tried again."""

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                batch = take_batch(self._inbox, MAX_BATCH)
                INBOX_WAITING.labels("alarms").set(self._inbox.qsize())
                if batch:
                    self._process(batch)
                elif self._came_up.is_set():
                    self._repeat_receipts()
            except Exception:
                log.exception("the alarm lane failed; the broker will deliver again what was not acknowledged")

    def _repeat_receipts(self) -> None:
        """Send the present receipt of every open incident: they may have been lost while a broker was away."""
        self._came_up.clear()
        try:
            with self._core.database.read_urgently() as session:
                receipts = current_receipts(session, None, self._core.clock.now())
        except Exception as error:
            self._came_up.set()
            if not is_database_fault(error):
                raise
            log.warning("receipts cannot be repeated yet", reason=str(error)[:200])
            self._stopping.wait(FIRST_PAUSE_S)
            return
        for device_id, receipt in receipts:
            self._core.outbound.send_receipt(device_id, receipt)

    def _process(self, batch: list[Delivered]) -> None:
        inbound = [delivered.inbound for delivered in batch]
        try:
            recorded = self._core.database.writer.run(lambda session: self._recorder.record_all(session, inbound))
        except Exception as error:  # noqa: BLE001 - a poisonous one is found by trying each alone
            log.warning("a batch of events failed; each is tried alone", count=len(batch), reason=str(error)[:200])
            self._process_one_by_one(batch)
        else:
            for delivered, result in zip(batch, recorded, strict=True):
                self._after_commit(delivered, result)

    def _process_one_by_one(self, batch: list[Delivered]) -> None:
        """Record each as it is; those that fail while the database works last, and as what cannot be read."""
        odd = [delivered for delivered in batch if not self._store(delivered, self._recorder.record)]
        for delivered in odd:
            stored = self._store(delivered, self._recorder.record) or self._store(
                delivered, self._recorder.record_unprocessable
            )
            if not stored and not self._stopping.is_set():
                log.error("an event could not be recorded; the box sends it again", topic=delivered.inbound.topic)
                # Without a receipt the box keeps it. Held back, its copies would in time fill the broker's window
                # of unacknowledged messages, and no other alarm would come through.
                delivered.acknowledge()

    def _store(self, delivered: Delivered, record: Callable[[Session, Inbound], Recorded]) -> bool:
        """Try for as long as the database is at fault, and once otherwise; False if it was not stored."""
        pause = FIRST_PAUSE_S
        while not self._stopping.is_set():
            try:
                result = self._core.database.writer.run(lambda session: record(session, delivered.inbound))
            except Exception as error:  # noqa: BLE001 - its own fault or the database's, which the next line tells
                self.stuck = is_database_fault(error)
                log.warning("an alarm is not stored yet", database_away=self.stuck, reason=str(error)[:200])
                if not self.stuck:
                    return False
            else:
                self.stuck = False
                self._after_commit(delivered, result)
                return True
            self._stopping.wait(pause)
            pause = min(LONGEST_PAUSE_S, pause * 2)
        return False

    def _after_commit(self, delivered: Delivered, result: Recorded) -> None:
        """Police, box and broker are told; none of them waits in vain because another cannot be."""
        steps: list[Callable[[], object]] = [lambda: self._deliver(result.deliveries), delivered.acknowledge]
        if result.can_be_answered:
            steps.insert(1, lambda: self._core.outbound.send_receipt(result.device_id, result.receipt))
        for step in steps:
            try:
                step()
            except Exception:
                log.exception("an event is stored, but not everybody could be told", device=result.device_id)
        if not result.new:
            REPEATED.inc()
            return
        EVENTS.labels(result.kind if result.kind in RESPONSES else UNKNOWN_KIND).inc()
        took = self._core.clock.now() - delivered.inbound.arrival.received_at
        PRESS_TO_COMMIT.observe(took.total_seconds())
        log.info(
            "event recorded",
            device=result.device_id,
            event_id=result.receipt.event_id,
            kind=result.kind,
            incident=result.incident_id,
            flags=list(result.flags),
        )
