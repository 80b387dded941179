"""What is done about each kind of event. One table, DESIGN 8 and promise 9."""

from dataclasses import dataclass
from enum import StrEnum

from haven_contract.words import DEVICE_SOURCE, Kind


class ResponseClass(StrEnum):
    """Who comes. Presses of one class at one site may be one emergency; those of different classes never are."""

    POLICE = "police"
    MEDICAL = "medical"
    MACHINE = "machine"
    SERVICE = "service"


class Handling(StrEnum):
    """What becomes of an event."""

    INCIDENT = "incident"
    TROUBLE = "trouble"
    """A matter for the technician: opened, and restored by an event with `restored`."""
    REQUEST = "request"
    """Written into the timeline of the site's open incident; changes nothing by itself."""
    PROOF = "proof"
    """The box's own test of the path."""


@dataclass(frozen=True, slots=True)
class Response:
    """How a kind is handled, and how people read it."""

    handling: Handling
    response: ResponseClass
    police: bool
    """Goes to the police desk at once."""
    silent: bool
    """Nobody calls the site: the attacker may be listening."""
    code112: int
    """Urgency in the 112 system, 0 the highest; emergency bells enter as 1."""
    en: str
    ko: str


UNKNOWN_KIND = "unknown"
UNREADABLE_KIND = "unreadable"

_ALARM = (Handling.INCIDENT, ResponseClass.POLICE, True, True, 1)
_TROUBLE = (Handling.TROUBLE, ResponseClass.SERVICE, False, False, 4)

RESPONSES: dict[str, Response] = {
    Kind.HOLDUP: Response(*_ALARM, "Hold-up", "비상벨 신고"),
    Kind.DURESS: Response(*_ALARM, "Duress: forced to act under threat", "협박 신고"),
    Kind.PANIC: Response(*_ALARM, "Panic alarm", "긴급 신고"),
    Kind.MEDICAL: Response(Handling.INCIDENT, ResponseClass.MEDICAL, True, False, 1, "Medical emergency", "응급 환자"),
    # Verification by the security company comes later; until then the police hear of it as not verified.
    Kind.INTRUSION: Response(
        Handling.INCIDENT, ResponseClass.MACHINE, True, False, 2, "Intrusion, not verified", "침입 감지 (미확인)"
    ),
    Kind.TAMPER: Response(
        Handling.INCIDENT, ResponseClass.MACHINE, False, False, 3, "The box was opened or moved", "기기 훼손"
    ),
    Kind.ESCORT: Response(
        Handling.INCIDENT, ResponseClass.SERVICE, False, False, 3, "Escort home requested", "안심귀가 요청"
    ),
    Kind.CANCEL_REQUEST: Response(
        Handling.REQUEST, ResponseClass.SERVICE, False, False, 4, "The store asks to cancel", "취소 요청"
    ),
    Kind.TEST: Response(Handling.PROOF, ResponseClass.POLICE, True, False, 4, "Test by the box", "점검 신고"),
    Kind.BATTERY_LOW: Response(*_TROUBLE, "Battery low", "배터리 부족"),
    Kind.POWER_LOST: Response(*_TROUBLE, "Mains power lost", "전원 꺼짐"),
    Kind.PENDANT_MISSING: Response(*_TROUBLE, "Pendant not heard", "무선벨 응답 없음"),
    Kind.RECEIVER_LOST: Response(*_TROUBLE, "Radio receiver lost", "수신기 고장"),
    Kind.DEVICE_FAULT: Response(*_TROUBLE, "Fault of the box", "기기 고장"),
    UNREADABLE_KIND: Response(*_ALARM, "Alarm that cannot be read", "해독할 수 없는 경보"),
    UNKNOWN_KIND: Response(*_ALARM, "Alarm of an unknown kind", "알 수 없는 종류의 경보"),
}


def response_to(kind: str) -> Response:
    """Response to a kind; an unknown kind is an alarm."""
    return RESPONSES.get(kind, RESPONSES[UNKNOWN_KIND])


def handled_as(kind: str, source: str) -> str:
    """Kind by which an event is handled. An input's `test` is an alarm of unknown kind: only the box itself tests."""
    if kind not in RESPONSES or (kind == Kind.TEST and source != DEVICE_SOURCE):
        return UNKNOWN_KIND
    return kind
