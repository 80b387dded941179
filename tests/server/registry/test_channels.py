import base64

import pytest
from pydantic import ValidationError
from sqlalchemy import select
from standardwebhooks import Webhook

from haven_server.core import Core
from haven_server.desks.channels import delete_channel, put_channel
from haven_server.desks.operations import get_desk, list_desks, save_desk
from haven_server.models import DeskChannel
from haven_server.problems import Conflict, NotFound
from haven_server.sites.operations import put_site
from haven_server.staff.access import Actor, Role
from server.registry.builders import station, store, webhook
from server.scenario import Dispatch

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()


def kept_secret(core: Core) -> str:
    """What the delivery will sign with."""
    with core.database.read() as session:
        sealed = session.execute(select(DeskChannel.sealed_secret)).scalar_one()
    assert b"whsec_" not in sealed
    return core.vault.open(sealed).decode()


@pytest.fixture
def desk(core: Core, admin: Actor) -> int:
    return save_desk(core, admin, station(districts=["강동구"])).id


def test_a_secret_that_haven_makes_is_shown_once_and_fits_standard_webhooks(
    core: Core, admin: Actor, desk: int
) -> None:
    made = put_channel(core, admin, desk, 1, webhook())
    assert made.secret is not None
    assert made.secret == kept_secret(core)
    assert len(base64.b64decode(made.secret.removeprefix("whsec_"))) == 24
    Webhook(made.secret)
    changed = put_channel(core, admin, desk, 1, webhook(url="https://desk.example/new", timeout_s=9))
    assert changed.secret is None
    assert kept_secret(core) == made.secret, "a change without a secret keeps the one that the desk knows"
    assert (changed.url, changed.timeout_s) == ("https://desk.example/new", 9)


def test_a_given_secret_is_kept_and_never_shown(core: Core, admin: Actor, desk: int) -> None:
    assert put_channel(core, admin, desk, 1, webhook(secret=SECRET)).secret is None
    assert kept_secret(core) == SECRET
    assert SECRET not in get_desk(core, admin, desk).model_dump_json()


def test_addresses_are_shown_only_to_who_may_change_them(core: Core, admin: Actor, desk: int) -> None:
    put_channel(core, admin, desk, 2, webhook())
    put_channel(core, admin, desk, 1, webhook(url="http://127.0.0.1:9/x", enabled=False))
    dispatcher = Actor("kim", Role.DISPATCHER)
    assert [channel.url for channel in get_desk(core, dispatcher, desk).channels] == [None, None]
    assert [channel.url for channel in list_desks(core, dispatcher).desks[-1].channels] == [None, None]
    seen = get_desk(core, admin, desk).channels
    assert [(channel.rank, channel.enabled) for channel in seen] == [(1, False), (2, True)]
    assert seen[0].url == "http://127.0.0.1:9/x"


def test_a_channel_that_was_used_stays_on_record(dispatch: Dispatch, core: Core, admin: Actor, desk: int) -> None:
    put_channel(core, admin, desk, 1, webhook())
    put_channel(core, admin, desk, 2, webhook(enabled=False))
    put_site(core, admin, "A-1", store())
    dispatch.box("box-1", "A-1").press()
    with pytest.raises(Conflict, match="enabled to false"):
        delete_channel(core, admin, desk, 1)
    delete_channel(core, admin, desk, 2)
    assert [channel.rank for channel in get_desk(core, admin, desk).channels] == [1]
    with pytest.raises(NotFound, match="no channel 2"):
        delete_channel(core, admin, desk, 2)


def test_a_disabled_channel_is_not_used(dispatch: Dispatch, core: Core, admin: Actor, desk: int) -> None:
    put_channel(core, admin, desk, 1, webhook(enabled=False))
    put_channel(core, admin, desk, 2, webhook(url="https://desk.example/second"))
    put_site(core, admin, "A-1", store())
    dispatch.box("box-1", "A-1").press()
    dispatch.work()
    assert [call["channel"] for call in dispatch.calls] == ["https://desk.example/second"]


def test_an_unknown_desk_has_no_channels(core: Core, admin: Actor) -> None:
    with pytest.raises(NotFound, match="no desk 99"):
        put_channel(core, admin, 99, 1, webhook())


@pytest.mark.parametrize(
    "facts",
    [
        {"url": "ftp://desk.example/"},
        {"url": "https://"},
        {"url": "desk.example"},
        {"url": "https://user:word@desk.example/"},
        {"url": "https://desk.example/#part"},
        {"url": "https://desk.example:99999/"},
        {"url": "https://desk.example/a b"},
        {"url": "https://desk.example/\r\nX: y"},
        {"secret": "whsec_short"},
        {"secret": "whsec_" + base64.b64encode(bytes(23)).decode()},
        {"secret": "whsec_" + base64.b64encode(bytes(65)).decode()},
        {"secret": base64.b64encode(bytes(32)).decode()},
        {"timeout_s": 0.9},
        {"timeout_s": 30.1},
        {"concurrency": 0},
        {"concurrency": 257},
        {"kind": "carrier-pigeon"},
    ],
)
def test_what_no_delivery_could_use_is_refused(facts: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        webhook(**facts)
