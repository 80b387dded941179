"""The whole firmware as a process, against a real Mosquitto and a dispatch server of the test's."""

from pathlib import Path

from device.rig import DEVICE, BoxProcess, Broker, Dispatch, Pki, pty_writer, write_config
from haven_contract.topics import Up
from haven_contract.words import Stage


def test_button_and_pendant_reach_dispatch_and_come_back_as_light(
    tmp_path: Path, pki: Pki, broker: Broker, dispatch: Dispatch
) -> None:
    with BoxProcess(write_config(tmp_path, pki, [broker.port])) as box:
        ready = box.wait("ready", device=DEVICE)
        box.wait("led", pattern="protected")
        states = dispatch.wait(Up.STATE, online=True)
        assert states[0].fields["inputs"] == {"button:counter": "ok", "sensor:lid": "ok", "pendant:0a1b2c": "ok"}
        assert states[0].expiry_s is not None

        box.say("press counter")
        box.wait("led", pattern="sending")
        press = box.wait("accepted", kind="holdup", source="button:counter")
        box.wait("led", pattern="alerted")
        (event,) = dispatch.wait(Up.EVENT, id=press["event_id"])
        assert event.sent is not None
        boot_id, _, sent_ms = event.sent.rpartition(":")
        assert boot_id == event.fields["boot_id"]
        assert 0 <= int(sent_ms) - event.fields["mono_ms"] < 2000

        with pty_writer(ready["pty"]) as write:
            write("20;01;EV1527;ID=0a1b2c;SWITCH=01;CMD=ON;\r\n")
            write("20;02;EV1527;ID=0A1B2C;SWITCH=01;CMD=ON;\r\n")
        box.wait("accepted", kind="holdup", source="pendant:0a1b2c")
        assert len(dispatch.wait(Up.EVENT, source="pendant:0a1b2c")) == 1

        dispatch.receipt(press["event_id"], 9, Stage.CLOSED)
        box.wait("receipt", stage="closed", rev=9)
        assert box.end() == 0
        dispatch.wait(Up.STATE, online=False)
