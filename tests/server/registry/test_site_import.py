import pytest
from sqlalchemy import select

from haven_server.core import Core
from haven_server.db.writer import Lane
from haven_server.desks.operations import save_desk
from haven_server.models import AuditLine
from haven_server.problems import Conflict, Forbidden, Invalid
from haven_server.sites.drafts import Desks, write_fields
from haven_server.sites.file_import import SiteImport, import_sites
from haven_server.sites.import_report import ROWS_PER_JOB, pieces
from haven_server.sites.operations import get_site, list_sites, put_site
from haven_server.sites.views import SiteView
from haven_server.staff.access import Actor, Role
from server.registry.builders import SITES_HEADER, audited, box_of, desks_file, home, sites_file, station, store
from server.scenario import Dispatch

HANBIT = "한빛마트 가람점,강동구,서울특별시 강동구 가람로 12,37.53,127.13,02-555-0111,"
BYEOL = "별빛편의점 나래점,강동구,서울특별시 강동구 나래로 3,37.54,127.14,02-555-0112,"


def counts(done: SiteImport) -> dict[str, int]:
    return {outcome: number for outcome, number in done.report().counts.items() if number}


def sites(core: Core, admin: Actor) -> list[SiteView]:
    return list_sites(core, admin, limit=500).sites


def take(core: Core, admin: Actor, *rows: str, dry_run: bool = False) -> SiteImport:
    return import_sites(core, admin, sites_file(*rows), dry_run=dry_run)


def test_new_sites_get_havens_own_codes_and_a_second_run_changes_nothing(core: Core, admin: Actor) -> None:
    put_site(core, admin, "S-000041", store(district="송파구", road_address="서울특별시 송파구 다온로 1"))
    done = take(core, admin, HANBIT, BYEOL)
    assert counts(done) == {"create": 2}
    assert done.report().codes == {2: "S-000042", 3: "S-000043"}
    first = sites(core, admin)[1]
    assert (first.code, first.name, first.road_address) == (
        "S-000042",
        "한빛마트 가람점",
        "서울특별시 강동구 가람로 12",
    )
    assert (first.lat, first.lon, first.phones, first.district) == (37.53, 127.13, ["02-555-0111"], "강동구")
    assert (first.version, first.operating, first.desk, first.reporting_s) == (1, True, None, 90)
    again = take(core, admin, BYEOL, HANBIT)
    assert (counts(again), again.codes) == ({"unchanged": 2}, {})
    assert [site.version for site in sites(core, admin)] == [1, 1, 1]


def test_a_newer_file_changes_only_what_it_states_otherwise(dispatch: Dispatch, core: Core, admin: Actor) -> None:
    take(core, admin, HANBIT, BYEOL)
    code = sites(core, admin)[0].code
    put_site(core, admin, code, store(notes="뒷문 있음", contacts=[{"name": "김", "phone": "1", "role": "점주"}]))
    dispatch.clock.forward(60)
    done = take(core, admin, HANBIT.replace("02-555-0111", "02-555-0199").replace("37.53,127.13", ","), BYEOL)
    assert counts(done) == {"change": 1, "unchanged": 1}
    seen = get_site(core, admin, code)
    assert seen.phones == ["02-555-0199"]
    assert (seen.lat, seen.lon) == (37.53, 127.13), "an empty cell erases nothing"
    assert (seen.notes, seen.contacts) == ("뒷문 있음", [{"name": "김", "phone": "1", "role": "점주"}])
    assert (seen.version, seen.updated_at) == (3, dispatch.clock.now())


def test_a_dry_run_reports_the_same_and_touches_nothing(core: Core, admin: Actor) -> None:
    looked = take(core, admin, HANBIT, BYEOL, dry_run=True).report()
    assert (looked.dry_run, looked.codes) == (True, {})
    assert sites(core, admin) == []
    assert audited(core) == []
    done = take(core, admin, HANBIT, BYEOL).report()
    assert looked.model_copy(update={"dry_run": False, "codes": done.codes}) == done


def test_the_desk_of_a_row_is_found_as_people_write_it(core: Core, admin: Actor) -> None:
    save_desk(core, admin, station(districts=["강동구"]))
    save_desk(core, admin, box_of("나래", district="강동구"))
    save_desk(core, admin, box_of("나래", "서울은평경찰서", district="은평구"))
    done = take(core, admin, HANBIT + "강동서", BYEOL + "나래지구대")
    by_station, by_box = sites(core, admin)
    assert by_station.desk is not None
    assert by_box.desk is not None
    assert (by_station.desk.title, by_box.desk.title) == ("서울강동경찰서", "나래지구대")
    assert "desk" not in done.report().findings_by_kind
    assert counts(take(core, admin, HANBIT + "서울강동경찰서", BYEOL + "강동 나래지구대")) == {"unchanged": 2}
    moved = take(core, admin, HANBIT + "서울은평경찰서 나래지구대", BYEOL)
    assert counts(moved) == {"change": 1, "unchanged": 1}
    changed = sites(core, admin)[0]
    assert changed.desk is not None
    assert changed.desk.id != by_box.desk.id


@pytest.mark.parametrize("some_desks", [True, False])
def test_a_desk_that_nobody_knows_is_reported_and_the_site_follows_its_district(
    core: Core, admin: Actor, some_desks: bool
) -> None:
    if some_desks:
        save_desk(core, admin, station(districts=["강동구"]))
    done = take(core, admin, HANBIT + "아무도모르는파출소")
    assert done.report().findings_by_kind["desk_unknown"] == 1
    (site,) = sites(core, admin)
    assert site.desk is None
    assert site.desk_in_charge.title == ("서울강동경찰서" if some_desks else "112치안종합상황실")
    assert counts(take(core, admin, HANBIT + "아무도모르는파출소")) == {"unchanged": 1}


def test_homes_are_sealed_and_the_report_hides_them(core: Core, admin: Actor) -> None:
    file = "\n".join(
        (
            SITES_HEADER + ",종류",
            BYEOL + ",가정",
            BYEOL.replace("나래로 3", "나래로 5").replace("별빛", "달빛") + ",가정",
        )
    ).encode()
    done = import_sites(core, admin, file, dry_run=False)
    told = done.report().model_dump_json()
    assert "나래로" not in told
    assert "0112" not in told
    masked = sites(core, admin)
    assert [(site.masked, site.road_address) for site in masked] == [(True, None)] * 2
    seen = get_site(core, admin, masked[0].code)
    assert (seen.road_address, seen.phones) == ("서울특별시 강동구 나래로 3", ["02-555-0112"])
    assert counts(import_sites(core, admin, file, dry_run=False)) == {"unchanged": 2}
    changed = import_sites(core, admin, file.replace(b"0112", b"0113"), dry_run=False)
    assert counts(changed) == {"change": 2}
    assert "0113" not in changed.report().model_dump_json()
    assert get_site(core, admin, masked[0].code).phones == ["02-555-0113"]


def test_a_homes_code_in_a_row_of_stores_is_refused(core: Core, admin: Actor) -> None:
    put_site(core, admin, "H-1", home())
    done = import_sites(core, admin, f"{SITES_HEADER},코드\n{HANBIT},H-1\n".encode(), dry_run=False)
    assert counts(done) == {"refused": 1}
    assert get_site(core, admin, "H-1").name == "가구 17"


def test_codes_of_the_file_are_kept_and_never_given_to_another_row(core: Core, admin: Actor) -> None:
    done = import_sites(core, admin, f"{SITES_HEADER},코드\n{HANBIT},\n{BYEOL},s-000001\n".encode(), dry_run=False)
    assert done.codes == {3: "s-000001", 2: "S-000002"}


def test_many_sites_come_in_pieces_with_one_number_each(core: Core, admin: Actor) -> None:
    rows = [f"한빛마트 {number}호점,강동구,서울특별시 강동구 가람로 {number},,,," for number in range(1, 131)]
    done = take(core, admin, *rows)
    assert sorted(done.codes.values()) == [f"S-{number:06d}" for number in range(1, 131)]
    with core.database.read() as session:
        lines = list(session.scalars(select(AuditLine).where(AuditLine.action == "import sites")))
    assert [len(line.detail["created"]) for line in lines] == [ROWS_PER_JOB, ROWS_PER_JOB, 130 - 2 * ROWS_PER_JOB]
    assert counts(take(core, admin, *rows)) == {"unchanged": 130}


def test_pieces_are_whole_and_in_order() -> None:
    assert [list(piece) for piece in pieces(range(5), 2)] == [[0, 1], [2, 3], [4]]
    assert list(pieces([], 2)) == []


class _SlowReader:
    """An import that somebody overtakes: between its look at the sites and its first write, a site is added."""

    def __init__(self, core: Core, admin: Actor) -> None:
        self.database = _Overtaken(core, admin)
        self.vault, self.clock = core.vault, core.clock


class _Overtaken:
    def __init__(self, core: Core, admin: Actor) -> None:
        self._core, self._admin = core, admin
        self.writer = self

    def read(self) -> object:
        return self._core.database.read()

    def run(self, job: object, lane: Lane) -> object:
        put_site(
            self._core, self._admin, f"X-{lane}", store(district="송파구", road_address="서울특별시 송파구 라온로 9")
        )
        return self._core.database.writer.run(job, lane)  # type: ignore[arg-type]  # a stand-in passes on what it is given


def test_an_import_that_is_overtaken_says_so_and_makes_nothing_twice(core: Core, admin: Actor) -> None:
    with pytest.raises(Conflict, match="import the file again"):
        import_sites(_SlowReader(core, admin), admin, sites_file(HANBIT), dry_run=False)  # type: ignore[arg-type]  # a stand-in
    assert [site.code for site in sites(core, admin)] == ["X-1"]
    assert counts(take(core, admin, HANBIT)) == {"create": 1}


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "empty"),
        (b"%PDF-1.7 made up", "PDF"),
        (b"PK\x03\x04 made up", ""),
        (SITES_HEADER.encode(), ""),
        (desks_file("1,서울청,서울강동,나래,지구대,서울특별시 강동구 나래로 9"), "desks import"),
    ],
    ids=["empty", "pdf", "zip", "header only", "desks"],
)
def test_a_wrong_file_is_refused_as_a_whole(core: Core, admin: Actor, data: bytes, said: str) -> None:
    with pytest.raises(Invalid) as refused:
        import_sites(core, admin, data, dry_run=False)
    assert said in refused.value.detail
    assert refused.value.facts["problem"]
    assert refused.value.facts["ko"]
    assert sites(core, admin) == []


@pytest.mark.parametrize("dry_run", [True, False])
def test_only_an_administrator_imports_or_looks(core: Core, dry_run: bool) -> None:
    for role in set(Role) - {Role.ADMIN}:
        with pytest.raises(Forbidden):
            import_sites(core, Actor("x", role), sites_file(HANBIT), dry_run=dry_run)


def test_a_site_that_lost_its_place_is_not_overwritten(dispatch: Dispatch) -> None:
    row = type("Row", (), {"facts": None, "sealed": None, "code": "S-1"})()
    with pytest.raises(ValueError, match="neither facts"):
        write_fields(row, {"name": "x"}, Desks([]), dispatch.vault)
