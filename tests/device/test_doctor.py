import os
import pty
import tty
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from device.fakes import FakeClock
from device.keys import Pki
from device.rig import DEVICE, BoxProcess, Broker, Dispatch, write_config
from haven_device import config
from haven_device.doctor import Finding, Grade, examine
from haven_device.main import cli
from haven_device.pins import Pins, mock_factory
from haven_device.settings import Address, Settings
from haven_device.simulate import SimulatedReceiver
from haven_device.store import NAME, Store
from haven_device.tls_probe import probe


@pytest.fixture
def settings(tmp_path: Path, pki: Pki, broker: Broker) -> Iterator[Settings]:
    found = config.load(write_config(tmp_path, pki, [broker.port]))
    found.data_dir.mkdir()
    with SimulatedReceiver(tmp_path) as receiver:
        assert found.receiver is not None
        yield replace(found, receiver=replace(found.receiver, port=str(receiver.port)))


def alone(settings: Settings) -> Settings:
    """Without brokers and receiver, which take seconds to listen to."""
    return replace(settings, link=replace(settings.link, brokers=()), receiver=None)


def look(settings: Settings, clock: FakeClock | None = None) -> dict[str, Finding]:
    findings = examine(settings, pin_factory=mock_factory(), clock=clock or FakeClock())
    return {finding.what.split()[0]: finding for finding in findings}


def test_a_healthy_box(settings: Settings) -> None:
    found = look(settings)
    assert {what: finding.grade for what, finding in found.items() if finding.grade is not Grade.GOOD} == {}
    assert set(found) == {"button:counter", "sensor:lid", "receiver", "disk", "clock", "certificate", "broker"}
    assert "can be replayed" in found["receiver"].words


def test_it_tells_a_revoked_certificate_from_no_network(tmp_path: Path, pki: Pki, settings: Settings) -> None:
    crl = pki.revocations(settings.link.certificate)
    with Broker(tmp_path / "strict", pki, crl=crl) as strict:
        link = replace(settings.link, brokers=(Address("127.0.0.1", strict.port),))
        finding = look(replace(settings, link=link))["broker"]
        assert finding.grade is Grade.BAD
        assert "revoked" in finding.words
    finding = look(replace(settings, link=link))["broker"]
    assert finding.words == "the machine is there, but no broker runs on this port"


def test_what_the_probe_can_tell(tmp_path: Path, pki: Pki, broker: Broker, settings: Settings) -> None:
    here = Address("127.0.0.1", broker.port)
    foreign = Pki(tmp_path / "foreign")
    certificate, key = foreign.issue(DEVICE)
    stranger = replace(settings.link, certificate=certificate, key=key)
    assert "does not know the CA" in probe(here, stranger, check_time=True).words
    impostor = replace(settings.link, ca=foreign.ca)
    assert "not of our CA" in probe(here, impostor, check_time=True).words
    certificate, key = pki.issue("past", start_days=-9, days=-1)
    ended = replace(settings.link, certificate=certificate, key=key)
    assert "has ended" in probe(here, ended, check_time=True).words
    assert "another name" in probe(Address("127.1", broker.port), settings.link, check_time=True).words
    assert "is not known" in probe(Address("no.such.host.invalid", 8883), settings.link, check_time=True).words
    missing = replace(settings.link, key=tmp_path / "none")
    assert "cannot be used" in probe(here, missing, check_time=True).words
    assert probe(here, settings.link, check_time=True).mend == ""


def test_certificate_and_key(tmp_path: Path, pki: Pki, settings: Settings) -> None:
    def words(certificate: Path, key: Path) -> str:
        link = replace(settings.link, certificate=certificate, key=key, brokers=())
        return " ".join(
            str(finding)
            for finding in examine(replace(settings, link=link, receiver=None), pin_factory=mock_factory(), clock=clock)
        )

    clock = FakeClock()
    mine, key = pki.issue(DEVICE)
    other, other_key = pki.issue("store-0002")
    assert "the key does not belong to it" in words(mine, other_key)
    assert "is for store-0002, but this is store-0001" in words(other, other_key)
    assert "ends soon" in words(*pki.issue("soon", days=5))
    assert "has ended" in words(*pki.issue("past", start_days=-9, days=-1))
    assert "a file cannot be read" in words(tmp_path / "none", key)
    assert "no PEM of its kind" in words(key, key)
    mine, key = pki.issue(DEVICE)
    key.chmod(0o644)
    assert f"chmod 600 {key}" in words(mine, key)


def test_receiver_gone_or_silent(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = replace(settings, link=replace(settings.link, brokers=()))
    assert settings.receiver is not None
    gone = replace(settings, receiver=replace(settings.receiver, port="/dev/none"))
    assert look(gone)["receiver"].words == "is not there"
    monkeypatch.setattr("haven_device.doctor._RECEIVER_ANSWERS_S", 0.6)
    master, slave = pty.openpty()
    tty.setraw(slave)
    silent = replace(settings, receiver=replace(settings.receiver, port=os.ttyname(slave)))
    assert look(silent)["receiver"].words == "says nothing"
    os.close(master)
    os.close(slave)


def test_an_active_contact_is_doubtful(settings: Settings) -> None:
    factory = mock_factory()
    with Pins(settings, lambda _: None, FakeClock(), factory=factory) as pins:
        pins.drive("button:counter", active=True)
        assert pins.levels() == {"button:counter": True, "sensor:lid": False}
        busy = {one.what: one for one in examine(alone(settings), pin_factory=factory, clock=FakeClock())}
    assert "button:counter: pin GPIO17 cannot be used" in busy["button:counter"].words


def test_no_gpio_at_all_names_the_pin(settings: Settings) -> None:
    found = {one.what: one for one in examine(alone(settings), clock=FakeClock())}
    assert "pin GPIO17 cannot be used" in found["button:counter"].words


def test_disk_and_outbox_and_strangers(settings: Settings) -> None:
    with Store(settings.data_dir) as store:
        store.write([], [], {"unknown": {"ffee01": 8}})
    settings = alone(settings)
    found = look(settings)
    assert found["outbox"].words == "0 events wait for a receipt"
    assert found["pendant"].what == "pendant ffee01"
    (settings.data_dir / NAME).write_bytes(b"spoilt" * 1000)
    assert look(settings)["outbox"].grade is Grade.BAD
    assert look(replace(settings, data_dir=settings.data_dir / "none"))["disk"].grade is Grade.BAD


def test_the_clock(settings: Settings) -> None:
    settings = alone(settings)
    clock = FakeClock(is_synced=False)
    assert look(settings, clock)["clock"].grade is Grade.DOUBT
    clock.wall = clock.wall.replace(year=1970)
    assert look(settings, clock)["clock"].grade is Grade.BAD


def test_beside_a_running_firmware_it_touches_neither_pins_nor_session(
    tmp_path: Path, pki: Pki, broker: Broker, dispatch: Dispatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_config(tmp_path, pki, [broker.port])
    with BoxProcess(path) as box:
        box.wait("led", pattern="protected")
        assert cli(["doctor", "--config", str(path)]) == 0
        assert "firmware: is running" in capsys.readouterr().out
        assert not any(line["what"] == "disconnected" for line in box.seen)
    broker.stop()
    assert cli(["doctor", "--config", str(path)]) == 1
    assert "no broker runs on this port" in capsys.readouterr().out
