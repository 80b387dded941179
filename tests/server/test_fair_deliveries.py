"""The backlog of a desk that does not answer leaves room for the others."""

import pytest
from sqlalchemy import select, update

from haven_server.models import Delivery, DeskChannel
from haven_server.police.deliveries import SHARE, claim_due, release
from server.scenario import Dispatch

BACKLOG = 2 * SHARE


@pytest.fixture
def backlog(dispatch: Dispatch) -> tuple[int, int]:
    """Channel of a desk with a long backlog, and of one with a single delivery, the newest of all."""
    for desk, district, stores in (("silent", "강남구", BACKLOG), ("quick", "마포구", 1)):
        dispatch.desk(desk, districts=(district,))
        for number in range(stores):
            dispatch.store(f"{desk}-{number}", district=district)
            dispatch.box(f"{desk}-{number}", f"{desk}-{number}").press()
    now = dispatch.clock.now()
    dispatch.core.database.writer.run(
        lambda session: session.execute(update(Delivery).values(next_at=now, claimed_by=None, attempts=0))
    )
    with dispatch.core.database.read() as session:
        silent, quick = session.scalars(select(DeskChannel.id).order_by(DeskChannel.id)).all()
    return silent, quick


def claimed(dispatch: Dispatch, *, limit: int = 256, full: tuple[int, ...] = ()) -> list[int]:
    """Channels of the deliveries that a server takes."""
    now = dispatch.clock.now()
    ids = dispatch.core.database.writer.run(lambda s: claim_due(s, "server1", now, [], limit, full=full))
    with dispatch.core.database.read() as session:
        return list(session.scalars(select(Delivery.channel_id).where(Delivery.id.in_(ids))))


def test_each_channel_gets_its_share(dispatch: Dispatch, backlog: tuple[int, int]) -> None:
    silent, quick = backlog
    taken = claimed(dispatch)
    assert taken.count(silent) == SHARE
    assert taken.count(quick) == 1


def test_a_channel_with_enough_in_hand_gets_no_more(dispatch: Dispatch, backlog: tuple[int, int]) -> None:
    silent, quick = backlog
    assert claimed(dispatch, full=(silent,)) == [quick]


def test_what_was_given_back_untried_counts_as_no_attempt(dispatch: Dispatch, backlog: tuple[int, int]) -> None:
    now = dispatch.clock.now()
    ids = dispatch.core.database.writer.run(lambda s: claim_due(s, "server1", now, [], 5))
    dispatch.core.database.writer.run(lambda session: release(session, ids, now))
    with dispatch.core.database.read() as session:
        assert set(session.scalars(select(Delivery.attempts))) == {0}
