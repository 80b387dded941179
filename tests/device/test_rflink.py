from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haven_device.radio.frames import Auth, Frame, PendantFrame, ReceiverFrame
from haven_device.radio.rflink import MAX_LINE, RFLink

PRESS = b"20;01;EV1527;ID=0a1b2c;SWITCH=01;CMD=ON;\r\n"
STREAM = (
    b"20;00;Nodo RadioFrequencyLink - RFLink Gateway V1.1 - R48;\r\n"
    b"20;01;PONG;\r\n" + PRESS + b"20;3B;NewKaku;ID=cac142;SWITCH=3;CMD=OFF;\r\n"
    b"20;3C;X10;ID=0041;SWITCH=1;CMD=ALLON;BAT=LOW;\r\n"
    b"20;3D;Oregon TempHygro;ID=2D92;TEMP=00e8;HUM=42;BAT=OK;\r\n"
)
JUNK = st.binary(max_size=80) | st.text(alphabet="20;EV1527ID=abc\r\n", max_size=80).map(str.encode)


def read(*pieces: bytes) -> tuple[list[Frame], int]:
    driver = RFLink()
    frames = [frame for piece in pieces for frame in driver.feed(piece)]
    return frames, driver.errors


def only(data: bytes) -> PendantFrame:
    (frame,), errors = read(data)
    assert isinstance(frame, PendantFrame)
    assert errors == 0
    return frame


def test_a_press_with_everything_it_says() -> None:
    frame = only(PRESS)
    assert (frame.pendant, frame.button, frame.pressed, frame.battery_low) == ("0a1b2c", "01", True, None)
    assert frame.raw == PRESS.decode().strip()


@pytest.mark.parametrize(
    ("command", "pressed"), [("ON", True), ("ALLON", True), ("OFF", False), ("ALLOFF", False), ("SET_LEVEL=3", False)]
)
def test_only_on_is_a_press(command: str, pressed: bool) -> None:
    assert only(f"20;07;Kaku;ID=41;SWITCH=1;CMD={command};\n".encode()).pressed is pressed


@pytest.mark.parametrize(("word", "low"), [("LOW", True), ("OK", False), ("low", True)])
def test_battery(word: str, low: bool) -> None:
    assert only(f"20;07;Kaku;ID=41;SWITCH=1;CMD=ON;BAT={word};\n".encode()).battery_low is low


def test_ids_are_read_in_either_case() -> None:
    assert only(PRESS.replace(b"0a1b2c", b"0A1B2C")).pendant == "0a1b2c"


def test_the_receivers_own_lines_are_a_sign_of_life() -> None:
    for line in (b"20;00;Nodo RadioFrequencyLink - RFLink Gateway V1.1 - R48;\r\n", b"20;99;PONG;\r\n"):
        frames, errors = read(line)
        assert [type(frame) for frame in frames] == [ReceiverFrame]
        assert errors == 0
        assert RFLink().probe().is_answer(frames[0])


@pytest.mark.parametrize(
    "line",
    [
        b"20;01;EV1527;ID=0a1b2c;SWITCH=01;CMD=ON\r\n",
        b"20;01;EV1527;ID=0a1b\r\n",
        b"20;01;EV1527;ID=;SWITCH=01;CMD=ON;\r\n",
        b"20;01;EV1527;ID=zz;SWITCH=01;CMD=ON;\r\n",
        b"20;01;EV1527;SWITCH=01;CMD=ON;\r\n",
        b"20;01;EV1527;ID=0a1b2c;SWITCH;CMD=ON;\r\n",
        b"10;01;EV1527;ID=0a1b2c;SWITCH=01;CMD=ON;\r\n",
        b"20;01;EV\x001527;ID=0a1b2c;SWITCH=01;CMD=ON;\r\n",
        b"20;01;;\r\n",
        b"hello\n",
    ],
)
def test_a_line_that_is_not_whole_is_counted_and_nothing_else(line: bytes) -> None:
    assert read(line) == ([], 1)


def test_a_line_waits_for_its_end() -> None:
    driver = RFLink()
    assert driver.feed(PRESS[:-2]) == []
    assert len(driver.feed(b"\n")) == 1


def test_a_half_line_before_an_unplugging_does_not_spoil_the_next() -> None:
    driver = RFLink()
    driver.feed(b"20;01;EV1527;ID=0a1b")
    driver.reset()
    assert len(driver.feed(PRESS)) == 1
    assert driver.errors == 0


def test_byte_by_byte_gives_the_same_as_whole() -> None:
    whole = read(STREAM)
    assert len(whole[0]) == 6
    assert whole[1] == 0
    assert read(*(bytes([byte]) for byte in STREAM)) == whole


@given(st.lists(st.integers(0, len(STREAM)), max_size=8))
def test_split_anywhere_gives_the_same(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(STREAM)]
    assert read(*(STREAM[a:b] for a, b in pairwise(edges))) == read(STREAM)


@given(st.lists(JUNK, max_size=10))
def test_noise_gives_frames_or_counted_errors_in_a_bounded_buffer(pieces: list[bytes]) -> None:
    driver = RFLink()
    for piece in pieces:
        for frame in driver.feed(piece * 8):
            assert frame.raw.endswith(";")
        assert len(driver._buffer) <= MAX_LINE
    assert (read(*pieces)) == read(b"".join(pieces))


@given(st.binary(max_size=600).filter(lambda noise: b"20;" not in noise))
def test_a_press_after_noise_is_heard(noise: bytes) -> None:
    frames, _ = read(noise + PRESS)
    assert [frame.pendant for frame in frames if isinstance(frame, PendantFrame)] == ["0a1b2c"]


@given(st.integers(0, len(PRESS) - 3), st.integers(0, 255))
def test_a_flipped_byte_is_never_an_exception(position: int, byte: int) -> None:
    damaged = PRESS[:position] + bytes([byte]) + PRESS[position + 1 :]
    frames, errors = read(damaged)
    assert len(frames) + errors >= 1


def test_what_it_promises() -> None:
    assert RFLink.capabilities.auth is Auth.FIXED
    assert RFLink.capabilities.supervision_s is None
