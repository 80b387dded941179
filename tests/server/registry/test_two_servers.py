"""Two servers at one database, asked for the same at the same time."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier
from typing import TypeVar

import pytest
from sqlalchemy import select

from haven_server.core import Core
from haven_server.db.database import Database
from haven_server.desks.file_import import import_desks
from haven_server.desks.naming import DeskKind
from haven_server.desks.operations import list_desks, save_desk
from haven_server.devices.open_tests import list_tests, open_test
from haven_server.devices.operations import put_device
from haven_server.devices.views import DeviceForm
from haven_server.models import Site
from haven_server.problems import Conflict
from haven_server.sites.codes import site_of_code
from haven_server.sites.file_import import import_sites
from haven_server.sites.operations import get_site, list_sites, put_site
from haven_server.staff.access import Actor
from server.databases import on_postgresql
from server.registry.builders import desks_file, sites_file, station, store

T = TypeVar("T")
ROUNDS = 5


@pytest.fixture
def other(core: Core, database_url: str) -> Iterator[Core]:
    """The second server."""
    with Database(database_url) as database:
        yield replace(core, database=database, server="server2")


def both(core: Core, other: Core, ask: Callable[[Core], T]) -> tuple[list[T], list[Conflict]]:
    """Ask both at once; what they answered, and what they refused."""
    start = Barrier(2)

    def asked(server: Core) -> T:
        start.wait(timeout=10)
        return ask(server)

    with ThreadPoolExecutor(2) as pool:
        futures = [pool.submit(asked, server) for server in (core, other)]
    answers, refusals = [], []
    for future in futures:
        error = future.exception(timeout=30)
        if error is None:
            answers.append(future.result())
        elif isinstance(error, Conflict):
            refusals.append(error)
        else:
            raise error
    return answers, refusals


def test_of_two_changes_from_one_version_one_wins(core: Core, other: Core, admin: Actor) -> None:
    put_site(core, admin, "A-1", store())
    for version in range(1, 1 + ROUNDS):
        answers, refusals = both(core, other, lambda server: put_site(server, admin, "A-1", store(version=version)))  # noqa: B023 - asked at once
        assert (len(answers), len(refusals)) == (1, 1)
        assert get_site(core, admin, "A-1").version == version + 1


def test_one_code_one_site(core: Core, other: Core, admin: Actor) -> None:
    for number in range(ROUNDS):
        both(core, other, lambda server: put_site(server, admin, f"A-{number}", store()))  # noqa: B023 - asked at once
    assert [(site.code, site.version) for site in list_sites(core, admin).sites] == [
        (f"A-{number}", 2) for number in range(ROUNDS)
    ]


def test_one_name_one_desk(core: Core, other: Core, admin: Actor) -> None:
    for number in range(ROUNDS):
        answers, _ = both(core, other, lambda server: save_desk(server, admin, station(f"서울{number}경찰서")))  # noqa: B023 - asked at once
        assert len({desk.id for desk in answers}) == 1
    assert len(list_desks(core, admin).desks) == ROUNDS + 1


def test_one_input_one_open_test(core: Core, other: Core, admin: Actor) -> None:
    put_site(core, admin, "A-1", store())
    put_device(core, admin, "box-1", DeviceForm(site="A-1"))
    for number in range(ROUNDS):
        answers, refusals = both(core, other, lambda server: open_test(server, admin, "box-1", f"button:{number}"))  # noqa: B023 - asked at once
        assert (len(answers), len(refusals)) == (1, 1)
    assert len(list_tests(core, admin, "box-1")) == ROUNDS


def test_one_file_imported_twice_at_once_gives_each_site_once(core: Core, other: Core, admin: Actor) -> None:
    rows = [f"한빛마트 {number}호점,강동구,서울특별시 강동구 가람로 {number},,,," for number in range(1, 61)]
    both(core, other, lambda server: import_sites(server, admin, sites_file(*rows), dry_run=False))
    import_sites(core, admin, sites_file(*rows), dry_run=False)
    seen = list_sites(core, admin, limit=500).sites
    assert len(seen) == len({site.road_address for site in seen}) == 60


def test_one_district_given_by_two_imports_at_once_has_one_desk(core: Core, other: Core, admin: Actor) -> None:
    file = desks_file("1,서울청,서울강동,나래,지구대,서울특별시 강동구 나래로 9")
    import_desks(core, admin, file, dry_run=False)
    for _ in range(ROUNDS):
        save_desk(core, admin, station())
        answers, refusals = both(core, other, lambda server: import_desks(server, admin, file, dry_run=False))
        assert (len(answers), refusals) == (2, [])
        (desk,) = list_desks(core, admin, kind=DeskKind.STATION).desks
        assert desk.districts == ["강동구"]


@on_postgresql
def test_a_site_is_read_anew_where_it_is_to_be_changed(core: Core, other: Core, admin: Actor) -> None:
    put_site(core, admin, "A-1", store())
    with core.database.read() as session:
        before = session.scalars(select(Site)).one()
        put_site(other, admin, "A-1", store())
        seen = site_of_code(session, "A-1")
    assert seen is before
    assert before.version == 2
