"""From the press in a store to the police desk and back to the clerk's light, every part real."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from haven_demo.box import SimulatedBox
from whole.conftest import Haven

PRESSES = {
    "the counter button": ("button:counter", "Wired button (counter)"),
    "the pendant, by the radio line in the pty": ("pendant:0a1b2c", "Wireless button (0a1b2c)"),
}


@pytest.fixture
def box(haven: Haven) -> Iterator[SimulatedBox]:
    box = haven.box(name="별편의점 신사")
    box.start()
    box.wait_for("led", pattern="protected")
    yield box
    box.stop()


@pytest.mark.parametrize("pressed", PRESSES)
def test_a_press_is_one_signed_call_with_all_facts_and_shows_on_the_light(
    haven: Haven, box: SimulatedBox, pressed: str
) -> None:
    source, words = PRESSES[pressed]
    before = len(box.lines)
    if source.startswith("pendant"):
        box.press_pendant()
    else:
        box.press_button()
    press = box.wait_for("pressed", after=before)
    box.wait_for("led", after=before, pattern="alerted")

    lights = [line["pattern"] for line in box.lines[before:] if line["what"] == "led"]
    assert lights == ["sending", "received", "alerted"]
    (call,) = haven.desk.calls
    assert haven.desk.forged == []  # the desk checked the signature of what it counted
    body = call.body
    assert call.key == body["key"]
    assert body["status"] == "actual"
    assert body["event"] == press["event_id"]
    assert body["site"]["name"] == "별편의점 신사"
    assert body["site"]["road_address"] == "서울특별시 강남구 도산대로 12"
    assert body["site"]["detail"] == "1층"
    assert body["site"]["phones"] == ["02-555-0100"]
    assert body["site"]["district"] == "강남구"
    assert body["site"]["coordinates"] == {"lat": 37.52, "lon": 127.03}
    assert body["what"]["pressed"]["en"] == words
    difference = datetime.fromisoformat(body["time"]["pressed_at"]) - datetime.fromisoformat(press["at"])
    assert abs(difference) < timedelta(seconds=1)


def test_each_step_of_the_dispatcher_shows_on_the_light(haven: Haven, box: SimulatedBox) -> None:
    before = len(box.lines)
    box.press_button()
    box.wait_for("led", after=before, pattern="alerted")
    incident = _incident(haven, box)
    for step, light, more in (
        ("acknowledge", "acknowledged", {}),
        ("dispatch", "dispatched", {}),
        ("arrive", "arrived", {}),
        ("close", "closed", {"disposition": "mistaken_press"}),
    ):
        address = f"/api/v1/incidents/{incident['id']}/{step}"
        incident = haven.api.post(address, {"version": incident["version"]} | more)
        box.wait_for("led", after=before, pattern=light)
    assert incident["state"] == "closed"


def test_a_press_before_the_server_and_the_broker_are_there_gets_through(haven: Haven, box: SimulatedBox) -> None:
    haven.stack.server.stop()
    haven.stack.broker.kill()
    before = len(box.lines)
    box.press_button()
    press = box.wait_for("accepted", after=before)
    haven.stack.server.start()  # before its broker
    haven.stack.broker.start()
    box.wait_for("led", after=before, pattern="alerted")
    assert [call.body["event"] for call in haven.desk.calls] == [press["event_id"]]


def test_a_press_waits_in_the_outbox_over_a_reboot_and_its_time_is_right(haven: Haven, box: SimulatedBox) -> None:
    haven.stack.broker.kill()
    before = len(box.lines)
    box.press_button()
    press = box.wait_for("accepted", after=before)
    box.kill()
    haven.stack.broker.start()
    box.start({"HAVEN_SIM_BOOT_ID": "11111111-2222-4333-8444-555555555555", "HAVEN_SIM_MONO_OFFSET_MS": "-1000000000"})
    box.wait_for("led", after=before, pattern="alerted")

    (call,) = haven.desk.calls
    difference = datetime.fromisoformat(call.body["time"]["pressed_at"]) - datetime.fromisoformat(press["at"])
    assert abs(difference) < timedelta(seconds=1)
    assert _incident(haven, box)["events"][0]["press_basis"] == "earlier_boot"


@pytest.mark.parametrize("wrong", ["@1970-01-01 00:10:00", "+1d"])
def test_a_boxs_wrong_clock_is_flagged_and_the_press_time_is_right(haven: Haven, wrong: str) -> None:
    box = haven.box()
    (library,) = Path("/usr/lib").glob("*/faketime/libfaketime.so.1")
    box.start({"LD_PRELOAD": str(library), "FAKETIME": wrong, "FAKETIME_DONT_FAKE_MONOTONIC": "1"})
    box.wait_for("alive")
    begun = datetime.now().astimezone()
    box.press_button()
    box.wait_for("led", pattern="alerted")

    (call,) = haven.desk.calls
    pressed_at = datetime.fromisoformat(call.body["time"]["pressed_at"])
    assert begun - timedelta(seconds=1) < pressed_at < datetime.now().astimezone() + timedelta(seconds=1)
    box.stop()
    assert "clock_wrong" in {flag["code"] for flag in call.body["flags"]}


def test_a_test_that_the_server_opened_reaches_the_desk_as_a_test(haven: Haven, box: SimulatedBox) -> None:
    haven.api.post(f"/api/v1/devices/{box.device_id}/tests", {"source": "button:counter"})
    before = len(box.lines)
    box.press_button()
    box.wait_for("led", after=before, pattern="alerted")
    haven.desk.wait_for(1)
    box.press_button()
    assert [call.body["status"] for call in haven.desk.wait_for(2)] == ["test", "actual"]


def test_a_command_reaches_the_box_and_its_reply_comes_back(haven: Haven, box: SimulatedBox) -> None:
    before = len(box.lines)
    sent = haven.api.post(f"/api/v1/devices/{box.device_id}/commands", {"action": "test", "args": {}})
    (call,) = haven.desk.wait_for(1)
    assert call.body["status"] == "test"
    assert call.body["what"]["kind"] == "test"
    box.wait_for("receipt", after=before, stage="alerted")
    reply = haven.api.get(f"/api/v1/devices/{box.device_id}/commands/{sent['id']}")
    assert reply["state"] == "done"


def _incident(haven: Haven, box: SimulatedBox) -> dict[str, Any]:
    (found,) = [each for each in haven.api.get("/api/v1/incidents") if each["device"] == box.device_id]
    whole: dict[str, Any] = haven.api.get(f"/api/v1/incidents/{found['id']}")
    return whole
