"""Command line: `haven-device run|doctor --config FILE`."""

import argparse
import logging
import os
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from haven_contract.words import DEVICE_SOURCE
from haven_device import config
from haven_device.clock import Clock, SimulatedClock, SystemClock
from haven_device.errors import AlreadyRunningError, ConfigError
from haven_device.events import DeviceFault
from haven_device.inbox import Inbox
from haven_device.loop import Box
from haven_device.ownership import owned
from haven_device.pins import Pins, mock_factory
from haven_device.radio.drivers import DRIVERS
from haven_device.serial_port import SerialReceiver
from haven_device.settings import Settings
from haven_device.simulate import SimulatedReceiver, obey_stdin
from haven_device.trace import JsonTrace, LogTrace, Trace
from haven_device.troubles import PIN
from haven_device.uplink import Uplink
from haven_device.watchdog import Systemd
from haven_device.writer import Writer

_log = logging.getLogger(__name__)

EXIT_CONFIG = 2
EXIT_RESTART = 75
"""A server wants a restart; systemd's Restart=always does it."""


def cli(arguments: Sequence[str] | None = None) -> int:
    """Run the command; exit code 0, 1 for a failure, 2 for a wrong configuration, 75 for a wanted restart."""
    parser = argparse.ArgumentParser(prog="haven-device", description="Firmware of the Haven box.")
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="watch the buttons, send alarms, show the light")
    run.add_argument("--config", type=Path, required=True, metavar="FILE")
    run.add_argument("--simulate", action="store_true", help="mocked pins and a pty; see docs/device/README.md")
    run.add_argument("--pty-link", type=Path, metavar="PATH", help="with --simulate: a symlink to the pty")
    doctor = commands.add_parser("doctor", help="check pins, receiver, disk, clock, certificate and brokers")
    doctor.add_argument("--config", type=Path, required=True, metavar="FILE")
    chosen = parser.parse_args(arguments)
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    try:
        settings = config.load(chosen.config)
        if chosen.command == "run":
            return _run(settings, simulate=chosen.simulate, pty_link=chosen.pty_link)
        from haven_device.doctor import Grade, examine  # noqa: PLC0415 - cryptography is heavy, and `run` does without

        findings = examine(settings)
        sys.stdout.writelines(f"{finding}\n" for finding in findings)
        return int(any(finding.grade is Grade.BAD for finding in findings))
    except ConfigError as error:
        sys.stderr.writelines(f"{fault}\n" for fault in error.faults)
        return EXIT_CONFIG
    except (AlreadyRunningError, OSError) as error:
        sys.stderr.write(f"haven-device: {error}\n")
        return 1


def _run(settings: Settings, *, simulate: bool, pty_link: Path | None) -> int:
    clock: Clock = SimulatedClock(os.environ) if simulate else SystemClock()
    trace: Trace = JsonTrace(clock) if simulate else LogTrace()
    systemd = Systemd(os.environ)
    inbox = Inbox()
    with ExitStack() as stack:
        stack.enter_context(owned(settings.data_dir))
        writer = Writer(settings.data_dir, inbox.put)
        wire = Uplink(settings.device_id, settings.link, inbox.put)
        receiver = None
        factory: Any = None
        if simulate:
            factory = mock_factory()
            receiver = stack.enter_context(SimulatedReceiver(settings.data_dir, pty_link))
            if settings.receiver is not None:
                settings = replace(settings, receiver=replace(settings.receiver, port=str(receiver.port)))
        pins = stack.enter_context(Pins(settings, inbox.put, clock, factory=factory))
        if simulate:
            for contact in settings.contacts:
                pins.drive(contact.source, active=False)
        _tell_pins(settings, pins, inbox)
        parts: dict[str, Callable[[], bool]] = {"outbox": writer.works, "network": wire.works}
        box = Box(
            settings,
            clock=clock,
            inbox=inbox,
            pins=pins,
            writer=writer,
            wire=wire,
            trace=trace,
            systemd=systemd,
            firmware=version("haven"),
            parts=parts,
        )
        stack.enter_context(writer)
        if settings.receiver is not None:
            driver = DRIVERS[settings.receiver.driver]()
            reader = stack.enter_context(SerialReceiver(settings.receiver, driver, clock, inbox.put))
            parts["receiver"] = reader.works
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, lambda *_: box.stop())
        if receiver is not None:
            obey_stdin(pins, receiver, box.stop)
        trace.tell("ready", device=settings.device_id, pty=receiver.pty if receiver else None, boot_id=clock.boot_id)
        box.run()
        goodbye = wire.hang_up(will=True)
        if goodbye is not None:
            goodbye.join(timeout=5)
    if isinstance(trace, JsonTrace):
        trace.flush()
    return EXIT_RESTART if box.restart_wanted else 0


def _tell_pins(settings: Settings, pins: Pins, inbox: Inbox) -> None:
    """Each pin that cannot be had, and each that can be had again, is news for dispatch."""
    for source in (*(contact.source for contact in settings.contacts), DEVICE_SOURCE):
        why = pins.faults.get(source)
        inbox.put(DeviceFault(PIN, present=why is not None, why=why or "", source=source))


if __name__ == "__main__":
    sys.exit(cli())
