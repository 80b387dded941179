"""Promise 10: nobody learns where a protected woman lives without a role that needs it now and a line in the audit."""

import json

import pytest
from sqlalchemy import text

from haven_contract.words import Kind
from haven_server.core import Core
from haven_server.devices.open_tests import open_test
from haven_server.devices.operations import put_device
from haven_server.devices.views import DeviceForm
from haven_server.sites.operations import close_site, get_site, list_sites, put_site
from haven_server.sites.views import SiteView
from haven_server.staff.access import Actor, Role
from server.registry.builders import audited, home, store
from server.scenario import Box, Dispatch

SECRETS = ("나래로 3", "502호", "010-5555-0117", "보호자", "초인종", "가구 17", "37.54", "127.14")


@pytest.fixture
def box(dispatch: Dispatch, core: Core, admin: Actor) -> Box:
    """A box in the home H-1."""
    put_site(core, admin, "H-1", home())
    put_device(core, admin, "box-h", DeviceForm(site="H-1"))
    return Box(dispatch, "box-h")


def shows(view: SiteView) -> bool:
    """Whether all of it is shown; what is neither all nor nothing fails."""
    told = json.dumps(view.model_dump(mode="json"), ensure_ascii=False)
    found = [secret for secret in SECRETS if secret in told]
    assert found in ([], list(SECRETS))
    assert view.masked == (not found)
    return bool(found)


def who_sees(core: Core) -> set[Role]:
    """Roles to which the home is shown, each of which must be in the audit trail with its look, and no other."""
    seen = {role for role in Role if shows(get_site(core, Actor(f"x {role}", role), "H-1"))}
    looks = {actor for actor, action, subject in audited(core) if (action, subject) == ("see home", "H-1")}
    assert looks == {f"x {role}" for role in seen}
    return seen


def test_without_an_incident_only_the_administrator_sees_a_home(core: Core, box: Box) -> None:
    assert who_sees(core) == {Role.ADMIN}


def test_in_an_open_incident_those_who_handle_it_see_the_home(core: Core, box: Box) -> None:
    box.press()
    assert who_sees(core) == {Role.ADMIN, Role.DISPATCHER, Role.POLICE}


def test_each_look_is_a_line_and_the_end_of_the_incident_ends_it(dispatch: Dispatch, core: Core, box: Box) -> None:
    dispatcher = Actor("kim", Role.DISPATCHER)
    box.press()
    assert shows(get_site(core, dispatcher, "H-1"))
    assert shows(get_site(core, dispatcher, "H-1"))
    dispatch.close(dispatch.only_incident())
    assert not shows(get_site(core, dispatcher, "H-1"))
    assert audited(core).count(("kim", "see home", "H-1")) == 2


def test_a_test_lays_no_home_open(dispatch: Dispatch, core: Core, box: Box) -> None:
    dispatcher = Actor("kim", Role.DISPATCHER)
    open_test(core, dispatcher, "box-h", "button:counter")
    box.press("button:counter", Kind.PANIC)
    assert [event.is_test for event in dispatch.events()] == [True]
    assert not shows(get_site(core, dispatcher, "H-1"))


def test_an_incident_at_another_site_lays_no_home_open(dispatch: Dispatch, core: Core, admin: Actor, box: Box) -> None:
    put_site(core, admin, "A-1", store())
    put_device(core, admin, "box-a", DeviceForm(site="A-1"))
    Box(dispatch, "box-a").press()
    assert not shows(get_site(core, Actor("kim", Role.DISPATCHER), "H-1"))


def test_lists_and_answers_to_changes_never_show_a_home(core: Core, admin: Actor, box: Box) -> None:
    box.press()
    (listed,) = list_sites(core, admin).sites
    assert not shows(listed)
    assert not shows(put_site(core, admin, "H-1", home()))
    assert not shows(close_site(core, admin, "H-1"))


def test_the_database_holds_no_word_of_a_home_in_the_clear(core: Core, box: Box) -> None:
    box.press()
    with core.database.read() as session:
        tables = ("site", "incident", "incident_step", "event", "notice", "delivery", "audit_line", "device")
        rows = [str(session.execute(text(f"SELECT * FROM {table}")).all()) for table in tables]
    stored = "\n".join(rows)
    assert "H-1" in stored
    assert [secret for secret in SECRETS if secret in stored] == []
