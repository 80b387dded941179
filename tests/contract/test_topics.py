import pytest
from hypothesis import given
from hypothesis import strategies as st

from haven_contract.errors import ContractError
from haven_contract.topics import (
    SERVER_USER,
    Down,
    Up,
    all_down,
    all_up,
    check_device_id,
    down,
    parse_down,
    parse_up,
    up,
)

DEVICES = st.from_regex(r"[a-z0-9-]{1,32}", fullmatch=True).filter(lambda text: not text.startswith("dispatch"))


def matches(topic_filter: str, topic: str) -> bool:
    """MQTT's rule for `+`, the only wildcard used here."""
    ours, theirs = topic_filter.split("/"), topic.split("/")
    return len(ours) == len(theirs) and all(a in ("+", b) for a, b in zip(ours, theirs, strict=True))


def test_topics_are_those_of_the_access_rules() -> None:
    assert [up("seoul-0001", what) for what in Up] == [
        "haven/v1/dispatch/up/seoul-0001/event",
        "haven/v1/dispatch/up/seoul-0001/state",
        "haven/v1/dispatch/up/seoul-0001/heartbeat",
        "haven/v1/dispatch/up/seoul-0001/reply",
    ]
    assert [down("seoul-0001", what) for what in Down] == [
        "haven/v1/dispatch/down/seoul-0001/receipt",
        "haven/v1/dispatch/down/seoul-0001/alive",
        "haven/v1/dispatch/down/seoul-0001/command",
    ]


@given(DEVICES, st.sampled_from(Up), st.sampled_from(Up))
def test_a_topic_up_is_read_back_and_received_by_its_own_filter_only(device: str, what: Up, other: Up) -> None:
    assert parse_up(up(device, what)) == (device, what)
    assert matches(all_up(other), up(device, what)) == (what is other)


@given(DEVICES, DEVICES, st.sampled_from(Down))
def test_a_topic_down_is_read_back_by_its_own_device_only(device: str, other: str, what: Down) -> None:
    assert parse_down(down(device, what), device) is what
    assert matches(all_down(device), down(device, what))
    assert matches(all_down(other), down(device, what)) == (device == other)
    if device != other:
        with pytest.raises(ContractError):
            parse_down(down(device, what), other)


@pytest.mark.parametrize("device", ["a", "0", "-", "seoul-0001", "a" * 32, "my-dispatch"])
def test_a_device_id(device: str) -> None:
    assert check_device_id(device) == device


@pytest.mark.parametrize(
    "device",
    [
        "",
        "A",
        "a_b",
        "a b",
        "a.b",
        "a" * 33,
        SERVER_USER,
        "dispatch-2",
        "dispatcher",
        "+",
        "#",
        "a/b",
        "a+",
        "$SYS",
        "a\n",
        "\na",
        "a\x00",
        "\ud800",
        "가게",
        "a\u0661",
        "ａ",
        "é",
    ],
)
def test_what_is_no_device_id(device: str) -> None:
    with pytest.raises(ContractError) as refusal:
        check_device_id(device)
    assert str(refusal.value).isascii()
    with pytest.raises(ContractError):
        up(device, Up.EVENT)
    with pytest.raises(ContractError):
        down(device, Down.ALIVE)
    with pytest.raises(ContractError):
        all_down(device)
    with pytest.raises(ContractError):
        parse_up(f"haven/v1/dispatch/up/{device}/event")


@pytest.mark.parametrize(
    "topic",
    [
        "",
        "/",
        "haven",
        "haven/v1/dispatch/up/a",
        "haven/v1/dispatch/up/a/event/",
        "haven/v1/dispatch/up/a/event/more",
        "/haven/v1/dispatch/up/a/event",
        "haven/v2/dispatch/up/a/event",
        "haven/v1/other/up/a/event",
        "haven/v1/dispatch/down/a/event",
        "haven/v1/dispatch/up/a/receipt",
        "haven/v1/dispatch/up/a/EVENT",
        "haven/v1/dispatch/up/a/",
        "haven/v1/dispatch/up//event",
        "haven/v1/dispatch/up/+/event",
        "\x00" * 300,
        "\ud800",
    ],
)
def test_what_is_no_topic_of_ours(topic: str) -> None:
    with pytest.raises(ContractError) as refusal:
        parse_up(topic)
    assert len(str(refusal.value)) < 2000
    with pytest.raises(ContractError):
        parse_down(topic, "a")


@given(
    st.text(max_size=60) | st.lists(st.sampled_from(["haven", "v1", "dispatch", "up", "a", "event", ""])).map("/".join)
)
def test_no_topic_raises_anything_else(topic: str) -> None:
    try:
        device, what = parse_up(topic)
    except ContractError:
        return
    assert up(device, what) == topic
