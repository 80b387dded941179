"""What is odd about an event or incident, in plain words. A flag never stops an alarm."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Any


class Flag(StrEnum):
    """Kinds of oddity. TEXTS has their words."""

    LATE = "late"
    PRESS_TIME_UNKNOWN = "press_time_unknown"
    CLOCK_WRONG = "clock_wrong"
    UNREADABLE = "unreadable"
    ODD_FIELDS = "odd_fields"
    NEWER_VERSION = "newer_version"
    UNKNOWN_KIND = "unknown_kind"
    ID_REUSED = "id_reused"
    SAYS_TEST = "says_test"
    UNEXPECTED_TEST = "unexpected_test"
    UNKNOWN_DEVICE = "unknown_device"
    RETIRED = "retired"
    REVOKED = "revoked"
    UNASSIGNED = "unassigned"
    SITE_CLOSED = "site_closed"
    NO_COORDINATES = "no_coordinates"
    NO_DESK = "no_desk"
    RUNAWAY = "runaway"
    NO_CHANNEL = "no_channel"


TEXTS: dict[Flag, tuple[str, str]] = {
    Flag.LATE: ("Arrived {late} after the press", "누른 뒤 {late} 늦게 도착"),
    Flag.PRESS_TIME_UNKNOWN: (
        "When it was pressed is not known; the box's own clock said {clock}",
        "누른 시각을 알 수 없음 (기기 시계: {clock})",
    ),
    Flag.CLOCK_WRONG: ("The box's clock was wrong by {difference}", "기기 시계가 {difference} 틀림"),
    Flag.UNREADABLE: (
        "The box sent something that cannot be read: {why}. Treat it as an alarm",
        "해독할 수 없는 신호: {why}. 경보로 처리할 것",
    ),
    Flag.ODD_FIELDS: ("Part of the message could not be used: {why}", "메시지 일부를 사용할 수 없음: {why}"),
    Flag.NEWER_VERSION: (
        "The box speaks a newer version ({version}) than this server",
        "기기의 버전({version})이 서버보다 새로움",
    ),
    Flag.UNKNOWN_KIND: (
        "Unknown kind of alarm '{kind}'; treated as a hold-up",
        "알 수 없는 종류의 경보 '{kind}'; 비상벨 신고로 처리",
    ),
    Flag.ID_REUSED: (
        "The box used the same number for different alarms; each counts",
        "기기가 다른 경보에 같은 번호를 사용함; 각각 유효함",
    ),
    Flag.SAYS_TEST: (
        "It calls itself a test, but no test was open here: treat it as real",
        "점검이라고 하지만 허용된 점검이 아님: 실제 경보로 처리할 것",
    ),
    Flag.UNEXPECTED_TEST: ("The box sent a test that nobody had asked for", "요청하지 않은 점검 신호"),
    Flag.UNKNOWN_DEVICE: ("Box {device} is not registered", "등록되지 않은 기기 {device}"),
    Flag.RETIRED: ("The box was retired; police were not told", "사용이 끝난 기기; 경찰에 알리지 않음"),
    Flag.REVOKED: (
        "The box's certificate was revoked; police were not told",
        "인증서가 폐기된 기기; 경찰에 알리지 않음",
    ),
    Flag.UNASSIGNED: ("Box {device} is not assigned to a store or home", "기기 {device}가 점포나 가구에 배정되지 않음"),
    Flag.SITE_CLOSED: ("The store is registered as no longer operating", "운영하지 않는 점포로 등록됨"),
    Flag.NO_COORDINATES: ("The place has no coordinates; go by the address", "좌표 없음; 주소로 출동할 것"),
    Flag.NO_DESK: (
        "No police desk is known for the place; it goes to the city's desk",
        "관할 경찰관서를 알 수 없어 시 상황실로 보냄",
    ),
    Flag.RUNAWAY: (
        "The button keeps sending ({input}); further presses are counted, and told every 30 s",
        "버튼({input})이 계속 신호를 보냄; 횟수를 세어 30초마다 알림",
    ),
    Flag.NO_CHANNEL: (
        "Haven has no way to reach the police desk; call by voice",
        "경찰관서에 연락할 통로가 없음; 전화로 알릴 것",
    ),
}


def flag(code: Flag, /, **facts: Any) -> dict[str, Any]:
    """Flag as it is stored: `{"code": ..., "facts": {...}}`."""
    return {"code": code.value, "facts": facts}


def words(flags: Iterable[dict[str, Any]]) -> list[dict[str, str]]:
    """Flags as people read them: `[{"code", "en", "ko"}]`."""
    spoken = []
    for stored in flags:
        english, korean = TEXTS[Flag(stored["code"])]
        facts = stored.get("facts", {})
        spoken.append(
            {
                "code": stored["code"],
                "en": english.format_map({key: _say(value, korean=False) for key, value in facts.items()}),
                "ko": korean.format_map({key: _say(value, korean=True) for key, value in facts.items()}),
            }
        )
    return spoken


def merged(known: list[dict[str, Any]], more: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Flags of both, one of each code: the first that was raised."""
    codes = {stored["code"] for stored in known}
    return known + [stored for stored in more if stored["code"] not in codes]


def _say(value: Any, *, korean: bool) -> str:
    if isinstance(value, dict) and set(value) == {"seconds"}:
        return duration_words(value["seconds"], korean=korean)
    if value is None:
        return "모름" if korean else "nothing"
    return str(value)


def duration_words(seconds: float, *, korean: bool) -> str:
    """Span in its largest sensible unit: `6 minutes`, `6분`."""
    for size, english, hangul in ((86400, "day", "일"), (3600, "hour", "시간"), (60, "minute", "분")):
        if abs(seconds) >= size:
            number = round(abs(seconds) / size)
            return f"{number}{hangul}" if korean else f"{number} {english}{'' if number == 1 else 's'}"
    number = round(abs(seconds))
    return f"{number}초" if korean else f"{number} second{'' if number == 1 else 's'}"
