"""Calls to the dispatch server, and what the technician reads when one fails."""

import socket
import threading
from pathlib import Path

import pytest

from fake_api import Call, FakeApi
from haven_provisioning.api import ServerApi
from haven_provisioning.errors import ServerError, WrongInputError


def server(api: FakeApi) -> ServerApi:
    return ServerApi(url=api.url, token="t0ken", timeout_s=0.5)


def test_a_box_is_assigned(fake_api: FakeApi) -> None:
    server(fake_api).assign("box-1", "S-0001", "counter")
    body = {"site": "S-0001", "label": "counter"}
    assert fake_api.calls == [Call("PUT", "/api/v1/devices/box-1", "Bearer t0ken", body)]


def test_a_box_is_revoked(fake_api: FakeApi) -> None:
    server(fake_api).revoke("box-1", "stolen")
    assert fake_api.calls == [Call("POST", "/api/v1/devices/box-1/revoke", "Bearer t0ken", {"reason": "stolen"})]


def test_a_problem_document_is_shown_in_its_own_words(fake_api: FakeApi) -> None:
    fake_api.answers(404, {"title": "Unknown site", "detail": "No site has the code S-9.", "status": 404})
    with pytest.raises(ServerError, match=r"404 Unknown site: No site has the code S-9\."):
        server(fake_api).assign("box-1", "S-9", None)


@pytest.mark.parametrize("content", [b"", b"<html>", b"[]", b"\xff", b'{"title":null}', b'{"title":{"a":1}}'])
def test_an_answer_without_a_problem_document_still_tells_the_code(fake_api: FakeApi, content: bytes) -> None:
    fake_api.answers(502, content)
    with pytest.raises(ServerError, match="502 "):
        server(fake_api).revoke("box-1", "stolen")


def test_a_refused_token_is_hinted_at_and_not_shown(fake_api: FakeApi) -> None:
    fake_api.answers(401, {"title": "Not signed in"})
    with pytest.raises(ServerError, match="HAVEN_TOKEN") as refused:
        server(fake_api).revoke("box-1", "stolen")
    assert "t0ken" not in str(refused.value)
    assert "t0ken" not in repr(server(fake_api))


def test_the_token_follows_no_redirect(fake_api: FakeApi) -> None:
    fake_api.answers(302, b"", location=f"{fake_api.url}/elsewhere")
    with pytest.raises(ServerError, match="302"):
        server(fake_api).revoke("box-1", "stolen")
    assert len(fake_api.calls) == 1


def test_an_endless_answer_is_cut(fake_api: FakeApi) -> None:
    fake_api.answers(500, {"title": "x" * 100_000})
    with pytest.raises(ServerError) as cut:
        server(fake_api).revoke("box-1", "stolen")
    assert len(str(cut.value)) < 700


def test_a_server_that_is_away_is_told() -> None:
    with pytest.raises(ServerError, match="cannot be reached"):
        ServerApi(url="http://127.0.0.1:1", token="t").revoke("box-1", "stolen")


def test_a_server_that_keeps_silent_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(ServerError):
            ServerApi(url=url, token="t", timeout_s=0.2).revoke("box-1", "stolen")


def test_a_server_that_talks_no_http_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as odd:
        thread = threading.Thread(target=_say_nonsense, args=(odd,))
        thread.start()
        with pytest.raises(ServerError):
            ServerApi(url=f"http://127.0.0.1:{odd.getsockname()[1]}", token="t", timeout_s=1).revoke("box-1", "stolen")
        thread.join()


def _say_nonsense(listener: socket.socket) -> None:
    connection, _ = listener.accept()
    with connection:
        connection.recv(10_000)
        connection.sendall(b"220 mail.example.org ESMTP\r\n")


@pytest.mark.parametrize(
    "url", ["", "host", "ftp://host", "file:///etc/passwd", "https://", "http://host/api", "http://h?x"]
)
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(WrongInputError, match="address"):
        ServerApi(url=url, token="t")


@pytest.mark.parametrize("token", ["", "two\nlines", "토큰"])
def test_a_token_that_is_none_is_refused(token: str) -> None:
    with pytest.raises(WrongInputError, match="HAVEN_TOKEN"):
        ServerApi(url="https://host", token=token)


def test_an_authority_that_is_none_is_told(tmp_path: Path) -> None:
    for authority in (tmp_path / "missing.crt", Path(__file__)):
        with pytest.raises(WrongInputError, match="authority"):
            ServerApi(url="https://127.0.0.1:1", token="t", authority=authority).revoke("box-1", "stolen")
