"""What a police desk is told: place, phone, what happened, in plain words. Pure; channels wrap it in their own form."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from haven_contract.instants import write_instant
from haven_contract.words import DEVICE_SOURCE
from haven_server.incidents.flags import words
from haven_server.incidents.naming import incident_name
from haven_server.incidents.response import handled_as, response_to
from haven_server.sites.record import Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """Everything that a notice tells."""

    incident_id: int
    event_row: int
    number: int
    """0 opens, each further one updates."""
    is_test: bool
    event_id: str
    device_id: str
    kind: str
    source: str
    input_label: str | None
    pressed_at: datetime | None
    received_at: datetime
    first_pressed_at: datetime | None
    presses: int
    flags: list[dict[str, Any]]
    state: str
    site: dict[str, Any] | None
    """`code`, `kind` and `district` of the site as it was at the press."""
    place: Place | None
    desk: str
    desk_phone: str | None
    linked_id: int | None

    @property
    def key(self) -> str:
        """Idempotency key: one for each incident and event, the same on every channel and at every try."""
        return f"{incident_name(self.incident_id)}:{self.event_row}"


def message(told: Told, zone: ZoneInfo) -> dict[str, Any]:
    """Body of a webhook, the source of the other channels' documents. Instants are UTC; `_local` in the site's zone."""
    response = response_to(handled_as(told.kind, told.source))
    pressed_en, pressed_ko = _pressed(told)
    body = {
        "type": "incident.opened" if told.number == 0 else "incident.updated",
        "key": told.key,
        "status": "test" if told.is_test else "actual",
        "incident": incident_name(told.incident_id),
        "update": told.number,
        "linked_incident": incident_name(told.linked_id) if told.linked_id else None,
        "state": told.state,
        "what": {
            "kind": told.kind,
            "title": {"en": response.en, "ko": response.ko},
            "pressed": {"en": pressed_en, "ko": pressed_ko},
            "source": told.source,
            "presses": told.presses,
            "silent": response.silent,
            "verified": False,
            "code112": response.code112,
        },
        "time": {
            "pressed_at": _instant(told.pressed_at),
            "pressed_at_local": _local(told.pressed_at, zone),
            "first_pressed_at": _instant(told.first_pressed_at),
            "received_at": write_instant(told.received_at),
        },
        "site": _site(told),
        "device": told.device_id,
        "event": told.event_id,
        "desk": {"name": told.desk, "phone": told.desk_phone},
        "flags": words(told.flags),
    }
    return body | {"text": _text(told, body, zone)}


def encode(body: dict[str, Any]) -> bytes:
    """UTF-8 JSON."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def _pressed(told: Told) -> tuple[str, str]:
    sort, _, name = told.source.partition(":")
    english, korean = {
        "button": ("Wired button", "유선비상벨"),
        "pendant": ("Wireless button", "무선비상벨"),
        "sensor": ("Sensor", "감지기"),
        DEVICE_SOURCE: ("The box itself", "기기 본체"),
    }.get(sort, (told.source, told.source))
    called = told.input_label or name
    return (f"{english} ({called})", f"{korean} ({called})") if called else (english, korean)


def _site(told: Told) -> dict[str, Any] | None:
    if told.place is None or told.site is None:
        return None
    place = told.place
    return {
        "code": told.site["code"],
        "kind": told.site["kind"],
        "name": place.name,
        "road_address": place.road_address,
        "detail": place.detail,
        "lot_address": place.lot_address,
        "postal_code": place.postal_code,
        "district": told.site["district"],
        "coordinates": None if place.lat is None or place.lon is None else {"lat": place.lat, "lon": place.lon},
        "phones": place.phones,
        "contacts": place.contacts,
        "notes": place.notes,
    }


def _text(told: Told, body: dict[str, Any], zone: ZoneInfo) -> dict[str, str]:
    """One paragraph to read out, Korean first for the desk, English for everybody else."""
    what = body["what"]
    test_en, test_ko = ("TEST, no response needed. ", "[점검 신고: 출동 불필요] ") if told.is_test else ("", "")
    place = told.place
    where_en = where_ko = (
        ", ".join(part for part in (place.name, place.road_address, place.detail) if part) if place else ""
    )
    if not place:
        where_en = f"Place unknown: box {told.device_id} is not assigned to a site"
        where_ko = f"위치 미상: 기기 {told.device_id} 미배정"
    when = _local(told.pressed_at, zone)
    parts_en = [f"{test_en}{what['title']['en']}", what["pressed"]["en"], where_en]
    parts_ko = [f"{test_ko}{what['title']['ko']}", what["pressed"]["ko"], where_ko]
    parts_en.append(f"pressed {when}" if when else "time of the press unknown")
    parts_ko.append(f"누른 시각 {when}" if when else "누른 시각 미상")
    if told.presses > 1:
        parts_en.append(f"{told.presses} presses")
        parts_ko.append(f"{told.presses}회 누름")
    if what["silent"]:
        parts_en.append("silent: do not call the place")
        parts_ko.append("무음신고: 현장에 전화하지 말 것")
    return {"ko": " · ".join(parts_ko), "en": " · ".join(parts_en)}


def _instant(instant: datetime | None) -> str | None:
    return None if instant is None else write_instant(instant)


def _local(instant: datetime | None, zone: ZoneInfo) -> str | None:
    return None if instant is None else instant.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S %Z")
