"""The alarms' own lane: commits whatever waits, then acknowledges, answers the box and hands over to the police."""

import queue
import threading
from collections.abc import Callable
from functools import partial
from typing import Self

import structlog
from sqlalchemy.orm import Session

from haven_server.core import Core
from haven_server.incidents.receipts import current_receipts
from haven_server.ingest.connection import Delivered
from haven_server.ingest.inbound import Inbound
from haven_server.ingest.recording import EventRecorder, Recorded

log = structlog.get_logger()

MAX_BATCH = 256
FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 5.0
TRIES = 3
"""For an event that fails by itself while the database works."""


class AlarmLane:
    """A context manager with one thread. Nothing is acknowledged before it is committed."""

    def __init__(
        self,
        core: Core,
        inbox: "queue.Queue[Delivered]",
        came_up: threading.Event,
        deliver: Callable[[list[int]], None],
    ) -> None:
        self._core = core
        self._inbox = inbox
        self._came_up = came_up
        self._deliver = deliver
        self._recorder = EventRecorder(core.vault, core.server)
        self._stopping = threading.Event()
        self.stuck = False
        """The database refuses alarms at present; they are kept and tried again."""
        self._thread = threading.Thread(target=self._run, name="alarm lane", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join(timeout=10)

    def is_alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    def _repeat_receipts(self) -> None:
        """Send the present receipt of every open incident: they may have been lost while a broker was away."""
        self._came_up.clear()
        with self._core.database.read() as session:
            receipts = current_receipts(session, None, self._core.clock.now())
        for device_id, receipt in receipts:
            self._core.outbound.send_receipt(device_id, receipt)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                batch = self._take()
                if batch:
                    self._process(batch)
                elif self._came_up.is_set():
                    self._repeat_receipts()
            except Exception:
                log.exception("the alarm lane failed; the broker will deliver again what was not acknowledged")

    def _take(self) -> list[Delivered]:
        try:
            batch = [self._inbox.get(timeout=0.25)]
        except queue.Empty:
            return []
        while len(batch) < MAX_BATCH:
            try:
                batch.append(self._inbox.get_nowait())
            except queue.Empty:
                break
        return batch

    def _process(self, batch: list[Delivered]) -> None:
        inbound = [delivered.inbound for delivered in batch]
        try:
            recorded = self._core.database.writer.run(
                lambda session: [self._recorder.record(session, message) for message in inbound]
            )
        except Exception as error:  # noqa: BLE001 - the poisonous one is found by trying each alone
            log.warning("a batch of events failed; each is tried alone", count=len(batch), reason=str(error)[:200])
            for delivered in batch:
                self._process_alone(delivered)
        else:
            for delivered, result in zip(batch, recorded, strict=True):
                self._after_commit(delivered, result)

    def _process_alone(self, delivered: Delivered) -> None:
        """Record it as it is; if that keeps failing while the database works, as one that cannot be read."""
        for record in (self._recorder.record, self._recorder.record_unprocessable):
            result = self._persist(partial(_record, record, delivered.inbound))
            if result is not None:
                self._after_commit(delivered, result)
                return
        log.error("an event could not be recorded; the broker keeps it", topic=delivered.inbound.topic)

    def _persist(self, job: Callable[[Session], Recorded]) -> Recorded | None:
        """Run the job, for as long as the database is away; None if it fails TRIES times while the database works."""
        pause, failures = FIRST_PAUSE_S, 0
        while failures < TRIES and not self._stopping.is_set():
            try:
                result = self._core.database.writer.run(job)
            except Exception as error:  # noqa: BLE001 - its own fault or the database's, which the next line tells
                self.stuck = not self._core.database.accepts_writes()
                log.warning("an alarm is not stored yet", database_away=self.stuck, reason=str(error)[:200])
                failures += 0 if self.stuck else 1
            else:
                self.stuck = False
                return result
            self._stopping.wait(pause)
            pause = min(LONGEST_PAUSE_S, pause * 2)
        return None

    def _after_commit(self, delivered: Delivered, result: Recorded) -> None:
        self._deliver(result.deliveries)
        if result.can_be_answered:
            self._core.outbound.send_receipt(result.device_id, result.receipt)
        delivered.acknowledge()
        if result.new:
            log.info(
                "event recorded",
                device=result.device_id,
                event_id=result.receipt.event_id,
                kind=result.kind,
                incident=result.incident_id,
                flags=list(result.flags),
            )


def _record(record: Callable[[Session, Inbound], Recorded], inbound: Inbound, session: Session) -> Recorded:
    return record(session, inbound)
