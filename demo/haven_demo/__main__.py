"""`make demo`: the whole path on this machine, from the press of a button to the police desk and back to the light."""

import os
import signal
import sys
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from types import FrameType
from typing import Any

from haven_demo import city
from haven_demo.api import ApiError
from haven_demo.box import SimulatedBox
from haven_demo.broker import BrokerFailedError
from haven_demo.desk import PoliceDesk
from haven_demo.keys import read_key, single_keys
from haven_demo.stack import NotReadyError, Stack
from haven_demo.timeline import Timeline

BOXES = {"box-1": "DEMO-0001", "box-2": "DEMO-0002", "box-3": "DEMO-0003"}
SETTLE_S = 1.5
"""After a press: by then the desk has answered and the light shows it."""

_PORTS = "HAVEN_HTTP_PORT, HAVEN_MQTT_PORT (and the next one) and HAVEN_STATE choose other ports and another folder."

HELP = """\
Keys   1 2 3  press the counter button of box 1, 2, 3      a b c  press the wireless pendant of box 1, 2, 3
       k acknowledge   d dispatch   r arrived   x close    (the newest incident, as a dispatcher)
       p police desk out of order / working again          ? these keys    q quit
"""


class Demo:
    """Boxes at made-up stores, a police desk, and somebody who presses."""

    def __init__(self, stack: Stack, desk: PoliceDesk, timeline: Timeline, names: dict[str, str]) -> None:
        self._stack = stack
        self._desk = desk
        self._timeline = timeline
        self._names = names
        self._unreached: set[int] = set()

    def prepare(self) -> None:
        """Register stores, stations and their webhooks, and start the boxes. A second run changes only the webhooks."""
        api = self._stack.api
        api.upload("/api/v1/sites/import", "stores.csv", city.stores_file())
        for district, station in city.stations().items():
            desk = api.put(
                "/api/v1/desks",
                {"station": station, "kind": "station", "districts": [district], "phone": "112", "district": district},
            )
            self._connect(desk["id"])
        (city_desk,) = [desk for desk in api.get("/api/v1/desks?limit=500")["desks"] if desk["is_city"]]
        self._connect(city_desk["id"])
        for number, (device_id, site) in enumerate(BOXES.items(), 1):
            self._names[device_id] = api.get(f"/api/v1/sites/{site}")["name"]
            box = self._stack.box(device_id, site, label=f"demo {number}", tell=self._timeline.box)
            box.start()
        for box in self._stack.boxes.values():
            box.wait_for("alive")

    def press(self, box: SimulatedBox, *, pendant: bool) -> None:
        """Press, and show what comes of it."""
        before = len(box.lines)
        button = "Wireless pendant" if pendant else "Counter button"
        _write(f"\n{button} of {box.device_id}, {self._names[box.device_id]}")
        self._timeline.begin()
        if pendant:
            box.press_pendant()
        else:
            box.press_button()
        pressed = box.wait_for("pressed", after=before)
        note = ""
        try:
            box.wait_for("receipt", after=before, event_id=pressed["event_id"], stage="alerted", timeout_s=SETTLE_S)
        except TimeoutError:
            note = "               the police desk has not confirmed yet; Haven goes on trying"
        incident = self._newest(box.device_id)
        if incident is not None:
            self._timeline.server(incident)
        self._timeline.show()
        if note:
            _write(note)

    def step(self, step: str) -> None:
        """Do a dispatcher's step with the newest open incident."""
        incident = self._newest(None)
        if incident is None:
            sys.stdout.write("          (there is no open incident)\n")
            return
        body: dict[str, Any] = {"version": incident["version"]}
        if step == "close":
            body["disposition"] = "test" if incident["test"] else "real"
        try:
            after = self._stack.api.post(f"/api/v1/incidents/{incident['id']}/{step}", body)
        except ApiError as error:
            sys.stdout.write(f"          ({error})\n")
        else:
            sys.stdout.write(f"               dispatcher: {after['incident']} is {after['state']} now\n")

    def look_for_unreached(self) -> None:
        """Say, once, of which incidents no police desk knows: the loudest thing that Haven has to say."""
        for incident in self._stack.api.get("/api/v1/incidents"):
            if incident["police"]["not_reached"] and incident["id"] not in self._unreached:
                self._unreached.add(incident["id"])
                police = incident["police"]
                call = f"call {police['desk']}, {police['phone']}"
                _write(f"               POLICE NOT REACHED with {incident['incident']}: {call}")

    def toggle_desk(self) -> None:
        """Break the police desk, or mend it."""
        self._desk.working = not self._desk.working
        word = "works again" if self._desk.working else "is out of order"
        sys.stdout.write(f"             the police desk {word}\n")

    def _newest(self, device_id: str | None) -> dict[str, Any] | None:
        api = self._stack.api
        for incident in api.get("/api/v1/incidents?limit=50"):
            if device_id in (None, incident["device"]):
                found: dict[str, Any] = api.get(f"/api/v1/incidents/{incident['id']}")
                return found
        return None

    def _connect(self, desk_id: int) -> None:
        webhook = {"kind": "webhook", "url": f"{self._desk.url}/desks/{desk_id}", "secret": self._stack.webhook_secret}
        self._stack.api.put(f"/api/v1/desks/{desk_id}/channels/1", webhook)


def main() -> int:
    """Run the demo until it is ended; exit code 0, or 1 with a sentence if it cannot start."""
    folder = Path(os.environ.get("HAVEN_STATE") or ".state/demo")
    stopping = threading.Event()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        stopping.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGHUP, stop)
    begun = time.monotonic()
    try:
        http_port, mqtt_port = _port("HAVEN_HTTP_PORT", 8080), _port("HAVEN_MQTT_PORT", 8883)
        with ExitStack() as stack:
            haven = Stack(folder, http_port=http_port, mqtt_port=mqtt_port)
            names: dict[str, str] = {}
            timeline = Timeline(_write)
            desk = stack.enter_context(PoliceDesk(haven.webhook_secret, timeline.desk))
            stack.enter_context(haven)
            demo = Demo(haven, desk, timeline, names)
            demo.prepare()
            _write(
                f"Haven is up after {time.monotonic() - begun:.1f} s. API http://127.0.0.1:{http_port}/api/v1/openapi.json"
            )
            _write(f"Administrator's token in {folder / 'token'}; logs in {folder}.")
            for device_id, box in haven.boxes.items():
                _write(f"  {device_id}: {names[device_id]}, radio receiver at {box.pty}")
            _serve(demo, haven, stopping)
            timeline.end()
    except (BrokerFailedError, NotReadyError, ApiError, TimeoutError, OSError) as error:
        sys.stderr.write(f"The demo could not go on: {error}\n{_PORTS}\n")
        return 1
    return 0


def _serve(demo: Demo, haven: Stack, stopping: threading.Event) -> None:
    boxes = list(haven.boxes.values())
    if not sys.stdin.isatty():
        demo.press(boxes[0], pendant=False)
        _write("Up until ended (Ctrl-C or SIGTERM).")
        stopping.wait()
        return
    _write(HELP)
    steps = {"k": "acknowledge", "d": "dispatch", "r": "arrive", "x": "close"}
    with single_keys():
        while not stopping.is_set():
            key = read_key(1.0)
            if key is None:
                demo.look_for_unreached()
            if key in ("q", ""):
                return
            if key is not None and key in "123":
                demo.press(boxes[int(key) - 1], pendant=False)
            elif key is not None and key in "abc":
                demo.press(boxes["abc".index(key)], pendant=True)
            elif key in steps:
                demo.step(steps[key])
            elif key == "p":
                demo.toggle_desk()
            elif key == "?":
                _write(HELP)


def _port(name: str, default: int) -> int:
    text = os.environ.get(name, "")
    if not text:
        return default
    if not text.isdigit() or not 1 <= int(text) <= 65535:  # noqa: PLR2004 - the highest port
        raise OSError(f"{name} is {text!r}, not a port from 1 to 65535")
    return int(text)


def _write(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
