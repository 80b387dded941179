"""The whole firmware as a process, against a real Mosquitto and a dispatch server of the test's."""

import random
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from device.rig import DEVICE, BoxProcess, Dispatch, pty_writer, until, write_config
from haven_contract.messages import Command
from haven_contract.topics import Down, Up
from haven_contract.words import Action, Stage
from haven_device.main import EXIT_RESTART
from mosquitto import Mosquitto, free_port
from pki import Pki


def test_button_and_pendant_reach_dispatch_and_come_back_as_light(
    tmp_path: Path, pki: Pki, broker: Mosquitto, dispatch: Dispatch
) -> None:
    with BoxProcess(write_config(tmp_path, pki, [broker.outer_port])) as box:
        ready = box.wait("ready", device=DEVICE)
        box.wait("led", pattern="protected")
        states = dispatch.wait(Up.STATE, online=True)
        assert states[0].fields["inputs"] == {"button:counter": "ok", "sensor:lid": "ok", "pendant:0a1b2c": "ok"}
        assert states[0].expiry_s is not None

        box.say("press counter")
        box.wait("led", pattern="sending")
        press = box.wait("pressed", kind="holdup", source="button:counter")
        box.wait("led", pattern="alerted")
        until(lambda: box.told("accepted", event_id=press["event_id"]))
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


def test_a_pulled_plug_at_any_moment_loses_no_press_and_makes_no_second_one(
    tmp_path: Path, pki: Pki, broker: Mosquitto
) -> None:
    """No server is there; the box is killed again and again; then each accepted press comes, under its one id."""
    config = write_config(tmp_path, pki, [broker.outer_port], broker_extra="resend_after_s = 0.2")
    pauses = random.Random(1)
    accepted: set[str] = set()
    made: set[str] = set()
    for boot in range(5):
        with BoxProcess(config, {"HAVEN_SIM_BOOT_ID": f"boot-{boot}"}) as box:
            box.wait("ready")
            box.say("press counter")
            pressed = box.wait("pressed", kind="holdup")
            if boot % 2:
                box.wait("accepted", event_id=pressed["event_id"])
            else:
                time.sleep(pauses.random() / 50)
            box.kill()
            accepted |= {line["event_id"] for line in box.told("accepted")}
            made.add(pressed["event_id"])
    with Dispatch(broker, pki) as dispatch, BoxProcess(config, {"HAVEN_SIM_BOOT_ID": "boot-9"}) as box:
        for event_id in accepted:
            for heard in dispatch.wait(Up.EVENT, id=event_id):
                assert heard.sent is not None
                assert heard.sent.startswith("boot-9:")
                assert heard.fields["boot_id"] != "boot-9"
        box.wait("receipt")
        assert len(accepted) >= 2
        assert {heard.fields["id"] for heard in dispatch.got(Up.EVENT)} <= made


def test_a_press_that_nobody_is_there_to_get_is_sent_until_somebody_is(
    tmp_path: Path, pki: Pki, broker: Mosquitto
) -> None:
    config = write_config(
        tmp_path, pki, [broker.outer_port], broker_extra="resend_after_s = 0.2\nresend_alarm_cap_s = 0.4"
    )
    with BoxProcess(config) as box:
        box.wait("connected")
        box.say("press counter")
        press = box.wait("pressed")
        box.wait("puback", reason=16)
        box.wait("puback", reason=16)
        with Dispatch(broker, pki) as dispatch:
            dispatch.wait(Up.EVENT, id=press["event_id"])
            box.wait("receipt", event_id=press["event_id"], stage="alerted")
            sent = len(box.told("sent"))
            box.say("press counter")
            box.wait("receipt", stage="alerted", rev=2)
            assert len(box.told("sent")) == sent + 1


def test_without_a_receipt_the_second_broker_gets_it(tmp_path: Path, pki: Pki, broker: Mosquitto) -> None:
    with (
        Mosquitto(pki.broker_folder, tmp_path / "second") as second,
        Dispatch(broker, pki, stages=()) as deaf,
        Dispatch(second, pki) as dispatch,
    ):
        config = write_config(
            tmp_path, pki, [broker.outer_port, second.outer_port], broker_extra="receipt_within_s = 0.7"
        )
        with BoxProcess(config) as box:
            box.wait("connected", broker=f"127.0.0.1:{broker.outer_port}")
            box.say("press counter")
            press = box.wait("pressed")
            box.wait("connected", broker=f"127.0.0.1:{second.outer_port}")
            (heard,) = dispatch.wait(Up.EVENT, id=press["event_id"])
            assert heard.payload == deaf.wait(Up.EVENT, id=press["event_id"])[0].payload
            box.wait("receipt", event_id=press["event_id"], stage="alerted")
            first, later = deaf.wait(Up.STATE, online=True)[0], dispatch.wait(Up.STATE, online=True)[0]
            assert first.fields["connection"] < later.fields["connection"]


def test_a_broker_that_is_not_there_is_passed_over(tmp_path: Path, pki: Pki, broker: Mosquitto) -> None:
    with BoxProcess(write_config(tmp_path, pki, [free_port(), broker.outer_port])) as box:
        box.wait("connected", broker=f"127.0.0.1:{broker.outer_port}")


def test_a_broker_that_comes_back_gets_what_was_pressed_meanwhile(tmp_path: Path, pki: Pki, broker: Mosquitto) -> None:
    with BoxProcess(write_config(tmp_path, pki, [broker.outer_port])) as box:
        with Dispatch(broker, pki):
            box.wait("led", pattern="protected")
        broker.stop()
        box.wait("disconnected")
        box.say("press counter")
        press = box.wait("accepted")
        broker.start()
        with Dispatch(broker, pki) as dispatch:
            dispatch.wait(Up.EVENT, id=press["event_id"])
            box.wait("led", pattern="alerted")


def test_a_full_disk_stops_no_press(tmp_path: Path, pki: Pki, broker: Mosquitto, dispatch: Dispatch) -> None:
    dispatch.stages = ()
    config = write_config(tmp_path, pki, [broker.outer_port])
    with BoxProcess(config, None, "bash", "-c", 'ulimit -f 60; exec "$@"', "--") as box:
        ready = box.wait("ready")
        with pty_writer(ready["pty"]) as write:
            for _ in range(12):
                box.say("press counter")
                box.wait("pressed")
            write("20;01;EV1527;ID=0a1b2c;SWITCH=01;CMD=ON;\r\n")
        press = box.wait("pressed", source="pendant:0a1b2c")
        dispatch.wait(Up.EVENT, id=press["event_id"])
        faults = dispatch.wait(Up.EVENT, kind="device_fault")
        assert {fault.fields["id"]: fault.fields["detail"]["fault"] for fault in faults} == {
            faults[0].fields["id"]: "store"
        }
        dispatch.receipt(press["event_id"], 1, Stage.ALERTED)
        box.wait("receipt", event_id=press["event_id"])


def test_an_unplugged_receiver_is_reported_and_picked_up_again(
    tmp_path: Path, pki: Pki, broker: Mosquitto, dispatch: Dispatch
) -> None:
    with BoxProcess(write_config(tmp_path, pki, [broker.outer_port])) as box:
        ready = box.wait("ready")
        box.wait("led", pattern="protected")
        box.say("unplug")
        dispatch.wait(Up.EVENT, kind="receiver_lost", restored=False)
        dispatch.wait(Up.STATE, inputs={"button:counter": "ok", "sensor:lid": "ok", "pendant:0a1b2c": "fault"})
        box.wait("led", pattern="fault")
        box.say("plug")
        dispatch.wait(Up.EVENT, kind="receiver_lost", restored=True)
        with pty_writer(ready["pty"]) as write:
            write("20;01;EV1527;ID=0a1b2c;SWITCH=01;CMD=ON;\r\n")
        dispatch.wait(Up.EVENT, source="pendant:0a1b2c")


def test_commands_are_done_and_answered(tmp_path: Path, pki: Pki, broker: Mosquitto, dispatch: Dispatch) -> None:
    config = write_config(tmp_path, pki, [broker.outer_port])

    def command(name: str, action: Action, life_s: float = 60, **args: object) -> None:
        expires_at = datetime.now(UTC) + timedelta(seconds=life_s)
        dispatch.send(Down.COMMAND, Command(id=name, action=action, args=args, expires_at=expires_at).encode())

    with BoxProcess(config) as box:
        box.wait("led", pattern="protected")
        command("c1", Action.IDENTIFY, seconds=1)
        box.wait("led", pattern="identify")
        command("c2", Action.TEST)
        (test,) = dispatch.wait(Up.EVENT, kind="test")
        assert (test.fields["source"], test.fields["detail"]) == ("device", {"command_id": "c2"})
        command("c3", Action.TEST, life_s=-5)
        assert "expired" in dispatch.wait(Up.REPLY, command_id="c3", ok=False)[0].fields["detail"]
        command("c4", Action.CONFIGURE, hold_ms={"button:counter": 5000})
        dispatch.wait(Up.REPLY, command_id="c4", ok=True)
        box.say("press counter")
        command("c5", Action.RESTART)
        dispatch.wait(Up.REPLY, command_id="c5", ok=True)
        assert box.process.wait(10) == EXIT_RESTART
    assert dispatch.got(Up.EVENT, kind="holdup") == []
    with BoxProcess(config) as box:
        box.wait("led", pattern="protected")
        box.say("press counter")
        command("c5", Action.RESTART)
        dispatch.wait(Up.REPLY, command_id="c5", count=2)
        box.say("press counter")
        dispatch.wait(Up.EVENT, kind="holdup")
        box.say("quit")
        assert box.process.wait(10) == 0


def test_heartbeats_keep_the_light_and_their_end_puts_it_out(
    tmp_path: Path, pki: Pki, broker: Mosquitto, dispatch: Dispatch
) -> None:
    with BoxProcess(write_config(tmp_path, pki, [broker.outer_port])) as box:
        box.wait("led", pattern="protected")
        beats = dispatch.wait(Up.HEARTBEAT, count=2)
        assert beats[0].fields["pendants"] == {"0a1b2c": {"battery": None, "seen_s": None}}
        assert beats[0].fields["disk_free_mb"] > 0
        dispatch.alive = False
        box.wait("led", pattern="dark", timeout_s=6)
        dispatch.alive = True
        box.wait("led", pattern="protected")


def test_a_clock_in_1970_keeps_nobody_out(tmp_path: Path, pki: Pki, broker: Mosquitto, dispatch: Dispatch) -> None:
    config = write_config(tmp_path, pki, [broker.outer_port])
    environ = {
        "LD_PRELOAD": str(next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))),
        "FAKETIME": "@1970-01-02 00:00:00",
        "DONT_FAKE_MONOTONIC": "1",
        "HAVEN_SIM_CLOCK_SYNCED": "1",
        "HAVEN_SIM_BOOT_ID": "boot-1970",
        "HAVEN_SIM_MONO_OFFSET_MS": str(-(10**15)),
    }
    with BoxProcess(config, environ) as box:
        box.wait("led", pattern="protected")
        box.say("press counter")
        (event,) = dispatch.wait(Up.EVENT, kind="holdup")
        assert event.fields["clock"].startswith("1970-01-02")
        assert event.fields["clock_synced"] is False
        assert event.fields["boot_id"] == "boot-1970"
        assert 0 <= event.fields["mono_ms"] < 20_000


def test_a_second_process_on_the_same_folder_is_refused(tmp_path: Path, pki: Pki, broker: Mosquitto) -> None:
    config = write_config(tmp_path, pki, [broker.outer_port])
    with BoxProcess(config) as box:
        box.wait("ready")
        with BoxProcess(config) as second:
            assert second.process.wait(10) == 1
        assert "another haven-device runs" in box.log.read_text()


def test_the_idle_firmware_is_lean(tmp_path: Path, pki: Pki, broker: Mosquitto, dispatch: Dispatch) -> None:
    with BoxProcess(write_config(tmp_path, pki, [broker.outer_port])) as box:
        box.wait("led", pattern="protected")
        status = Path(f"/proc/{box.process.pid}/status").read_text()
        (resident_kb,) = [int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")]
        assert resident_kb < 48_000
