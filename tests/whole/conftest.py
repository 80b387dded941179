"""The whole of Haven as processes on this machine: real firmware, Mosquitto, server, and a police desk that answers."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import select

from haven_demo.box import SimulatedBox
from haven_demo.desk import PoliceDesk
from haven_demo.stack import Stack
from haven_server.db.database import Database
from haven_server.models import Event
from server.databases import postgres_cluster

__all__ = ["postgres_cluster"]

STATION = {"station": "서울강남경찰서", "kind": "station", "districts": ["강남구"], "phone": "02-000-0112"}


class Haven:
    """A stack with a police station in charge of Gangnam-gu, and its system."""

    def __init__(self, stack: Stack, desk: PoliceDesk) -> None:
        self.stack = stack
        self.desk = desk
        self.api = stack.api
        self._boxes = count(1)

    def connect_desks(self) -> None:
        """Register the station, and a webhook for it and for the city's desk."""
        station = self.api.put("/api/v1/desks", STATION)
        (city,) = [desk for desk in self.api.get("/api/v1/desks")["desks"] if desk["is_city"]]
        for desk_id in (station["id"], city["id"]):
            channel = {"kind": "webhook", "url": f"{self.desk.url}/{desk_id}", "secret": self.stack.webhook_secret}
            self.api.put(f"/api/v1/desks/{desk_id}/channels/1", channel)

    def box(self, *, tuning: str = "", **more: str) -> SimulatedBox:
        """A box at a store of its own, not started; the desk's calls so far are forgotten."""
        number = next(self._boxes)
        self.store(f"S-{number}", **more)
        self.desk.calls.clear()
        return self.stack.box(f"store-{number:04}", f"S-{number}", tuning=tuning)

    def store(self, code: str, **more: object) -> None:
        """Register a store in Gangnam-gu."""
        store = {
            "kind": "store",
            "name": f"별편의점 {code}",
            "road_address": "서울특별시 강남구 도산대로 12",
            "detail": "1층",
            "district": "강남구",
            "phones": ["02-555-0100"],
            "lat": 37.52,
            "lon": 127.03,
        }
        self.api.put(f"/api/v1/sites/{code}", store | more)

    def events(self) -> list[Event]:
        """All that the server has stored, as it stands in the database."""
        with Database(self.stack.server.database_url) as database, database.read() as session:
            return list(session.scalars(select(Event).order_by(Event.id)))


def processes(folder: Path) -> list[str]:
    """Command lines of the processes that belong to the folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = process.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(folder) in command and int(process.parent.name) != os.getpid():
            found.append(command)
    return found


@contextmanager
def running_haven(folder: Path, database_url: str | None = None) -> Iterator[Haven]:
    """All of it in a folder; without an address of a database on SQLite."""
    whole = Stack(folder, database_url=database_url)
    with PoliceDesk(whole.webhook_secret) as desk, whole:
        running = Haven(whole, desk)
        running.connect_desks()
        yield running


@pytest.fixture(scope="module")
def haven(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Haven]:
    """One for a file of tests, each of which brings its own store and box."""
    with running_haven(tmp_path_factory.mktemp("haven")) as running:
        yield running
