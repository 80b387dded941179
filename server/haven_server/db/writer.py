"""The one thread that writes: commits whatever waits, urgent jobs first, each job undone alone if it fails."""

import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from enum import IntEnum
from itertools import count
from typing import Any, Self, TypeVar

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from haven_server.db.faults import is_database_fault, was_turned_away
from haven_server.problems import Busy

T = TypeVar("T")

MAX_WAITING = 10_000
"""Jobs in the queue; a further one is refused with Busy, which the API tells as 503 and a lane as back-pressure."""

MAX_JOBS_PER_COMMIT = 256
MOST_RUNS = 5
"""Of a job that a deadlock has turned away."""

LONGEST_WAIT_S = 60.0
"""For a commit; then the caller hears a TimeoutError."""

MAX_ROUTINE_S = 0.03
"""Routine jobs are added to a commit for so long only, because an alarm may be waiting for its turn."""


class Lane(IntEnum):
    """Order in which waiting jobs are taken."""

    URGENT = 0
    """Alarms, deliveries, what a person has just pressed."""
    ROUTINE = 1
    """Heartbeats, imports, book-keeping: each job under 50 ms."""
    STOP = 2


@dataclass(slots=True)
class _Waiting:
    lane: Lane
    number: int
    job: Callable[[Session], Any]
    future: Future[Any]
    runs: int = 0

    def __lt__(self, other: "_Waiting") -> bool:
        return (self.lane, self.number) < (other.lane, other.number)


class Writer:
    """Runs jobs, functions of a Session, in the order of their lanes. Their futures resolve after the commit.

    Jobs that wait together share one transaction, each in a savepoint of its own. There is no timer: a lone job is
    committed at once, and while it is, the next ones gather. A job must bear to be run again, because a deadlock with
    another server may turn it away.
    """

    def __init__(self, engine: Engine, *, longest_wait_s: float = LONGEST_WAIT_S) -> None:
        self._engine = engine
        self._longest_wait_s = longest_wait_s
        self._waiting: queue.PriorityQueue[_Waiting] = queue.PriorityQueue()
        self._numbers = count()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._put(Lane.STOP, lambda _session: None)
        self._thread.join(timeout=30)

    def submit(self, job: Callable[[Session], T], lane: Lane = Lane.URGENT) -> "Future[T]":
        """Queue a job. Its future gives the job's result once committed, or the error that undid it."""
        if self._stopping.is_set():
            raise Busy("the server is stopping")
        if self._waiting.qsize() >= MAX_WAITING:
            raise Busy("the database cannot keep up; try again in a moment")
        return self._put(lane, job)

    def run(self, job: Callable[[Session], T], lane: Lane = Lane.URGENT) -> T:
        """Submit and wait for the commit."""
        future = self.submit(job, lane)
        try:
            return future.result(timeout=self._longest_wait_s)
        except TimeoutError:
            future.cancel()  # what has not begun by now is not to surprise anybody later
            raise

    def waiting(self) -> int:
        """Jobs in the queue."""
        return self._waiting.qsize()

    def is_alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    def _put(self, lane: Lane, job: Callable[[Session], T]) -> "Future[T]":
        future: Future[T] = Future()
        self._waiting.put(_Waiting(lane, next(self._numbers), job, future))
        return future

    def _run(self) -> None:
        while True:
            first = self._waiting.get()
            if first.lane is Lane.STOP:
                return
            if _is_still_wanted(first):
                self._commit_with_company(first)

    def _commit_with_company(self, first: _Waiting) -> None:
        done: list[tuple[_Waiting, Any]] = []
        alone = self._waiting.empty() or first.runs > 0
        job: _Waiting | None = first
        try:
            with Session(self._engine, expire_on_commit=False) as session:
                started = time.monotonic()
                while job is not None:
                    job.runs += 1
                    if alone:
                        done.append((job, job.job(session)))
                        break
                    self._run_in_savepoint(session, job, done)
                    job = self._next(len(done), started)
                job = None
                session.commit()
        except Exception as error:  # noqa: BLE001 - whatever it was, those who wait for the commit are told
            for failed in [waiting for waiting, _ in done] + ([job] if job else []):
                self._fail(failed, error)
        else:
            for waiting, result in done:
                waiting.future.set_result(result)

    def _run_in_savepoint(self, session: Session, waiting: _Waiting, done: list[tuple[_Waiting, Any]]) -> None:
        try:
            with session.begin_nested():
                result = waiting.job(session)
        except Exception as error:
            if is_database_fault(error) and not was_turned_away(error):
                # Nobody knows what is left of the transaction: SQLite undoes all of it when the disk is full.
                raise
            self._fail(waiting, error)
        else:
            done.append((waiting, result))

    def _fail(self, waiting: _Waiting, error: Exception) -> None:
        if was_turned_away(error) and waiting.runs < MOST_RUNS:
            self._waiting.put(waiting)
        else:
            waiting.future.set_exception(error)

    def _next(self, taken: int, started: float) -> _Waiting | None:
        if taken >= MAX_JOBS_PER_COMMIT:
            return None
        while True:
            try:
                following = self._waiting.get_nowait()
            except queue.Empty:
                return None
            routine_for_long = following.lane is Lane.ROUTINE and time.monotonic() - started > MAX_ROUTINE_S
            if following.lane is Lane.STOP or routine_for_long or following.runs:
                self._waiting.put(following)
                return None
            if _is_still_wanted(following):
                return following


def _is_still_wanted(waiting: _Waiting) -> bool:
    """Whether nobody has cancelled it; from now on nobody can, so that its future takes the result."""
    return waiting.runs > 0 or waiting.future.set_running_or_notify_cancel()
