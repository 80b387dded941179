"""The webhook channel against a real HTTP desk: what counts as alerted, and what never does."""

import asyncio
import dataclasses
import socket
import threading
import time
from collections.abc import Callable, Iterator
from zoneinfo import ZoneInfo

import pytest

from haven_demo.broker import free_port
from haven_server.police.channel import Answer
from haven_server.police.deliveries import Parcel
from haven_server.police.message import Told
from haven_server.police.webhook import MAX_ANSWER, WebhookChannel
from server.clocks import BEGINNING
from server.fakes.webhook_desk import SECRET, Call, WebhookDesk, webhook_desk

SEOUL = ZoneInfo("Asia/Seoul")
TOLD = Told(
    incident_id=42, event_row=7, number=0, is_test=False, event_id="e-1", device_id="box-1", kind="holdup",
    source="button:counter", input_label="계산대", pressed_at=BEGINNING, received_at=BEGINNING,
    first_pressed_at=BEGINNING, presses=1, flags=[], state="open", site=None, place=None, desk="강남경찰서",
    desk_phone=None, linked_id=None,
)  # fmt: skip
PARCEL = Parcel(
    delivery_id=1, notice_id=1, channel_id=1, channel_kind="webhook", url="", secret=SECRET, timeout_s=5.0,
    concurrency=4, told=TOLD, told_until=7,
)  # fmt: skip


@pytest.fixture
def desk() -> Iterator[WebhookDesk]:
    with webhook_desk() as running:
        yield running


def deliver(url: str, *, times: int = 1, timeout_s: float = 5.0) -> list[Answer]:
    """Through one channel, one after the other."""

    async def run() -> list[Answer]:
        channel = WebhookChannel(SEOUL)
        try:
            parcel = dataclasses.replace(PARCEL, url=url, timeout_s=timeout_s)
            return [await channel.deliver(parcel) for _ in range(times)]
        finally:
            await channel.close()

    return asyncio.run(run())


def test_an_answer_with_our_incident_means_alerted(desk: WebhookDesk) -> None:
    assert deliver(desk.url) == [Answer(alerted=True)]
    (call,) = desk.calls
    assert call.key == "HV-42:7"
    assert call.body["incident"] == "HV-42"
    assert "계산대" in call.body["what"]["pressed"]["ko"]
    assert desk.forged == []


def test_a_wrong_secret_would_be_noticed_by_the_desk(desk: WebhookDesk) -> None:
    async def run() -> Answer:
        channel = WebhookChannel(SEOUL)
        try:
            return await channel.deliver(dataclasses.replace(PARCEL, url=desk.url, secret="whsec_AAAA"))
        finally:
            await channel.close()

    assert not asyncio.run(run()).alerted
    assert len(desk.forged) == 1
    assert desk.calls == []


def test_a_kept_connection_is_used_again(desk: WebhookDesk) -> None:
    assert all(answer.alerted for answer in deliver(desk.url, times=5))
    assert len({call.peer for call in desk.calls}) == 1


def test_an_answer_in_pieces_is_read_whole(desk: WebhookDesk) -> None:
    def in_pieces(call: Call) -> None:
        answer = b'{"received":true,"incident":"HV-42"}'
        call.handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(answer))
        for byte in answer:
            call.handler.wfile.write(bytes([byte]))
            call.handler.wfile.flush()
            time.sleep(0.002)  # so that the pieces travel apart

    desk.behave = in_pieces
    assert deliver(desk.url) == [Answer(alerted=True)]


@pytest.mark.parametrize(
    ("behave", "said"),
    [
        pytest.param(lambda call: call.answer(200, b"<html>OK</html>"), "no JSON", id="a proxy says OK"),
        pytest.param(lambda call: call.answer(200, b""), "no JSON", id="nothing"),
        pytest.param(lambda call: call.answer(204, b""), "no JSON", id="no content"),
        pytest.param(lambda call: call.answer(200, b'"HV-42"'), "no JSON", id="a bare word"),
        pytest.param(lambda call: call.answer(200, b'{"ok":true}'), "no JSON", id="no incident"),
        pytest.param(lambda call: call.answer(200, b"[" * 60_000), "no JSON", id="nested too deeply"),
        pytest.param(lambda call: call.answer(200, b"\xff\xfe\x00"), "no JSON", id="not text"),
        pytest.param(lambda call: call.answer(200, b'{"incident":"HV-43"}'), "another incident", id="another incident"),
        pytest.param(lambda call: call.answer(200, b'{"incident":["HV-42"]}'), "another incident", id="a list"),
        pytest.param(lambda call: call.answer(302, Location="/elsewhere"), "HTTP 302", id="a redirect"),
        pytest.param(lambda call: call.answer(500), "HTTP 500", id="its own fault"),
        pytest.param(lambda call: call.answer(401), "HTTP 401", id="it does not know us"),
        pytest.param(lambda call: call.hang_up(), "Error", id="hangs up"),
    ],
)
def test_what_does_not_name_our_incident_is_not_alerted(
    desk: WebhookDesk, behave: Callable[[Call], None], said: str
) -> None:
    desk.behave = behave
    (answer,) = deliver(desk.url)
    assert not answer.alerted
    assert said in str(answer.error)
    assert len(desk.calls) == 1


def test_an_endless_answer_is_cut_off(desk: WebhookDesk) -> None:
    padding = b'{"incident":"HV-42","padding":"' + b"x" * 20 * MAX_ANSWER + b'"}'
    desk.behave = lambda call: call.answer(200, padding)
    (answer,) = deliver(desk.url)
    assert not answer.alerted


def test_a_desk_that_does_not_answer_is_left_after_its_time(desk: WebhookDesk) -> None:
    desk.behave = desk.wait
    began = time.monotonic()
    (answer,) = deliver(desk.url, timeout_s=0.2)
    assert answer == Answer(alerted=False, error="no answer within 0.2 s")
    assert time.monotonic() - began < 3


def test_an_answer_that_drips_is_left_after_its_time_too(desk: WebhookDesk) -> None:
    def drip(call: Call) -> None:
        call.handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{")
        desk.wait(call)

    desk.behave = drip
    assert deliver(desk.url, timeout_s=0.2) == [Answer(alerted=False, error="no answer within 0.2 s")]


def test_nobody_listens() -> None:
    (answer,) = deliver(f"http://127.0.0.1:{free_port()}/")
    assert not answer.alerted
    assert "127.0.0.1" in str(answer.error)


@pytest.mark.parametrize("url", ["", "no address", "http://[", "ftp://127.0.0.1/", "http://127.0.0.1:99999/"])
def test_an_address_that_is_none_is_an_answer_and_no_crash(url: str) -> None:
    assert not deliver(url)[0].alerted


def test_who_does_not_speak_http_is_not_alerted() -> None:
    with socket.create_server(("127.0.0.1", free_port())) as server:

        def mumble() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65_536)
                connection.sendall(b"\x00\x01\x02 \xff no HTTP at all\r\n\r\n")

        thread = threading.Thread(target=mumble)
        thread.start()
        (answer,) = deliver(f"http://127.0.0.1:{server.getsockname()[1]}/")
        thread.join(10)
    assert not answer.alerted


def test_after_failures_of_every_sort_it_works_again(desk: WebhookDesk) -> None:
    desk.behaviours = [lambda call: call.answer(500), lambda call: call.hang_up(), lambda call: call.answer(200, b"?")]
    assert [answer.alerted for answer in deliver(desk.url, times=4)] == [False, False, False, True]
    assert len({call.key for call in desk.calls}) == 1
