"""A stolen box is taken out of service by one command of the technician."""

import os
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

from haven_demo.box import SimulatedBox
from whole.conftest import Haven

TRIES = 3


def test_a_revoked_box_is_out_within_seconds_and_calls_nobody_any_more(haven: Haven) -> None:
    box = haven.box(tuning="reconnect_cap_s = 1\nresend_after_s = 1")
    box.start()
    box.wait_for("alive")
    before = len(box.lines)
    revoke(haven, box)
    out = box.wait_for("disconnected", after=before)
    device = haven.api.get(f"/api/v1/devices/{box.device_id}")
    assert device["standing"] == "revoked"
    # From the first of the command's steps to its last: this machine's clock is the server's and the box's.
    took = datetime.fromisoformat(out["at"]) - datetime.fromisoformat(device["standing_since"])
    assert timedelta() < took < timedelta(seconds=2)

    pressed = len(box.lines)
    box.press_button()
    box.wait_for("accepted", after=pressed)
    for _ in range(TRIES):
        tried = box.lines.index(box.wait_for("connecting", after=pressed))
        refused = box.wait_for("disconnected", after=tried)
        pressed = box.lines.index(refused)
    box.stop()
    assert not [line for line in box.lines[before:] if line["what"] in {"connected", "sent", "receipt"}]
    assert haven.desk.calls == []
    assert [event for event in haven.events() if event.device_id == box.device_id] == []


def revoke(haven: Haven, box: SimulatedBox) -> None:
    """As the technician does it, on the broker's machine."""
    broker, server = haven.stack.broker, haven.stack.server
    command: list[str | Path] = [Path(sys.executable).with_name("haven-provision"), "device", "revoke", box.device_id]
    command += ["--reason", "stolen", "--dir", haven.stack.installation.folder]
    command += ["--inner", f"127.0.0.1:{broker.inner_port}", "--pid-file", broker.settings.pid_file]
    address = {"HAVEN_SERVER": f"http://127.0.0.1:{server.http_port}", "HAVEN_TOKEN": haven.stack.token}
    done = subprocess.run(command, env={**os.environ, **address}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
