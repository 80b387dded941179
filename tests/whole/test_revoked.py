"""A stolen box is taken out of service by one command of the technician."""

import os
import subprocess
import sys
import time
from pathlib import Path

from whole.conftest import Haven


def test_a_revoked_box_is_out_within_seconds_and_calls_nobody_any_more(haven: Haven) -> None:
    box = haven.box()
    box.start()
    box.wait_for("alive")
    before = len(box.lines)
    revoke = [
        str(Path(sys.executable).with_name("haven-provision")),
        "device",
        "revoke",
        box.device_id,
        "--reason",
        "stolen",
    ]
    broker = haven.stack.broker
    revoke += ["--inner", f"127.0.0.1:{broker.inner_port}", "--pid-file", str(broker.settings.pid_file)]
    revoke += ["--dir", str(haven.stack.installation.folder)]
    server = f"http://127.0.0.1:{haven.stack.server.http_port}"
    done = subprocess.run(
        revoke,
        env={**os.environ, "HAVEN_SERVER": server, "HAVEN_TOKEN": haven.stack.token},
        capture_output=True,
        text=True,
        check=False,
    )
    begun = time.monotonic()
    assert done.returncode == 0, done.stdout + done.stderr
    box.wait_for("disconnected", after=before, timeout_s=2)
    assert time.monotonic() - begun < 2
    device = haven.api.get(f"/api/v1/devices/{box.device_id}")
    assert device["standing"] == "revoked"

    box.press_button()
    press = box.wait_for("accepted", after=before)
    assert not box.told("receipt", event_id=press["event_id"])
    assert haven.desk.calls == []
    box.stop()
