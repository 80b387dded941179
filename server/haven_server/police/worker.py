"""The thread that delivers: takes what is due, sends it through its channel, records what came of it."""

import asyncio
import threading
from collections import Counter
from collections.abc import Callable, Coroutine
from random import SystemRandom
from typing import Any, Self, TypeVar

import structlog
from sqlalchemy.orm import Session

from haven_server.core import Core
from haven_server.db.faults import is_database_fault
from haven_server.incidents.naming import incident_name
from haven_server.metrics import DELIVERIES
from haven_server.police.channel import Answer, Channel
from haven_server.police.deliveries import (
    DeliveryState,
    Parcel,
    claim_due,
    keep_claims,
    load_parcels,
    record_alerted,
    record_failed,
    release,
    release_claims,
)

log = structlog.get_logger()
T = TypeVar("T")

POLL_S = 0.5
"""How often the database is asked for what is due; new notices of this server do not wait for it."""

KEEP_CLAIMS_S = 5.0
"""How often this server says that it still sends what it has in hand; see notices.CLAIM_S."""

MAX_BATCH = 256
MOST_OF_A_CHANNEL = 256
"""Deliveries of one channel in hand. A desk that does not answer must not keep the others from theirs."""

MAX_IN_HAND = 4096
"""Deliveries in this server's hands. The others wait in the database."""


class DeliveryWorker:
    """A context manager. `take` hands over what the recorder has just written, already claimed."""

    def __init__(
        self, core: Core, make_channels: Callable[[], dict[str, Channel]], *, most_in_hand: int = MAX_IN_HAND
    ) -> None:
        self._core = core
        self._make_channels = make_channels
        self._most_in_hand = most_in_hand
        self._channels: dict[str, Channel] = {}
        self._slots: dict[int, asyncio.Semaphore] = {}
        self._in_hand: dict[int, asyncio.Task[None]] = {}
        self._of_channel: Counter[int] = Counter()
        self._keep_claims_at = 0.0
        self._random = SystemRandom()
        self._loop = asyncio.new_event_loop()
        self._stopping = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="deliveries", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join(timeout=15)

    def take(self, ids: list[int]) -> None:
        """Send these now; from any thread."""
        if ids:
            self._loop.call_soon_threadsafe(self._start, ids)

    def is_alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    def in_hand(self) -> int:
        """Deliveries being sent now."""
        return len(self._in_hand)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve())
        finally:
            self._loop.close()

    async def _serve(self) -> None:
        self._channels = self._make_channels()
        await self._quietly(self._write(lambda session: release_claims(session, self._core.server, self._now())))
        while not self._stopping.is_set():
            await self._quietly(self._poll())
            try:
                await asyncio.wait_for(self._stopping.wait(), POLL_S)
            except TimeoutError:
                continue
        for task in list(self._in_hand.values()):
            task.cancel()
        await asyncio.gather(*self._in_hand.values(), return_exceptions=True)
        for channel in self._channels.values():
            await channel.close()

    async def _poll(self) -> None:
        busy = list(self._in_hand)
        if busy and self._loop.time() >= self._keep_claims_at:
            self._keep_claims_at = self._loop.time() + KEEP_CLAIMS_S
            await self._write(lambda session: keep_claims(session, self._core.server, busy, self._now()))
        room = min(self._most_in_hand - len(busy), MAX_BATCH)
        full = [channel for channel, number in self._of_channel.items() if number >= MOST_OF_A_CHANNEL]
        if room > 0:
            self._start(
                await self._write(
                    lambda session: claim_due(session, self._core.server, self._now(), busy, room, full=full)
                )
            )

    def _start(self, ids: list[int]) -> None:
        fresh = [delivery for delivery in ids if delivery not in self._in_hand]
        room = max(0, self._most_in_hand - len(self._in_hand))
        fresh, too_many = fresh[:room], fresh[room:]
        self._give_back(too_many)
        if not fresh:
            return
        try:
            with self._core.database.read_urgently() as session:
                loaded = load_parcels(session, fresh, self._core.vault)
        except Exception as error:
            if is_database_fault(error):
                log.warning("deliveries wait for the database", count=len(fresh), reason=str(error)[:200])
            else:
                log.exception("deliveries cannot be loaded; they are tried again", count=len(fresh))
            self._loop.call_later(POLL_S, self._start, fresh)
            return
        for parcel in loaded.parcels:
            if self._of_channel[parcel.channel_id] >= MOST_OF_A_CHANNEL:
                self._give_back([parcel.delivery_id])
                continue
            self._of_channel[parcel.channel_id] += 1
            self._in_hand[parcel.delivery_id] = self._loop.create_task(self._deliver(parcel))
        for delivery_id, reason in loaded.broken.items():
            log.error("a delivery is broken", delivery=delivery_id, reason=reason)
            self._in_hand[delivery_id] = self._loop.create_task(self._set_aside(delivery_id, reason))

    def _give_back(self, ids: list[int]) -> None:
        if ids:
            now = self._now()
            self._core.database.writer.submit(lambda session: release(session, ids, now))

    async def _set_aside(self, delivery_id: int, error: str) -> None:
        try:
            await self._quietly(self._fail(delivery_id, error))
        finally:
            self._in_hand.pop(delivery_id, None)

    async def _deliver(self, parcel: Parcel) -> None:
        try:
            slots = self._slots.setdefault(parcel.channel_id, asyncio.Semaphore(parcel.concurrency))
            async with slots:
                answer = await self._send(parcel)
            await self._record(parcel, answer)
        except Exception:
            log.exception("a delivery could not be recorded; it is tried again", incident=_name(parcel))
        finally:
            self._in_hand.pop(parcel.delivery_id, None)
            self._of_channel[parcel.channel_id] -= 1

    async def _send(self, parcel: Parcel) -> Answer:
        channel = self._channels.get(parcel.channel_kind)
        if channel is None:
            return Answer(alerted=False, error=f"this server has no channel of kind {parcel.channel_kind!r}")
        try:
            return await channel.deliver(parcel)
        except Exception as error:
            # A fault of ours in one channel must not stop the others (promise 8).
            log.exception("a channel failed", kind=parcel.channel_kind, incident=_name(parcel))
            return Answer(alerted=False, error=f"fault in the channel: {error}")

    async def _record(self, parcel: Parcel, answer: Answer) -> None:
        now = self._now()
        if answer.alerted:
            receipts = await self._persist(lambda session: record_alerted(session, parcel, now))
            for device_id, receipt in receipts:
                self._core.outbound.send_receipt(device_id, receipt)
            DELIVERIES.labels(parcel.channel_kind, DeliveryState.ALERTED.value).inc()
            log.info("police alerted", incident=_name(parcel), desk=parcel.told.desk, test=parcel.told.is_test)
            return
        error = answer.error or "refused"
        state = await self._fail(parcel.delivery_id, error)
        DELIVERIES.labels(parcel.channel_kind, "failed").inc()
        if state is DeliveryState.GIVEN_UP:
            log.error("police delivery given up", incident=_name(parcel), desk=parcel.told.desk, reason=error)
        else:
            log.warning("police not answering", incident=_name(parcel), desk=parcel.told.desk, reason=error)

    async def _fail(self, delivery_id: int, error: str) -> DeliveryState:
        now = self._now()
        return await self._persist(lambda session: record_failed(session, delivery_id, error, now, self._random))

    async def _persist(self, job: Callable[[Session], T]) -> T:
        """Write what a desk has said, for as long as the database is away: it need not be asked again."""
        while True:
            try:
                return await self._write(job)
            except Exception as error:
                if not is_database_fault(error):
                    raise
                log.warning("what a desk said is not stored yet", reason=str(error)[:200])
                await asyncio.sleep(POLL_S)

    async def _write(self, job: Callable[[Session], T]) -> T:
        # Shielded: what a desk has answered is recorded, although the server stops meanwhile.
        return await asyncio.shield(asyncio.wrap_future(self._core.database.writer.submit(job)))

    @staticmethod
    async def _quietly(work: Coroutine[Any, Any, object]) -> None:
        """One failing round never stops the next (promise 8)."""
        try:
            await work
        except Exception as error:
            if is_database_fault(error):
                log.warning("deliveries wait for the database", reason=str(error)[:200])
            else:
                log.exception("a round of deliveries failed; the next one comes")

    def _now(self) -> Any:
        return self._core.clock.now()


def _name(parcel: Parcel) -> str:
    return incident_name(parcel.told.incident_id)
