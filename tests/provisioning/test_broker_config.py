"""The shipped configuration: what must stand in it, and that rendering changes nothing else."""

import re
from pathlib import Path

import pytest

from haven_provisioning.broker import BrokerSettings, reload, render, shipped_folder, write_config
from haven_provisioning.errors import BrokerError, WrongInputError

SHIPPED = (shipped_folder() / "mosquitto.conf").read_text(encoding="utf-8")
SETTINGS = BrokerSettings(folder=Path("/b"), certificates=Path("/c"), outer_port=20001, inner_port=20002, user="me")
REPLACED = {
    "acl_file", "persistence_location", "user", "pid_file", "log_dest",
    "listener", "certfile", "keyfile", "cafile", "crlfile",
}  # fmt: skip


def directives(text: str) -> list[tuple[str, str]]:
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(key, value) for key, _, value in (line.partition(" ") for line in lines)]


def test_rendering_replaces_paths_ports_and_user_and_nothing_else() -> None:
    before, after = directives(SHIPPED), directives(render(SHIPPED, SETTINGS))
    assert [key for key, _ in before] == [key for key, _ in after]
    assert {key for (key, old), (_, new) in zip(before, after, strict=True) if old != new} == REPLACED


def test_each_listener_keeps_its_own_authority() -> None:
    certificates = [
        [Path(value).name for key, value in directives(text) if key in {"certfile", "keyfile", "cafile", "crlfile"}]
        for text in (SHIPPED, render(SHIPPED, SETTINGS))
    ]
    outer = ["broker.crt", "broker.key", "device-ca.crt", "device-ca.crl"]
    inner = ["broker.crt", "broker.key", "server-ca.crt"]
    assert certificates == [outer + inner, outer + inner]


def test_no_path_of_production_is_left_over() -> None:
    assert not [value for _, value in directives(render(SHIPPED, SETTINGS)) if re.search(r"/(etc|var|run)/", value)]


def test_the_inner_listener_is_on_loopback_as_shipped() -> None:
    assert [value for key, value in directives(SHIPPED) if key == "listener"] == ["8883", "8884 127.0.0.1"]


@pytest.mark.parametrize("key", ["crlfile", "acl_file", "cafile"])
def test_a_shipped_file_that_lost_a_line_is_refused(key: str) -> None:
    with pytest.raises(WrongInputError, match=key):
        render(re.sub(rf"(?m)^{key} .*\n", "", SHIPPED), SETTINGS)


def test_a_shipped_file_with_a_line_twice_is_refused() -> None:
    with pytest.raises(WrongInputError, match="twice"):
        render(SHIPPED.replace("acl_file", "acl_file /tmp/x\nacl_file", 1), SETTINGS)


def test_only_pattern_lines_stand_in_the_acl(tmp_path: Path) -> None:
    write_config(BrokerSettings(folder=tmp_path, certificates=tmp_path))
    lines = directives((tmp_path / "acl").read_text(encoding="utf-8"))
    assert len(lines) == 4
    assert all(key == "pattern" and "%u" in value for key, value in lines)


def test_a_signal_goes_to_mosquitto_only(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    for content, words in (("", "no running broker"), ("4194305", "no running broker"), ("1", "not mosquitto")):
        pid_file.write_text(content)
        with pytest.raises(BrokerError, match=words):
            reload(pid_file)
    with pytest.raises(BrokerError, match="no running broker"):
        reload(tmp_path / "missing")


def test_rotating_the_log_does_not_reload_the_broker() -> None:
    text = (shipped_folder() / "logrotate").read_text(encoding="utf-8")
    orders = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    assert "copytruncate" in orders
    assert not re.search("postrotate|prerotate|reload|HUP", orders)


def test_the_service_may_hold_a_citys_connections() -> None:
    assert "\nLimitNOFILE=65536\n" in (shipped_folder() / "systemd/mosquitto-haven.conf").read_text(encoding="utf-8")
