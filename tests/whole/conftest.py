"""The whole of Haven as processes on this machine: real firmware, Mosquitto, server, and a police desk that answers."""

from collections.abc import Iterator
from contextlib import ExitStack
from itertools import count

import pytest

from haven_demo.box import SimulatedBox
from haven_demo.desk import PoliceDesk
from haven_demo.stack import Stack

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

    def box(self, **more: str) -> SimulatedBox:
        """A box at a store of its own, not started; the desk's calls so far are forgotten."""
        number = next(self._boxes)
        self.store(f"S-{number}", **more)
        self.desk.calls.clear()
        return self.stack.box(f"store-{number:04}", f"S-{number}")

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


@pytest.fixture(scope="module")
def haven(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Haven]:
    """One for a file of tests, each of which brings its own store and box."""
    with ExitStack() as stack:
        whole = Stack(tmp_path_factory.mktemp("haven"))
        desk = stack.enter_context(PoliceDesk(whole.webhook_secret))
        stack.enter_context(whole)
        running = Haven(whole, desk)
        running.connect_desks()
        yield running
