"""The configuration file. See haven-device.example.toml for every key with its reason."""

import re
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

from haven_contract.errors import ContractError
from haven_contract.topics import check_device_id
from haven_contract.words import ALARM_KINDS, Kind
from haven_device.config_reader import Table
from haven_device.errors import ConfigError
from haven_device.radio.drivers import DRIVERS
from haven_device.settings import (
    Address,
    ContactSettings,
    IndicatorSettings,
    LinkSettings,
    PendantSettings,
    ReceiverSettings,
    Settings,
    Tunable,
)

_BUTTON_KINDS = [*sorted(ALARM_KINDS), Kind.CANCEL_REQUEST]
MAX_INPUTS = 64
"""So many fit into one state and one heartbeat of 8 KiB."""

_PORT_MAX = 65_535
_PIN_MAX = 27
_PENDANT_ID = re.compile(r"[0-9a-f]{1,16}", re.ASCII)
_BROKERS = 'a list like ["mqtt1.example.org:8883", "mqtt2.example.org:8883"]'


def load(path: Path) -> Settings:
    """Settings of the file; ConfigError with one sentence for every key that is wrong."""
    faults: list[str] = []
    root = Table(_read_toml(path), "", faults)
    base = path.resolve().parent
    device_id = _device_id(root)
    data_dir = root.path("data_dir", base, "a folder for the outbox, like /var/lib/haven-device")
    link = _link(root.table("broker", required=True), base)
    contacts = tuple(_contact(table, what) for what in ("button", "sensor") for table in root.tables(what))
    pendants = tuple(_pendant(table) for table in root.tables("pendant"))
    receiver_table = root.maybe_table("receiver")
    receiver = _receiver(receiver_table) if receiver_table is not None else None
    indicator_table = root.table("indicator")
    indicator = _indicator(indicator_table)
    tunable = _tunable(root.table("reporting"), indicator_table)
    indicator_table.end()
    outbox = root.table("outbox")
    outbox_limit = outbox.whole("limit", 2000, 10, 100_000)
    outbox.end()
    root.end()
    if pendants and receiver is None:
        faults.append("receiver: is missing; expected a table [receiver], because there are pendants")
    if not contacts and not pendants:
        faults.append("button: is missing; expected at least one [[button]] or [[pendant]]")
    if len(contacts) + len(pendants) > MAX_INPUTS:
        faults.append(
            f"pendant: there are {len(contacts) + len(pendants)} inputs; expected at most {MAX_INPUTS} in all"
        )
    faults += _twice(contacts, pendants, indicator)
    if faults:
        raise ConfigError([f"{path}: {fault}" for fault in faults])
    return Settings(
        device_id=device_id,
        data_dir=data_dir,
        link=link,
        contacts=contacts,
        pendants=pendants,
        receiver=receiver,
        indicator=indicator,
        tunable=tunable,
        outbox_limit=outbox_limit,
    )


def _read_toml(path: Path) -> dict[str, Any]:
    """Table of the whole file; ConfigError if it cannot be read or is not TOML, naming the line and its key."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError([f"{path}: cannot be read: {error}"]) from None
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError([f"{path}: {_where(str(error), text)}"]) from None


def _where(message: str, text: str) -> str:
    lines = text.splitlines()
    found = re.search(r"line (\d+)", message)
    number = int(found[1]) if found else len(lines)
    line = lines[number - 1].strip() if 0 < number <= len(lines) else ""
    key = line.partition("=")[0].strip() or "(end of file)"
    return f"{key}: line {number} is {line!r}; expected TOML like key = value: {message}"


def _device_id(root: Table) -> str:
    expected = "1 to 32 of a-z, 0-9 and -, not beginning with 'dispatch'; the same name as in the certificate"
    device_id = root.text("device_id", expected=expected)
    try:
        return check_device_id(device_id) if device_id else ""
    except ContractError:
        root.fault("device_id", device_id, expected)
        return ""


def _link(table: Table, base: Path) -> LinkSettings:
    brokers = [
        _address(table, text) for text in table.texts("addresses", expected=f"{_BROKERS}, in the order of preference")
    ]
    settings = LinkSettings(
        brokers=tuple(address for address in brokers if address),
        ca=table.path("ca", base, "the file of the CA that signed the broker's certificate"),
        certificate=table.path("certificate", base, "the file of this device's certificate"),
        key=table.path("key", base, "the file of this device's private key"),
        keepalive_s=table.whole("keepalive_s", 15, 1, 600),
        receipt_within_s=table.number("receipt_within_s", 10.0, 0.2, 600),
        resend_after_s=table.number("resend_after_s", 2.0, 0.1, 60),
        resend_alarm_cap_s=table.number("resend_alarm_cap_s", 15.0, 0.1, 600),
        resend_cap_s=table.number("resend_cap_s", 60.0, 0.1, 3600),
        reconnect_cap_s=table.number("reconnect_cap_s", 60.0, 0.1, 600),
    )
    table.end()
    return settings


def _address(table: Table, text: str) -> Address | None:
    host, _, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if host and port.isascii() and port.isdigit() and 1 <= int(port) <= _PORT_MAX and not re.search(r"[\s/]", host):
        return Address(host, int(port))
    table.fault("addresses", text, f"host:port; {_BROKERS}")
    return None


def _contact(table: Table, what: str) -> ContactSettings:
    is_button = what == "button"
    settings = ContactSettings(
        source=f"{what}:{table.name('name')}",
        pin=table.whole("pin", None, 0, _PIN_MAX),
        active_low=table.flag("active_low", default=True),
        kind=table.choice("kind", Kind.HOLDUP if is_button else Kind.TAMPER, _BUTTON_KINDS),
        hold_ms=table.whole("hold_ms", 0, 0, 10_000) if is_button else 0,
        debounce_ms=table.whole("debounce_ms", 20, 1, 25 if is_button else 10_000),
        stuck_ms=1000 * table.whole("stuck_s", 30, 1, 3600) if is_button else 0,
    )
    table.end()
    return settings


def _pendant(table: Table) -> PendantSettings:
    expected = "1 to 16 hexadecimal digits, as `haven-device doctor` shows them after a press"
    pendant = table.text("id", expected=expected).lower()
    if pendant and not _PENDANT_ID.fullmatch(pendant):
        table.fault("id", pendant, expected)
    kind = table.choice("kind", Kind.HOLDUP, _BUTTON_KINDS)
    label = table.text("label", " ").strip()
    table.end()
    return PendantSettings(id=pendant, kind=kind, label=label)


def _receiver(table: Table) -> ReceiverSettings:
    settings = ReceiverSettings(
        driver=table.choice("driver", None, sorted(DRIVERS)),
        port=table.text("port", expected="the serial port, like /dev/serial/by-id/usb-...", longest=1000),
        baud=table.whole("baud", 57_600, 1200, 4_000_000),
        silent_s=table.number("silent_s", 60.0, 0.5, 3600),
        lost_after_s=table.number("lost_after_s", 10.0, 0.1, 3600),
    )
    table.end()
    return settings


def _indicator(table: Table) -> IndicatorSettings:
    return IndicatorSettings(
        led_pin=table.maybe_whole("led_pin", 0, _PIN_MAX),
        led_active_high=table.flag("led_active_high", default=True),
        buzzer_pin=table.maybe_whole("buzzer_pin", 0, _PIN_MAX),
    )


def _tunable(reporting: Table, indicator: Table) -> Tunable:
    tunable = Tunable(
        heartbeat_s=reporting.whole("heartbeat_s", 30, 1, 90_000),
        reporting_s=reporting.whole("reporting_s", 90, 2, 90_000),
        dim_after_s=indicator.whole("dim_after_s", 180, 1, 86_400),
    )
    reporting.end()
    if tunable.heartbeat_s >= tunable.reporting_s:
        reporting.fault("heartbeat_s", tunable.heartbeat_s, f"less than reporting_s ({tunable.reporting_s})")
    return tunable


def _twice(
    contacts: tuple[ContactSettings, ...], pendants: tuple[PendantSettings, ...], indicator: IndicatorSettings
) -> list[str]:
    pins = [contact.pin for contact in contacts] + [
        pin for pin in (indicator.led_pin, indicator.buzzer_pin) if pin is not None
    ]
    sources = [contact.source for contact in contacts] + [pendant.source for pendant in pendants]
    return [
        *(
            f"pin: {pin} stands {n} times; expected a pin of its own for each"
            for pin, n in Counter(pins).items()
            if n > 1
        ),
        *(f"{source}: stands {n} times; expected once" for source, n in Counter(sources).items() if n > 1),
    ]
