import os
import pty
import shutil
import tty
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from device.fakes import FakeClock
from device.keys import box_with_days_left
from device.rig import DEVICE, BoxProcess, Dispatch, write_config
from haven_device import config
from haven_device.doctor import Finding, Grade, examine
from haven_device.main import cli
from haven_device.pins import Pins, mock_factory
from haven_device.settings import Address, Settings
from haven_device.simulate import SimulatedReceiver
from haven_device.store import NAME, Store
from haven_device.tls_probe import probe
from haven_provisioning.installation import Credentials
from mosquitto import Mosquitto
from pki import Pki, now


@pytest.fixture
def settings(tmp_path: Path, pki: Pki, broker: Mosquitto) -> Iterator[Settings]:
    found = config.load(write_config(tmp_path, pki, [broker.outer_port]))
    found.data_dir.mkdir()
    with SimulatedReceiver(tmp_path) as receiver:
        assert found.receiver is not None
        yield replace(found, receiver=replace(found.receiver, port=str(receiver.port)))


def alone(settings: Settings) -> Settings:
    """Without brokers and receiver, which take seconds to listen to."""
    return replace(settings, link=replace(settings.link, brokers=()), receiver=None)


def with_credentials(settings: Settings, mine: Credentials) -> Settings:
    link = replace(settings.link, ca=mine.ca, certificate=mine.certificate, key=mine.key)
    return replace(settings, link=link)


def clock_that_is_right() -> FakeClock:
    return FakeClock(wall=now())


def look(settings: Settings, clock: FakeClock | None = None) -> dict[str, Finding]:
    findings = examine(
        settings, pin_factory=mock_factory(), clock=clock or clock_that_is_right(), receiver_answers_s=0.6
    )
    return {finding.what.split()[0]: finding for finding in findings}


def test_a_healthy_box(settings: Settings) -> None:
    found = look(settings)
    assert {what: finding.grade for what, finding in found.items() if finding.grade is not Grade.GOOD} == {}
    assert set(found) == {"button:counter", "sensor:lid", "receiver", "disk", "clock", "certificate", "broker"}
    assert "can be replayed" in found["receiver"].words


def at_broker(settings: Settings, broker: Mosquitto, mine: Credentials) -> Settings:
    """With these credentials at this broker, and without a receiver, which takes its time."""
    link = replace(settings.link, brokers=(Address(broker.host, broker.outer_port),))
    return with_credentials(replace(settings, link=link, receiver=None), mine)


def test_it_tells_a_revoked_certificate_from_no_network(tmp_path: Path, own_pki: Pki, settings: Settings) -> None:
    mine = own_pki.device(DEVICE)
    with own_pki.installation.registry() as registry:
        registry.revoke_device(DEVICE, "stolen", now())
    own_pki.installation.renew_revocation_list(now())
    with Mosquitto(own_pki.broker_folder, tmp_path / "strict") as strict:
        finding = look(at_broker(settings, strict, mine))["broker"]
        assert finding.grade is Grade.BAD
        assert "revoked" in finding.words
    finding = look(at_broker(settings, strict, mine))["broker"]
    assert finding.words == "the machine is there, but no broker runs on this port"


def test_it_tells_an_ended_revocation_list_from_an_ended_certificate(
    tmp_path: Path, own_pki: Pki, settings: Settings
) -> None:
    mine, ended = own_pki.device(DEVICE), box_with_days_left(own_pki, tmp_path, DEVICE, -1)
    own_pki.installation.renew_revocation_list(now() - timedelta(days=31))
    with Mosquitto(own_pki.broker_folder, tmp_path / "strict") as strict:
        finding = look(at_broker(settings, strict, mine))["broker"]
        assert finding.grade is Grade.BAD
        assert "perhaps the broker's revocation list has ended" in finding.words
        assert "haven-provision crl renew" in finding.mend
        unsure = look(at_broker(settings, strict, mine), FakeClock(is_synced=False, wall=now()))["broker"]
        assert unsure.words == "this device's certificate has ended, says the broker"
        assert look(at_broker(settings, strict, ended))["broker"].words == unsure.words


def test_what_the_probe_can_tell(tmp_path: Path, pki: Pki, broker: Mosquitto, settings: Settings) -> None:
    def words(settings: Settings, address: Address | None = None) -> str:
        there = address or Address(broker.host, broker.outer_port)
        return probe(there, settings.link, check_time=True, surely_good=True).words

    mine, foreign = pki.device(DEVICE), Pki(tmp_path / "foreign")
    stranger = replace(foreign.device(DEVICE), ca=mine.ca)
    assert "does not know the CA" in words(with_credentials(settings, stranger))
    assert "not of our CA" in words(with_credentials(settings, replace(mine, ca=foreign.ca_file)))
    assert "another name" in words(settings, Address("127.1", broker.outer_port))
    assert "is not known" in words(settings, Address("no.such.host.invalid", 8883))
    assert "cannot be used" in words(with_credentials(settings, replace(mine, key=tmp_path / "none")))
    assert words(settings) == "TLS works, and the broker takes this device's certificate"


def test_certificate_and_key(tmp_path: Path, pki: Pki, settings: Settings) -> None:
    def words(mine: Credentials, clock: FakeClock | None = None) -> str:
        these = with_credentials(alone(settings), mine)
        findings = examine(these, pin_factory=mock_factory(), clock=clock or clock_that_is_right())
        return " ".join(map(str, findings))

    mine, other = pki.device(DEVICE), pki.device("store-0002")
    assert "is this device's, until" in words(mine)
    assert "the key does not belong to it" in words(replace(mine, key=other.key))
    assert "is for store-0002, but this is store-0001" in words(other)
    assert "ends soon" in words(box_with_days_left(pki, tmp_path, DEVICE, 5))
    assert "has ended" in words(box_with_days_left(pki, tmp_path, DEVICE, -1))
    assert "begins only on" in words(mine, FakeClock(is_synced=False, wall=now() - timedelta(days=1)))
    assert "a file cannot be read" in words(replace(mine, certificate=tmp_path / "none"))
    assert "no PEM of its kind" in words(replace(mine, certificate=mine.key))
    key = Path(shutil.copy(mine.key, tmp_path / "open.key"))
    key.chmod(0o644)
    assert f"chmod 600 {key}" in words(replace(mine, key=key))


def test_receiver_gone_or_silent(settings: Settings) -> None:
    settings = replace(settings, link=replace(settings.link, brokers=()))
    assert settings.receiver is not None
    gone = replace(settings, receiver=replace(settings.receiver, port="/dev/none"))
    assert look(gone)["receiver"].words == "is not there"
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
    tmp_path: Path, pki: Pki, broker: Mosquitto, dispatch: Dispatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_config(tmp_path, pki, [broker.outer_port])
    with BoxProcess(path) as box:
        box.wait("led", pattern="protected")
        assert cli(["doctor", "--config", str(path)]) == 0
        assert "firmware: is running" in capsys.readouterr().out
        assert box.told("disconnected") == []
    broker.stop()
    assert cli(["doctor", "--config", str(path)]) == 1
    assert "no broker runs on this port" in capsys.readouterr().out
