from datetime import UTC, datetime, timedelta, timezone, tzinfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haven_contract.errors import ContractError
from haven_contract.instants import read_instant, write_instant

KST = timezone(timedelta(hours=9))
OFFSETS = st.timedeltas(timedelta(hours=-23, minutes=-59), timedelta(hours=23, minutes=59)).map(
    lambda offset: timezone(timedelta(minutes=offset // timedelta(minutes=1)))
)


class NoOffset(tzinfo):
    """A zone that does not know its offset: Python then takes the instant for local time."""

    def utcoffset(self, _when: datetime | None) -> None:
        return None

    dst = tzname = utcoffset


@pytest.mark.parametrize(
    ("instant", "text"),
    [
        (datetime(2026, 11, 21, 3, 4, 5, 678_999, UTC), "2026-11-21T03:04:05.678Z"),
        (datetime(2026, 11, 21, 12, 4, 5, tzinfo=KST), "2026-11-21T03:04:05.000Z"),
        (datetime(1, 1, 1, tzinfo=UTC), "0001-01-01T00:00:00.000Z"),
        (datetime(9999, 12, 31, 23, 59, 59, 999_999, UTC), "9999-12-31T23:59:59.999Z"),
    ],
)
def test_an_instant_is_written_in_utc_to_the_millisecond(instant: datetime, text: str) -> None:
    assert write_instant(instant) == text
    assert write_instant(read_instant(text)) == text


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-11-21T03:04:05Z", datetime(2026, 11, 21, 3, 4, 5, tzinfo=UTC)),
        ("2026-11-21T12:04:05.678+09:00", datetime(2026, 11, 21, 3, 4, 5, 678_000, UTC)),
        ("2026-11-21T03:04:05-00:00", datetime(2026, 11, 21, 3, 4, 5, tzinfo=UTC)),
        ("0001-01-01T00:00:00-09:00", datetime(1, 1, 1, 9, tzinfo=UTC)),
        ("9999-12-31T23:59:59.999+09:00", datetime(9999, 12, 31, 14, 59, 59, 999_000, UTC)),
    ],
)
def test_an_instant_of_any_zone_is_read(text: str, instant: datetime) -> None:
    assert read_instant(text) == instant
    assert read_instant(text).tzinfo is UTC


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "2026-11-21",
        "2026-11-21T03:04:05",
        "0001-01-01T00:00:00",
        "9999-12-31T23:59:59",
        "1700000000",
        "0000-01-01T00:00:00Z",
        "10000-01-01T00:00:00Z",
        "2026-02-30T00:00:00Z",
        "2026-11-21T03:04:61Z",
        "Z",
        "2026-11-21T03:04:05+24:00",
        "0001-01-01T00:00:00+23:59",
        "9999-12-31T23:59:59-23:59",
        "\ud800",
        "\x00" * 100,
    ],
)
def test_what_is_no_instant_or_has_no_zone(text: str) -> None:
    with pytest.raises(ContractError) as refusal:
        read_instant(text)
    assert str(refusal.value).isascii()


@pytest.mark.parametrize(
    "instant",
    [
        datetime(2026, 11, 21, 3, 4, 5),  # noqa: DTZ001 - the missing zone is the point
        datetime(2026, 11, 21, 3, 4, 5, tzinfo=NoOffset()),
        datetime(1, 1, 1, tzinfo=KST),
        datetime(9999, 12, 31, 23, tzinfo=timezone(timedelta(hours=-5))),
    ],
)
def test_what_cannot_be_written(instant: datetime) -> None:
    with pytest.raises(ContractError):
        write_instant(instant)


@given(st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=OFFSETS))  # noqa: DTZ001 - as Hypothesis asks
def test_an_instant_survives_to_the_millisecond(instant: datetime) -> None:
    again = read_instant(write_instant(instant))
    assert timedelta(0) <= instant - again < timedelta(milliseconds=1)


@given(st.text(alphabet="0123456789-:.TZW+ \ud800", max_size=40) | st.text(max_size=40))
def test_no_text_raises_anything_else(text: str) -> None:
    try:
        instant = read_instant(text)
    except ContractError:
        return
    assert instant.tzinfo is UTC
    write_instant(instant)
