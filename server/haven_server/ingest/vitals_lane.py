"""The lane of states, heartbeats and replies. It never delays an alarm: its writes are routine."""

import queue
from collections.abc import Callable

import structlog
from sqlalchemy.orm import Session

from haven_contract.errors import ContractError
from haven_contract.messages import Heartbeat, Reply, State
from haven_contract.topics import Up, parse_up
from haven_server.background import Background
from haven_server.core import Core
from haven_server.db.faults import is_database_fault
from haven_server.db.writer import Lane
from haven_server.devices.commands import record_reply
from haven_server.ingest.batches import take_batch
from haven_server.ingest.connection import Delivered
from haven_server.metrics import INBOX_WAITING, UNREADABLE_VITALS
from haven_server.supervision.vitals import Vital, VitalsTold, record_vitals

log = structlog.get_logger()

MAX_BATCH = 128
PAUSE_S = 1.0


class _Stopped(Exception):
    """The server stops before the database came back."""


class VitalsLane(Background):
    """A context manager with one thread."""

    def __init__(
        self,
        core: Core,
        inbox: "queue.Queue[Delivered]",
        record: Callable[[Session, list[Vital]], VitalsTold] = record_vitals,
    ) -> None:
        super().__init__("vitals lane")
        self._core = core
        self._record_vitals = record
        self._inbox = inbox

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                batch = take_batch(self._inbox, MAX_BATCH)
                INBOX_WAITING.labels("vitals").set(self._inbox.qsize())
                if batch:
                    self._process(batch)
            except Exception:
                log.exception("the vitals lane failed; the boxes speak again soon")

    def _process(self, batch: list[Delivered]) -> None:
        try:
            told = self._store(batch)
        except _Stopped:
            return  # not acknowledged: the broker keeps what boxes do not say again
        for device_id, receipt in told.receipts:
            self._core.outbound.send_receipt(device_id, receipt)
        for device_id, alive in told.alive:
            self._core.outbound.send_alive(device_id, alive)
        for delivered in batch:
            delivered.acknowledge()

    def _store(self, batch: list[Delivered]) -> VitalsTold:
        """Record the batch; if something in it breaks our own code, each alone, so that the others lose nothing."""
        try:
            return self._persist(batch)
        except _Stopped:
            raise
        except Exception as error:  # noqa: BLE001 - the poisonous one is found by trying each alone
            log.warning("a batch of heartbeats failed; each is tried alone", count=len(batch), reason=str(error)[:200])
        told = VitalsTold([], [])
        for delivered in batch:
            try:
                alone = self._persist([delivered])
            except _Stopped:
                raise
            except Exception:
                log.exception("a state, heartbeat or reply could not be recorded", topic=delivered.inbound.topic)
            else:
                told.receipts.extend(alone.receipts)
                told.alive.extend(alone.alive)
        return told

    def _persist(self, batch: list[Delivered]) -> VitalsTold:
        vitals, replies = self._read(batch)
        while not self._stopping.is_set():
            try:
                return self._core.database.writer.run(lambda s: self._record(s, vitals, replies), Lane.ROUTINE)
            except Exception as error:
                if not is_database_fault(error):
                    raise
                log.warning("heartbeats are not stored yet", reason=str(error)[:200])
                self._stopping.wait(PAUSE_S)
        raise _Stopped

    def _record(self, session: Session, vitals: list[Vital], replies: list[tuple[str, Reply]]) -> VitalsTold:
        told = self._record_vitals(session, vitals)
        for device_id, reply in replies:
            record_reply(session, device_id, reply, self._core.clock.now())
        return told

    @staticmethod
    def _read(batch: list[Delivered]) -> tuple[list[Vital], list[tuple[str, Reply]]]:
        vitals: list[Vital] = []
        replies: list[tuple[str, Reply]] = []
        for delivered in batch:
            inbound = delivered.inbound
            try:
                device_id, what = parse_up(inbound.topic)
                if what is Up.REPLY:
                    replies.append((device_id, Reply.decode(inbound.payload)))
                elif what is Up.STATE:
                    vitals.append(Vital(device_id, State.decode(inbound.payload), inbound.arrival))
                elif what is Up.HEARTBEAT:
                    vitals.append(Vital(device_id, Heartbeat.decode(inbound.payload), inbound.arrival))
            except ContractError as error:
                UNREADABLE_VITALS.inc()
                log.warning("a state, heartbeat or reply cannot be read", topic=inbound.topic, reason=str(error))
        return vitals, replies
