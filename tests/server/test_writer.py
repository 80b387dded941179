"""The one thread that writes: what shares a commit, what comes first, who hears of a failure."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future

import pytest
from sqlalchemy import func, insert, select, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from haven_server.db.database import Database, lock_for_transaction
from haven_server.db.engines import make_engine
from haven_server.db.writer import MAX_JOBS_PER_COMMIT, MAX_ROUTINE_S, MAX_WAITING, MOST_RUNS, Lane, Writer
from haven_server.models import AuditLine
from haven_server.problems import Busy
from server.clocks import BEGINNING
from server.databases import on_postgresql


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    with Database(database_url) as opened:
        yield opened


@pytest.fixture
def writer(database: Database) -> Writer:
    return database.writer


class Gate:
    """A job that holds the writer until it is opened, so that others gather behind it."""

    def __init__(self, writer: Writer) -> None:
        self._entered, self._open = threading.Event(), threading.Event()
        self.future = writer.submit(self._job)
        assert self._entered.wait(10)

    def _job(self, _session: Session) -> None:
        self._entered.set()
        assert self._open.wait(20)

    def open(self) -> None:
        self._open.set()
        self.future.result(10)


def note(session: Session, subject: str = "x") -> None:
    session.execute(insert(AuditLine).values(at=BEGINNING, actor="a", action="b", subject=subject, detail={}))


def notes(database: Database) -> int:
    with database.read() as session:
        return session.execute(select(func.count(AuditLine.id))).scalar_one()


def test_a_lone_job_is_committed_at_once(database: Database, writer: Writer) -> None:
    writer.run(note)
    assert notes(database) == 1


def test_jobs_that_wait_together_share_a_commit(writer: Writer) -> None:
    gate = Gate(writer)
    waiting = [writer.submit(lambda session: session) for _ in range(50)]
    gate.open()
    assert len({future.result(10) for future in waiting}) == 1


def test_a_commit_takes_no_more_than_its_share(writer: Writer) -> None:
    gate = Gate(writer)
    waiting = [writer.submit(lambda session: session) for _ in range(MAX_JOBS_PER_COMMIT + 1)]
    gate.open()
    sessions = [future.result(10) for future in waiting]
    assert sessions.count(sessions[0]) == MAX_JOBS_PER_COMMIT


def test_a_job_that_fails_is_undone_alone(database: Database, writer: Writer) -> None:
    def spoil(session: Session) -> None:
        note(session, "undone")
        raise ZeroDivisionError

    gate = Gate(writer)
    before, spoilt, after = writer.submit(note), writer.submit(spoil), writer.submit(note)
    gate.open()
    before.result(10)
    after.result(10)
    with pytest.raises(ZeroDivisionError):
        spoilt.result(10)
    assert notes(database) == 2


def test_a_job_that_breaks_the_databases_rules_is_undone_alone(database: Database, writer: Writer) -> None:
    gate = Gate(writer)
    before = writer.submit(note)
    spoilt = writer.submit(lambda session: session.execute(text("INSERT INTO audit_line (id) VALUES (NULL)")))
    after = writer.submit(note)
    gate.open()
    assert isinstance(spoilt.exception(10), Exception)
    before.result(10)
    after.result(10)
    assert notes(database) == 2


def test_when_the_database_gives_way_in_a_commit_everybody_in_it_hears(database: Database, writer: Writer) -> None:
    def lose_the_database(_session: Session) -> None:
        raise OperationalError("INSERT", {}, Exception("disk full"))

    gate = Gate(writer)
    together = [writer.submit(note), writer.submit(lose_the_database)]
    gate.open()
    assert all(isinstance(future.exception(10), OperationalError) for future in together)
    assert notes(database) == 0
    writer.run(note)
    assert notes(database) == 1


def test_urgent_jobs_go_before_routine_ones(writer: Writer) -> None:
    gate = Gate(writer)
    order: list[str] = []
    jobs = {"beat": Lane.ROUTINE, "alarm 1": Lane.URGENT, "import": Lane.ROUTINE, "alarm 2": Lane.URGENT}
    waiting = [writer.submit(lambda _session, name=name: order.append(name), jobs[name]) for name in jobs]  # type: ignore[misc]
    gate.open()
    for future in waiting:
        future.result(10)
    assert order == ["alarm 1", "alarm 2", "beat", "import"]


def test_routine_jobs_share_a_commit_only_for_a_moment(writer: Writer) -> None:
    def slow(session: Session) -> Session:
        time.sleep(MAX_ROUTINE_S * 2)  # the job's own slowness is what is tested
        return session

    gate = Gate(writer)
    routine = [writer.submit(slow, Lane.ROUTINE) for _ in range(3)]
    gate.open()
    assert len({future.result(10) for future in routine}) == 3


def test_a_full_queue_is_refused(writer: Writer) -> None:
    gate = Gate(writer)
    futures: list[Future[None]] = [writer.submit(lambda _session: None) for _ in range(MAX_WAITING)]
    with pytest.raises(Busy):
        writer.submit(lambda _session: None)
    assert writer.waiting() == MAX_WAITING
    gate.open()
    futures[-1].result(60)
    writer.run(lambda _session: None)


def test_a_job_whose_owner_has_gone_is_left_out_and_hurts_nobody(database: Database, writer: Writer) -> None:
    gate = Gate(writer)
    cancelled, wanted = writer.submit(note), writer.submit(note)
    assert cancelled.cancel()
    gate.open()
    wanted.result(10)
    assert notes(database) == 1
    assert writer.is_alive()


def test_a_running_job_cannot_be_cancelled(writer: Writer) -> None:
    gate = Gate(writer)
    assert not gate.future.cancel()
    gate.open()
    assert writer.is_alive()


def test_what_waits_at_the_end_is_still_written_and_nothing_after(database_url: str) -> None:
    with Database(database_url) as database:
        gate = Gate(database.writer)
        waiting = [database.writer.submit(note) for _ in range(20)]
        ending = threading.Thread(target=database.writer.__exit__)
        ending.start()
        gate.open()
        ending.join(10)
        for future in waiting:
            future.result(0)
        assert notes(database) == 20
        with pytest.raises(Busy):
            database.writer.submit(note)


class Deadlock(Exception):
    """As the driver of PostgreSQL tells it."""

    sqlstate = "40P01"


def test_a_job_that_is_turned_away_for_ever_is_given_up(writer: Writer) -> None:
    runs = 0

    def job(_session: Session) -> None:
        nonlocal runs
        runs += 1
        raise OperationalError("UPDATE", {}, Deadlock())

    with pytest.raises(OperationalError):
        writer.run(job)
    assert runs == MOST_RUNS


def test_nobody_waits_without_end_and_what_he_gave_up_is_not_done(database_url: str) -> None:
    engine = make_engine(database_url, writes=True)
    done: list[str] = []
    with Writer(engine, longest_wait_s=0.05) as writer:
        gate = Gate(writer)
        with pytest.raises(TimeoutError):
            writer.run(lambda _session: done.append("given up"))
        gate.open()
        writer.submit(lambda _session: done.append("next")).result(10)
    assert done == ["next"]
    engine.dispose()


@on_postgresql
def test_of_two_servers_that_wait_for_each_other_one_begins_again(database_url: str) -> None:
    both_hold = threading.Barrier(2, timeout=10)

    def cross(first: str, second: str) -> int:
        runs = 0

        def job(session: Session) -> None:
            nonlocal runs
            runs += 1
            lock_for_transaction(session, first)
            if runs == 1:
                both_hold.wait()
            lock_for_transaction(session, second)
            note(session)

        with Database(database_url) as database:
            database.writer.run(job)
        return runs

    results: list[int] = []
    threads = [
        threading.Thread(target=lambda names=names: results.append(cross(*names))) for names in (("a", "b"), ("b", "a"))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(results) == [1, 2]
    with Database(database_url) as database:
        assert notes(database) == 2
