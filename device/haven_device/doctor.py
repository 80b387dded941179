"""`haven-device doctor`: looks at everything the box needs, and says in plain words what to mend."""

import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from time import monotonic
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509.oid import NameOID

from haven_contract.words import DEVICE_SOURCE
from haven_device import pendants, vitals
from haven_device.clock import EARLIEST, Clock, SystemClock
from haven_device.errors import StoreError
from haven_device.ownership import is_owned
from haven_device.pins import Pins
from haven_device.radio.drivers import DRIVERS
from haven_device.radio.frames import Auth
from haven_device.serial_port import open_port
from haven_device.settings import LinkSettings, ReceiverSettings, Settings
from haven_device.store import NAME, Store
from haven_device.tls_probe import probe

_LITTLE_DISK_MB = 100
_RENEW_DAYS = 14
RECEIVER_ANSWERS_S = 5.0
"""An Arduino restarts when its port is opened: it needs some seconds before it answers."""


class Grade(StrEnum):
    """How a check came out."""

    GOOD = "good"
    DOUBT = "doubt"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    what: str
    grade: Grade
    words: str
    mend: str = ""

    def __str__(self) -> str:
        line = f"{self.grade.upper():5} {self.what}: {self.words}"
        return f"{line}\n      -> {self.mend}" if self.mend else line


def examine(
    settings: Settings,
    *,
    pin_factory: Any = None,
    clock: Clock | None = None,
    receiver_answers_s: float = RECEIVER_ANSWERS_S,
) -> list[Finding]:
    """All checks, none of which stops the next. What a running firmware holds is left to it."""
    clock = clock or SystemClock()
    findings = []
    if is_owned(settings.data_dir):
        words = "is running: it holds pins and receiver, which are not touched here"
        findings.append(Finding("firmware", Grade.GOOD, words, "To check them too: systemctl stop haven-device"))
    else:
        findings += _pins(settings, clock, pin_factory)
        if settings.receiver is not None:
            findings.append(_receiver(settings.receiver, receiver_answers_s))
    identity = list(_certificate(settings.device_id, settings.link, clock))
    findings += [*_disk(settings), _clock(clock), *identity]
    # By a clock that nobody has set, nobody knows.
    surely_good = clock.synced() and all(finding.grade is not Grade.BAD for finding in identity)
    for address in settings.link.brokers:
        answer = probe(address, settings.link, check_time=clock.synced(), surely_good=surely_good)
        grade = Grade.BAD if answer.mend else Grade.GOOD
        findings.append(Finding(f"broker {address}", grade, answer.words, answer.mend))
    return findings


def _pins(settings: Settings, clock: Clock, factory: Any) -> Iterator[Finding]:
    with Pins(settings, lambda _: None, clock, factory=factory) as pins:
        levels = pins.levels()
        for source, why in pins.faults.items():
            what = "light" if source == DEVICE_SOURCE else source
            yield Finding(what, Grade.BAD, why, "Is the user in the group gpio, and is lgpio installed?")
    for source, active in levels.items():
        if active:
            mend = "If nobody presses it: check the wiring, and active_low in the configuration."
            yield Finding(source, Grade.DOUBT, "is active now", mend)
        else:
            yield Finding(source, Grade.GOOD, "is at rest")


def _receiver(receiver: ReceiverSettings, answers_s: float) -> Finding:
    what = f"receiver {receiver.driver} at {receiver.port}"
    driver = DRIVERS[receiver.driver]()
    question = driver.probe()
    try:
        with open_port(receiver) as port:
            asked: float | None = None
            deadline = monotonic() + answers_s
            while monotonic() < deadline:
                if asked is None or monotonic() - asked > 1:
                    asked = monotonic()
                    port.write(question.question)
                if any(question.is_answer(frame) for frame in driver.feed(port.read(1) + port.read(port.in_waiting))):
                    weak = driver.capabilities.auth is not Auth.COUNTER_MAC
                    words = "answers" + ("; its radio codes can be replayed by anyone who heard them" if weak else "")
                    return Finding(what, Grade.GOOD, words)
    except FileNotFoundError:
        return Finding(what, Grade.BAD, "is not there", "Plug it in; compare receiver.port with ls /dev/serial/by-id/")
    except (OSError, ValueError) as error:
        if not Path(receiver.port).exists():
            mend = "Plug it in; compare receiver.port with ls /dev/serial/by-id/"
            return Finding(what, Grade.BAD, "is not there", mend)
        mend = "Is the user in the group dialout? Does another program hold it?"
        return Finding(what, Grade.BAD, f"cannot be opened: {error}", mend)
    return Finding(what, Grade.BAD, "says nothing", "Check receiver.baud and driver; unplug it and plug it in again.")


def _disk(settings: Settings) -> Iterator[Finding]:
    folder = settings.data_dir
    try:
        with tempfile.NamedTemporaryFile(dir=folder) as trial:
            trial.write(b"x" * 4096)
            trial.flush()
            os.fsync(trial.fileno())
    except OSError as error:
        yield Finding("disk", Grade.BAD, f"{folder} cannot be written: {error}", "Free some space, or change the card.")
        return
    free = vitals.disk_free_mb(folder)
    if free is not None and free < _LITTLE_DISK_MB:
        yield Finding("disk", Grade.DOUBT, f"only {free} MB are free", "Free some space on the card.")
    else:
        yield Finding("disk", Grade.GOOD, f"{folder} takes writes, {free} MB free")
    if (folder / NAME).exists():
        yield from _outbox(folder)


def _outbox(folder: Path) -> Iterator[Finding]:
    try:
        store: AbstractContextManager[Store] = Store(folder)
        with store as opened:
            waiting, kept = len(opened.events()), opened.kept()
    except StoreError as error:
        yield Finding(
            "outbox", Grade.BAD, str(error), "The firmware will begin a new one; if it comes again, change the card."
        )
        return
    yield Finding("outbox", Grade.GOOD, f"{waiting} events wait for a receipt")
    for pendant, count in pendants.unknown_from_json(kept.get("unknown")).items():
        mend = "If it belongs to this store, add a [[pendant]] with this id."
        yield Finding(f"pendant {pendant}", Grade.DOUBT, f"heard {count} times or more, but not configured", mend)


def _clock(clock: Clock) -> Finding:
    now = f"{clock.utc():%Y-%m-%d %H:%M:%S} UTC"
    if clock.utc() < EARLIEST:
        return Finding(
            "clock", Grade.BAD, f"says {now}, which cannot be", "Check the network: the time comes from there."
        )
    if not clock.synced():
        return Finding("clock", Grade.DOUBT, f"{now}, not set by the network yet", "See: timedatectl status")
    return Finding("clock", Grade.GOOD, f"{now}, set by the network")


def _certificate(device_id: str, link: LinkSettings, clock: Clock) -> Iterator[Finding]:
    try:
        x509.load_pem_x509_certificates(link.ca.read_bytes())
        certificate = x509.load_pem_x509_certificate(link.certificate.read_bytes())
        key = load_pem_private_key(link.key.read_bytes(), None)
    except OSError as error:
        yield Finding(
            "certificate", Grade.BAD, f"a file cannot be read: {error}", "Check broker.ca, certificate and key."
        )
        return
    except (ValueError, TypeError) as error:
        yield Finding("certificate", Grade.BAD, f"a file is no PEM of its kind: {error}", "Enrol the box anew.")
        return
    if key.public_key() != certificate.public_key():
        yield Finding(
            "certificate", Grade.BAD, "the key does not belong to it", "Check certificate and key, or enrol anew."
        )
    names = [str(name.value) for name in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    if names != [device_id]:
        words = f"is for {', '.join(names) or 'nobody'}, but this is {device_id}"
        yield Finding("certificate", Grade.BAD, words, "Check device_id and certificate.")
    yield _validity(certificate, clock)
    if stat.S_IMODE(link.key.stat().st_mode) & 0o077:
        yield Finding("key", Grade.DOUBT, "can be read by others on this box", f"chmod 600 {link.key}")


def _validity(certificate: x509.Certificate, clock: Clock) -> Finding:
    now = clock.utc()
    begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if now > ends:
        return Finding("certificate", Grade.BAD, f"has ended on {ends:%Y-%m-%d}", "Renew it, or enrol the box anew.")
    if now < begins:
        return Finding("certificate", Grade.BAD, f"begins only on {begins:%Y-%m-%d}", "Check the clock.")
    if now > ends - timedelta(days=_RENEW_DAYS):
        return Finding("certificate", Grade.DOUBT, f"ends soon, on {ends:%Y-%m-%d}", "Renew it.")
    return Finding("certificate", Grade.GOOD, f"is this device's, until {ends:%Y-%m-%d}")
