from pathlib import Path

from device.fakes import START
from haven_device.connection_number import NAME, ConnectionNumber
from haven_device.link_plan import LinkPlan
from haven_device.settings import Address, LinkSettings

BROKERS = (Address("first", 8883), Address("second", 8883))


def plan(jitter: float = 1.0) -> LinkPlan:
    settings = LinkSettings(brokers=BROKERS, ca=Path(), certificate=Path(), key=Path())
    return LinkPlan(settings, 0, jitter=lambda: jitter)


def first_wish(links: LinkPlan, since: int, *, alarm: bool) -> int:
    return next(now for now in range(since, since + 100_000, 100) if links.wants_connect(now, alarm=alarm))


def test_pauses_grow_to_a_minute_and_brokers_take_turns() -> None:
    links, now = plan(), 0
    pauses, hosts = [], []
    for _ in range(8):
        links.connecting(now)
        hosts.append(links.broker.host)
        links.down(now)
        wish = first_wish(links, now, alarm=False)
        pauses.append((wish - now) / 1000)
        now = wish
    assert pauses == [8, 16, 32, 60, 60, 60, 60, 60]
    assert hosts == ["first", "second"] * 4


def test_full_jitter_may_as_well_be_none() -> None:
    links = plan(jitter=0.0)
    links.connecting(0)
    links.down(0)
    assert first_wish(links, 0, alarm=False) == 0


def test_who_has_an_alarm_waits_for_seconds_at_most_and_not_at_all_after_a_steady_connection() -> None:
    links, now = plan(), 0
    for _ in range(8):
        links.connecting(now)
        links.down(now)
        wish = first_wish(links, now, alarm=True)
        assert wish - now <= 5000
        now = wish
    links.connecting(now)
    links.up(now)
    links.down(now + 20_000)
    assert links.wants_connect(now + 20_000, alarm=True)
    assert not links.wants_connect(now + 20_000, alarm=False)
    assert links.broker.host == "first"


def test_the_connection_number_survives_what_can_happen_to_its_file(tmp_path: Path) -> None:
    numbers = ConnectionNumber(tmp_path, lambda: START)
    assert [numbers.next() for _ in range(3)] == [1, 2, 3]
    assert (tmp_path / NAME).stat().st_size == 17
    (tmp_path / NAME).write_bytes(b"\x00" * 17)
    assert ConnectionNumber(tmp_path, lambda: START).next() == int(START.timestamp()) + 1
    (tmp_path / NAME).unlink()
    (tmp_path / NAME).mkdir()
    broken = ConnectionNumber(tmp_path, lambda: None)
    assert [broken.next(), broken.next()] == [1, 2]
