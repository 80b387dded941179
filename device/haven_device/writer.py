"""The thread that writes the outbox, so that sending does not wait for the disk nor the disk for the network."""

import logging
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Any, Self

from haven_device.errors import StoreBrokenError, StoreError
from haven_device.events import Input, Stored, StoreLoaded, StoreReplaced, StoreState
from haven_device.outbox import StoredEvent
from haven_device.store import Store, doubt, is_doubtful, move_aside, trust

_log = logging.getLogger(__name__)

RETRY_S = 1.0
"""Pause after a failed write."""

SETTLE_S = 30.0
"""A disk that has failed is trusted again after so long without a failure: a full one takes a write now and then."""

_BEAT_S = 1.0
_HANGS_S = 30.0
"""A card may take seconds for a write; one that takes so long has died."""


class Writer:
    """Commits whatever waits in one transaction. What fails is kept and tried again.

    What waits is bounded by itself: an event that goes again before it was written cancels out, values are kept by key.
    """

    def __init__(
        self,
        folder: Path,
        put: Callable[[Input], None],
        *,
        retry_s: float = RETRY_S,
        settle_s: float = SETTLE_S,
        open_store: Callable[[Path], Store] = Store,
    ) -> None:
        """Opens the store in the caller's thread; a damaged one is moved aside and told by StoreReplaced."""
        self._folder = folder
        self._put = put
        self._retry_s = retry_s
        self._settle_s = settle_s
        self._open_store = open_store
        self._store: Store | None = None
        self._works: bool | None = None
        self._loaded = True
        self.memory_lost = False
        """After `load`: values that an earlier process kept may be missing."""
        self._failed_at = -settle_s
        self._wake = threading.Condition()
        self._add: dict[str, StoredEvent] = {}
        self._remove: set[str] = set()
        self._keep: dict[str, Any] = {}
        self._ending = False
        self._beat = monotonic()
        self._thread = threading.Thread(target=self._run, name="outbox", daemon=True)

    def load(self) -> tuple[list[StoredEvent], dict[str, Any]]:
        """What was stored. Nothing if the disk gives nothing now: StoreState tells it, StoreLoaded brings it later."""
        self.memory_lost = is_doubtful(self._folder)
        try:
            store = self._open()
            return store.events(), store.kept()
        except StoreBrokenError as error:
            self._replace(error)
        except StoreError as error:
            self._failed(error)
            self._loaded = False
        self.memory_lost = True
        return [], {}

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._wake:
            self._ending = True
            self._wake.notify()
        self._thread.join(timeout=5)
        if self._store is not None and not self._thread.is_alive():
            self._store.__exit__(None, None, None)

    def works(self) -> bool:
        """For the watchdog: the thread goes its rounds, and does not hang in a write."""
        return monotonic() - self._beat < _HANGS_S

    @property
    def waiting(self) -> int:
        """Things that are not yet on the disk."""
        with self._wake:
            return len(self._add) + len(self._remove) + len(self._keep)

    def add(self, event: StoredEvent, keep: Mapping[str, Any]) -> None:
        """Store an event, and values with it."""
        with self._wake:
            self._add[event.event_id] = event
            self._keep.update(keep)
            self._wake.notify()

    def remove(self, event_id: str) -> None:
        """Forget an event: the server has it, or it had to be given up."""
        with self._wake:
            if self._add.pop(event_id, None) is None:
                self._remove.add(event_id)
            self._wake.notify()

    def keep(self, values: Mapping[str, Any]) -> None:
        """Store values under their keys."""
        with self._wake:
            self._keep.update(values)
            self._wake.notify()

    def _run(self) -> None:
        while True:
            self._beat = monotonic()
            with self._wake:
                if not (self._add or self._remove or self._keep or self._ending):
                    self._wake.wait(min(_BEAT_S, self._settle_s))
                add, remove, keep = dict(self._add), set(self._remove), dict(self._keep)
                ending = self._ending
            written = self._write(add, remove, keep) if add or remove or keep else True
            if written:
                if not self._works and monotonic() - self._failed_at >= self._settle_s:
                    trust(self._folder)
                    self._tell(works=True)
            elif not ending:
                with self._wake:
                    self._wake.wait_for(lambda: self._ending, self._retry_s)
            if ending:
                return

    def _write(self, add: dict[str, StoredEvent], remove: set[str], keep: dict[str, Any]) -> bool:
        try:
            store = self._open()
            if not self._loaded:
                self._put(StoreLoaded(tuple(store.events())))
                self._loaded = True
            store.write(add.values(), remove, keep)
        except StoreBrokenError as error:
            self._replace(error)
            return False
        except StoreError as error:
            self._failed(error)
            return False
        with self._wake:
            for event_id in add:
                if self._add.pop(event_id, None) is None:
                    # Its receipt came while it was being written.
                    self._remove.add(event_id)
            self._remove -= remove
            for key, value in keep.items():
                if self._keep.get(key) is value:
                    del self._keep[key]
        if add:
            self._put(Stored(tuple(add.values())))
        return True

    def _open(self) -> Store:
        if self._store is None:
            self._store = self._open_store(self._folder)
        return self._store

    def _close(self) -> None:
        if self._store is not None:
            self._store.__exit__(None, None, None)
            self._store = None

    def _failed(self, error: StoreError) -> None:
        self._close()
        self._failed_at = monotonic()
        doubt(self._folder)
        self._tell(works=False, why=str(error))

    def _replace(self, error: StoreBrokenError) -> None:
        """Begin a new file. That it works is told anew, once it has settled."""
        self._close()
        self._failed_at, self._works = monotonic(), None
        doubt(self._folder)
        try:
            aside = move_aside(self._folder)
        except StoreError as worse:
            self._tell(works=False, why=str(worse))
            return
        self._put(StoreReplaced(f"{error}; moved to {aside.name}, a new one is begun"))

    def _tell(self, *, works: bool, why: str = "") -> None:
        if works != self._works:
            self._works = works
            self._put(StoreState(works, why))
