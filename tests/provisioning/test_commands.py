"""`haven-provision` as the technician types it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography import x509

from fake_api import FakeApi
from haven_contract.topics import Up, up
from haven_device.config import load
from haven_provisioning import ca
from haven_provisioning.cli import cli
from haven_provisioning.installation import Installation
from mosquitto import SESSION_FOREVER, Mosquitto, Peer, RefusedError
from pki import Pki, new_request


@dataclass(frozen=True, slots=True)
class Said:
    code: int
    out: str
    err: str


Run = Callable[..., Said]
NO_BROKER = ("--pid-file", "/nonexistent/pid", "--inner", "127.0.0.1:1")


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    monkeypatch.setenv("HAVEN_DIR", str(tmp_path / "haven"))
    monkeypatch.setenv("HAVEN_TOKEN", "t0ken")
    monkeypatch.delenv("HAVEN_SERVER", raising=False)
    monkeypatch.delenv("HAVEN_CA_PASSPHRASE", raising=False)

    def call(*arguments: object) -> Said:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            cli([str(argument) for argument in arguments])
        said = capsys.readouterr()
        code = ended.value.code
        return Said(code if isinstance(code, int) else 0, said.out, said.err)

    return call


def test_the_first_box_from_nothing(run: Run, fake_api: FakeApi, tmp_path: Path) -> None:
    assert run("init", tmp_path / "haven", "--broker-name", "mqtt.example.org").code == 0
    added = run("device", "add", "box-1", "--site", "S-1", "--label", "counter", "--server", fake_api.url)
    assert (added.code, added.err) == (0, "")
    assert [(call.path, call.body) for call in fake_api.calls] == [
        ("/api/v1/devices/box-1", {"site": "S-1", "label": "counter"})
    ]
    settings = load(tmp_path / "haven/devices/box-1/device.toml")
    assert settings.device_id == "box-1"
    assert [str(address) for address in settings.link.brokers] == ["mqtt.example.org:8883"]
    for path in (settings.link.ca, settings.link.certificate, settings.link.key):
        assert path.is_file()
    assert run("status").code == 0


def test_init_a_second_time_is_refused(run: Run, installation: Installation) -> None:
    said = run("init", installation.folder, "--broker-name", "x.example.org")
    assert said.code == 1
    assert "lock out every box" in said.err


def test_add_without_a_server_says_so_loudly_and_may_be_repeated(
    run: Run, installation: Installation, fake_api: FakeApi
) -> None:
    said = run("device", "add", "box-1", "--site", "S-1")
    assert said.code == 1
    assert "FAILED" in said.err
    assert "without an address" in said.err
    before = installation.device("box-1").certificate.read_bytes()
    assert run("device", "add", "box-1", "--site", "S-1", "--server", fake_api.url).code == 0
    assert installation.device("box-1").certificate.read_bytes() == before


def test_add_shows_why_the_server_refused(run: Run, installation: Installation, fake_api: FakeApi) -> None:
    fake_api.answers(404, {"title": "Unknown site", "detail": "No site has the code [S-9]."})
    said = run("device", "add", "box-1", "--site", "S-9", "--server", fake_api.url)
    assert said.code == 1
    assert "No site has the code [S-9]." in said.err


@pytest.mark.parametrize("device", ["dispatch-1", "Box", "../x", "a" * 33])
def test_a_name_that_no_box_may_have_touches_nothing(run: Run, installation: Installation, device: str) -> None:
    before = sorted(installation.folder.rglob("*"))
    for command in (("add", device, "--site", "S-1"), ("renew", device), ("revoke", device)):
        said = run("device", *command)
        assert said.code == 1
        assert "device id" in said.err
    assert sorted(installation.folder.rglob("*")) == before


def test_a_box_that_made_its_own_key(run: Run, installation: Installation, tmp_path: Path, fake_api: FakeApi) -> None:
    key = ca.new_key()
    request = tmp_path / "box.csr"
    request.write_bytes(new_request(key, "root"))
    assert run("device", "add", "box-1", "--site", "S-1", "--csr", request, "--server", fake_api.url).code == 0
    certificate = x509.load_pem_x509_certificate(installation.device("box-1").certificate.read_bytes())
    assert (certificate.subject.rfc4514_string(), certificate.public_key()) == ("CN=box-1", key.public_key())
    assert "--csr" in run("device", "renew", "box-1").err
    assert run("device", "renew", "box-1", "--csr", request).code == 0


def test_renewing_a_box_that_never_was_is_refused(run: Run, installation: Installation) -> None:
    said = run("device", "renew", "box-1")
    assert said.code == 1
    assert "never had" in said.err


def test_a_passphrase_is_asked_for(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fake_api: FakeApi
) -> None:
    monkeypatch.setenv("HAVEN_CA_PASSPHRASE", "correct horse")
    assert run("init", tmp_path / "haven", "--broker-name", "x.example.org").code == 0
    monkeypatch.setenv("HAVEN_CA_PASSPHRASE", "battery staple")
    said = run("device", "add", "box-1", "--site", "S-1", "--server", fake_api.url)
    assert said.code == 1
    assert "passphrase" in said.err
    assert fake_api.calls == []
    assert "battery" not in said.out + said.err


def test_renewing_the_list_without_a_broker_still_writes_it(run: Run, installation: Installation) -> None:
    before = installation.revocation_list_file.read_bytes()
    said = run("crl", "renew", "--pid-file", "/nonexistent/pid")
    assert said.code == 1
    assert "no running broker" in said.err
    assert installation.revocation_list_file.read_bytes() != before


def test_revoke_is_one_act_and_may_be_repeated(run: Run, tmp_path: Path, fake_api: FakeApi) -> None:
    pki = Pki(tmp_path / "haven")
    with (
        Mosquitto(pki.broker_folder, tmp_path / "broker") as broker,
        Peer.server(broker, pki) as server,
        Peer.box(broker, pki, "box-1", will=(up("box-1", Up.STATE), b"offline")) as box,
    ):
        server.subscribe("haven/v1/dispatch/up/+/state")
        command = ["device", "revoke", "box-1", "--reason", "stolen", "--server", fake_api.url]
        where = ["--pid-file", broker.settings.pid_file, "--inner", f"127.0.0.1:{broker.inner_port}"]
        first = run(*command, *where)
        assert (first.code, first.err) == (0, "")
        box.wait_until_gone()
        assert server.next_message().payload == b"offline"
        with pytest.raises(RefusedError), Peer.box(broker, pki, "box-1"):
            pass
        assert run(*command, *where).code == 0
    assert [(call.path, call.body) for call in fake_api.calls] == 2 * [
        ("/api/v1/devices/box-1/revoke", {"reason": "stolen"})
    ]


def test_revoke_goes_on_without_the_server(run: Run, tmp_path: Path) -> None:
    pki = Pki(tmp_path / "haven")
    with Mosquitto(pki.broker_folder, tmp_path / "broker") as broker, Peer.box(broker, pki, "box-1") as box:
        said = run(
            "device", "revoke", "box-1", "--server", "http://127.0.0.1:1",
            "--pid-file", broker.settings.pid_file, "--inner", f"127.0.0.1:{broker.inner_port}",
        )  # fmt: skip
        assert said.code == 1
        assert "STILL CALLS POLICE" in said.err
        assert said.out.count("done") == 3
        box.wait_until_gone()


def test_revoke_without_broker_and_server_still_lists_the_box(run: Run, installation: Installation) -> None:
    run("device", "add", "box-1", "--site", "S-1")
    said = run("device", "revoke", "box-1", *NO_BROKER)
    assert said.code == 1
    assert said.err.count("FAILED") == 3
    assert "1 newly revoked" in said.out
    assert len(x509.load_pem_x509_crl(installation.revocation_list_file.read_bytes())) == 1
    assert "new device id" in run("device", "add", "box-1", "--site", "S-1").err


def test_revoke_registers_a_box_that_the_server_never_heard_of(
    run: Run, installation: Installation, fake_api: FakeApi
) -> None:
    run("device", "add", "box-1", "--site", "S-1")
    fake_api.registered = set()
    said = run("device", "revoke", "box-1", "--server", fake_api.url, *NO_BROKER)
    assert "done Server marks" in said.out
    assert [call.method for call in fake_api.calls] == ["POST", "PUT", "POST"]
    assert fake_api.calls[1].body == {"site": None, "label": None}


def test_revoke_registers_no_box_that_has_no_certificate(
    run: Run, installation: Installation, fake_api: FakeApi
) -> None:
    fake_api.registered = set()
    said = run("device", "revoke", "box-9", "--server", fake_api.url, *NO_BROKER)
    assert "FAILED Server marks" in said.err
    assert fake_api.registered == set()


def test_revoking_an_unknown_box_asks_whether_the_id_is_right(run: Run, installation: Installation) -> None:
    said = run("device", "revoke", "box-9", *NO_BROKER)
    assert "is the id right?" in said.out


def test_broker_and_server_certificates_are_renewed_in_place(run: Run, installation: Installation) -> None:
    paths = [installation.broker_certificate_file, installation.server.certificate]
    before = [path.read_bytes() for path in paths]
    assert run("broker", "renew", "--broker-name", "new.example.org").code == 0
    assert run("server", "renew").code == 0
    assert all(path.read_bytes() != old for path, old in zip(paths, before, strict=True))


def test_broker_config_is_written_elsewhere(run: Run, installation: Installation, tmp_path: Path) -> None:
    assert run("broker", "config", "--out", tmp_path / "b", "--port", "20001").code == 0
    text = (tmp_path / "b/mosquitto.conf").read_text(encoding="utf-8")
    assert "\nlistener 20001\n" in text
    assert f"\ncafile {installation.broker_folder}/device-ca.crt\n" in text


def test_a_server_that_is_gone_is_forgotten(run: Run, tmp_path: Path) -> None:
    pki = Pki(tmp_path / "haven")
    with Mosquitto(pki.broker_folder, tmp_path / "broker") as broker:
        with Peer.server(broker, pki, "dispatch-9", clean_start=False, session_s=SESSION_FOREVER) as server:
            server.subscribe("haven/v1/dispatch/up/+/event")
        assert run("server", "forget", "dispatch-9", "--inner", f"127.0.0.1:{broker.inner_port}").code == 0
        with Peer.server(broker, pki, "dispatch-9", clean_start=False) as server:
            assert not server.session_present


def test_a_box_is_not_forgotten_like_a_server(run: Run, installation: Installation) -> None:
    said = run("server", "forget", "box-1", "--inner", "127.0.0.1:1")
    assert said.code == 1
    assert "dispatch" in said.err
