"""`haven-server run` as a process: what is amiss at the start is one line, and a running server is left in peace."""

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from haven_demo.broker import free_port
from haven_server.problems import Misconfigured
from haven_server.settings import Settings
from haven_server.startup import check_papers
from mosquitto import Mosquitto
from pki import Pki, pki
from server.live import eventually

__all__ = ["pki"]

COMMAND = [sys.executable, "-m", "haven_server", "run"]
END_S = 20


@pytest.fixture
def settings(pki: Pki, tmp_path: Path) -> dict[str, str]:
    """Of a server whose broker is not there."""
    return {
        "HAVEN_STATE": str(tmp_path / "state"),
        "HAVEN_BROKERS": "127.0.0.1:1",
        "HAVEN_HTTP_PORT": str(free_port()),
        "HAVEN_MQTT_CA": str(pki.server.ca),
        "HAVEN_MQTT_CERT": str(pki.server.certificate),
        "HAVEN_MQTT_KEY": str(pki.server.key),
    }


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("HAVEN_")} | dict(settings)


def refusal(settings: Mapping[str, str]) -> str:
    """The one line with which it ends."""
    done = subprocess.run(
        COMMAND, check=False, env=environment(settings), capture_output=True, text=True, timeout=END_S
    )
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    return line.removeprefix("haven-server: ")


@contextmanager
def process(settings: Mapping[str, str], log: Path) -> "Iterator[subprocess.Popen[bytes]]":
    with log.open("wb") as file:
        server = subprocess.Popen(COMMAND, env=environment(settings), stdout=file, stderr=file)
    try:
        yield server
    finally:
        server.kill()
        server.wait()


def answers(settings: Mapping[str, str], path: str, status: int = 200) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{settings['HAVEN_HTTP_PORT']}{path}", timeout=5) as answer:
            return bool(answer.status == status)
    except urllib.error.HTTPError as error:
        return error.code == status
    except OSError:
        return False


def test_a_taken_port_ends_it_before_broker_and_database_are_touched(settings: dict[str, str], tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as broker, socket.create_server(("127.0.0.1", 0)) as other:
        settings["HAVEN_BROKERS"] = f"127.0.0.1:{broker.getsockname()[1]}"
        settings["HAVEN_HTTP_PORT"] = str(other.getsockname()[1])
        told = refusal(settings)
        broker.setblocking(False)
        with pytest.raises(BlockingIOError):
            broker.accept()
    address = f"127.0.0.1:{settings['HAVEN_HTTP_PORT']}"
    assert f"{address} cannot be used (Address already in use); another server may run here already" in told
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize("name", ["mqtt_ca", "mqtt_cert", "mqtt_key"])
def test_a_missing_paper_for_the_broker_is_named(pki: Pki, name: str) -> None:
    papers = Settings(mqtt_ca=pki.server.ca, mqtt_cert=pki.server.certificate, mqtt_key=pki.server.key)
    check_papers(papers)
    with pytest.raises(Misconfigured, match=f"HAVEN_{name.upper()}: /nonexistent/paper cannot be read: No such file"):
        check_papers(papers.model_copy(update={name: Path("/nonexistent/paper")}))


def test_a_folder_is_no_paper(settings: dict[str, str], tmp_path: Path) -> None:
    settings["HAVEN_MQTT_KEY"] = str(tmp_path)
    assert refusal(settings) == f"HAVEN_MQTT_KEY: {tmp_path} cannot be read: Is a directory"


def test_it_runs_keeps_its_files_to_itself_speaks_json_alone_and_ends_in_order(
    settings: dict[str, str], pki: Pki, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    with Mosquitto(pki.broker_folder, tmp_path / "broker") as broker:
        settings["HAVEN_BROKERS"] = f"127.0.0.1:{broker.inner_port}"
        with process(settings, log) as server:
            eventually(lambda: answers(settings, "/readyz"), "ready")
            server.send_signal(signal.SIGTERM)
            assert server.wait(END_S) == 0
        assert "Client dispatch/server1/alarms disconnected." in broker.log()
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert all({"event", "level", "timestamp"} <= line.keys() for line in lines)
    assert {"listening", "Application startup complete."} <= {line["event"] for line in lines}
    for name in ("haven.db", "data.key"):
        assert (tmp_path / "state" / name).stat().st_mode & 0o777 == 0o600


def test_logs_for_people_are_no_json(settings: dict[str, str], tmp_path: Path) -> None:
    log = tmp_path / "log"
    with process(settings | {"HAVEN_LOG_JSON": "false"}, log):
        eventually(lambda: "Application startup complete." in log.read_text())
    assert not any(line.startswith("{") for line in log.read_text().splitlines())
