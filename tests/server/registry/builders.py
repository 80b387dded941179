"""What tests of the registry begin with. Every name and number is made up."""

from typing import Any

from sqlalchemy import select

from haven_server.core import Core
from haven_server.desks.forms import ChannelForm, DeskForm
from haven_server.models import AuditLine
from haven_server.sites.views import SiteForm

SITES_HEADER = "점포명,시군구명,소재지도로명주소,위도,경도,전화번호,관할경찰서명"
DESKS_HEADER = "연번,시도청,경찰서,관서명,구분,주소"


def store(**facts: Any) -> SiteForm:
    """A store as somebody enters it."""
    known = {
        "kind": "store",
        "name": "한빛마트 가람점",
        "road_address": "서울특별시 강동구 가람로 12",
        "district": "강동구",
        "lat": 37.53,
        "lon": 127.13,
        "phones": ["02-555-0111"],
    }
    return SiteForm.model_validate(known | facts)


def home(**facts: Any) -> SiteForm:
    """A home as somebody enters it."""
    known = {
        "kind": "home",
        "name": "가구 17",
        "road_address": "서울특별시 강동구 나래로 3",
        "detail": "502호",
        "district": "강동구",
        "lat": 37.54,
        "lon": 127.14,
        "phones": ["010-5555-0117"],
        "contacts": [{"name": "보호자", "phone": "010-5555-0118", "role": "guardian"}],
        "notes": "초인종을 누르지 말 것",
    }
    return SiteForm.model_validate(known | facts)


def station(name: str = "서울강동경찰서", **facts: Any) -> DeskForm:
    """A police station."""
    return DeskForm.model_validate({"station": name, "kind": "station", "phone": "02-555-0100"} | facts)


def box_of(name: str, station_name: str = "서울강동경찰서", kind: str = "precinct", **facts: Any) -> DeskForm:
    """A police box."""
    return DeskForm.model_validate({"station": station_name, "name": name, "kind": kind} | facts)


def webhook(**facts: Any) -> ChannelForm:
    """A channel."""
    return ChannelForm.model_validate({"kind": "webhook", "url": "https://desk.example/alarms"} | facts)


def sites_file(*rows: str) -> bytes:
    """A file of sites as a district writes it."""
    return "\n".join((SITES_HEADER, *rows)).encode("utf-8-sig")


def desks_file(*rows: str) -> bytes:
    """A file of desks as the police write it."""
    return "\n".join((DESKS_HEADER, *rows)).encode("cp949")


def audited(core: Core) -> list[tuple[str, str, str]]:
    """Lines of the audit trail: who, what, of what."""
    with core.database.read() as session:
        lines = session.scalars(select(AuditLine).order_by(AuditLine.id))
        return [(line.actor, line.action, line.subject) for line in lines]
