"""A dispatch server without sockets, for scenario tests: boxes press, time passes when told, the desk answers or not.

Everything behind the MQTT and HTTP edges is the real thing: recorder, writer, deliveries, watch, on a real database.
"""

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from cryptography.fernet import Fernet
from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from haven_contract.messages import EVENT_EXPIRY_S, Alive, Command, Event, Heartbeat, Receipt, Sent, State
from haven_contract.topics import Up, up
from haven_contract.words import Stage
from haven_server import models
from haven_server.core import Core
from haven_server.db.database import Database
from haven_server.incidents.lifecycle import Disposition, Step
from haven_server.incidents.operations import Request, take_step
from haven_server.incidents.views import Wanted, list_incidents, show_incident
from haven_server.ingest.inbound import Inbound
from haven_server.ingest.recording import EventRecorder, Recorded
from haven_server.police.deliveries import claim_due, load_parcels, record_alerted, record_failed
from haven_server.police.message import message
from haven_server.presstime import Arrival
from haven_server.sites.record import Place, stored_place
from haven_server.staff.access import Actor, Role
from haven_server.supervision.vitals import Vital, record_vitals
from haven_server.supervision.watch import Watch
from haven_server.vault import Vault
from server.clocks import ManualClock

SEOUL = ZoneInfo("Asia/Seoul")
LOOK_AT_LEAST_EVERY = timedelta(seconds=9)
"""A watch that looks seldomer counts as deaf, see supervision.listening."""

DISPATCHER = Actor("kim", Role.DISPATCHER)


@dataclass
class Heard:
    """What the boxes would have heard."""

    receipts: list[tuple[str, Receipt]] = field(default_factory=list)
    alive: list[tuple[str, Alive]] = field(default_factory=list)
    commands: list[tuple[str, Command]] = field(default_factory=list)

    def send_receipt(self, device_id: str, receipt: Receipt) -> None:
        self.receipts.append((device_id, receipt))

    def send_alive(self, device_id: str, alive: Alive) -> None:
        self.alive.append((device_id, alive))

    def send_command(self, device_id: str, command: Command) -> bool:
        self.commands.append((device_id, command))
        return True


class Dispatch:
    """The server with its clock, and what goes out of it."""

    def __init__(self, database: Database, vault: Vault | None = None) -> None:
        self.clock = ManualClock()
        self.heard = Heard()
        self.vault = vault or Vault([Fernet.generate_key()])
        self.core = Core(database=database, vault=self.vault, clock=self.clock, outbound=self.heard, server="server1")
        self.recorder = EventRecorder(self.vault, "server1")
        self.listening = True
        self.watch = Watch(self.core, lambda: self.listening)
        self.desk_answers = True
        self.calls: list[dict[str, Any]] = []
        """Bodies that reached a desk, in order; `channel` says which."""
        self._in_hand: list[int] = []

    # -- what is registered

    def desk(self, station: str, *, districts: tuple[str, ...] = (), channels: int = 1) -> int:
        """A police station with jurisdictions and webhook channels."""

        def job(session: Session) -> int:
            desk_id = session.execute(
                insert(models.Desk)
                .values(station=station, name=station, kind="station", phone="02-000-0112")
                .returning(models.Desk.id)
            ).scalar_one()
            for district in districts:
                session.execute(insert(models.Jurisdiction).values(district=district, desk_id=desk_id))
            return desk_id

        desk_id = self.core.database.writer.run(job)
        for rank in range(channels):
            self.channel(desk_id, rank)
        return desk_id

    def city_desk(self) -> int:
        """The desk for everything that has no other."""
        with self.core.database.read() as session:
            return session.execute(select(models.Desk.id).where(models.Desk.is_city)).scalar_one()

    def channel(self, desk_id: int, rank: int = 0, url: str | None = None) -> None:
        """A webhook of a desk."""
        secret = self.vault.seal(b"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
        row = {"desk_id": desk_id, "rank": rank, "kind": "webhook", "url": url or f"http://desk{desk_id}/{rank}"}
        self.core.database.writer.run(
            lambda session: session.execute(insert(models.DeskChannel).values(sealed_secret=secret, **row))
        )

    def store(self, code: str, *, district: str = "강남구", **place: Any) -> None:
        """A convenience store."""
        self._site(code, "store", district, place)

    def home(self, code: str, *, district: str = "강남구", **place: Any) -> None:
        """A home of the patrol programme."""
        self._site(code, "home", district, place)

    def _site(self, code: str, kind: str, district: str, place: dict[str, Any]) -> None:
        usual: dict[str, Any] = {
            "name": f"GS25 {code}",
            "road_address": f"서울특별시 {district} 도산대로 {len(code)}",
            "detail": "1층",
            "lat": 37.5,
            "lon": 127.0,
            "phones": ["02-555-0100"],
        }
        known = Place(**(usual | place))
        now = self.clock.now()
        values: dict[str, Any] = {
            "code": code,
            "kind": kind,
            "district": district,
            "created_at": now,
            "updated_at": now,
        }
        values |= stored_place(kind, known.as_facts(), self.vault)
        self.core.database.writer.run(lambda session: session.execute(insert(models.Site).values(**values)))

    def box(self, device_id: str, site: str | None = None, *, standing: str = "active") -> "Box":
        """A registered box, just booted."""
        now = self.clock.now()

        def job(session: Session) -> None:
            site_id = session.execute(select(models.Site.id).where(models.Site.code == site)).scalar()
            session.execute(
                insert(models.Device).values(
                    id=device_id, site_id=site_id, standing=standing, standing_since=now, created_at=now
                )
            )

        self.core.database.writer.run(job)
        return Box(self, device_id)

    def open_test(self, device_id: str, source: str) -> None:
        """The server's own open test of promise 6."""
        now = self.clock.now()
        row = {"device_id": device_id, "source": source, "opened_by": "kim", "opened_at": now}
        self.core.database.writer.run(
            lambda session: session.execute(
                insert(models.OpenTest).values(expires_at=now + timedelta(seconds=60), **row)
            )
        )

    # -- what happens

    def receive(self, inbound: Inbound) -> Recorded:
        """A message of an event topic arrives."""
        recorded = self.core.database.writer.run(lambda session: self.recorder.record(session, inbound))
        self._in_hand += [delivery for delivery in recorded.deliveries if delivery not in self._in_hand]
        if recorded.can_be_answered:
            self.heard.send_receipt(recorded.device_id, recorded.receipt)
        return recorded

    def forward(self, seconds: float) -> None:
        """Time passes, from one deadline to the next: the server's threads would find nothing to do in between."""
        end = self.clock.now() + timedelta(seconds=seconds)
        self.work()
        while True:
            now = self.clock.now()
            stop = min([end, now + LOOK_AT_LEAST_EVERY, *(at for at in self._deadlines() if at > now)])
            self.clock.forward((stop - now).total_seconds())
            self.work()
            if stop == end:
                return

    def _deadlines(self) -> list[datetime]:
        pending = models.Delivery.state == "pending"
        unsettled = models.Notice.alerted_at.is_(None) & models.Notice.unreached_at.is_(None)
        with self.core.database.read() as session:
            nearest = [
                session.scalar(select(func.min(models.Delivery.next_at)).where(pending)),
                session.scalar(select(func.min(models.Notice.reach_by)).where(unsettled)),
                session.scalar(
                    select(func.min(models.DeviceStatus.due_at)).where(models.DeviceStatus.silent.is_(False))
                ),
                session.scalar(select(func.min(models.Device.awaited_until))),
            ]
        return [at for at in nearest if at is not None]

    def work(self) -> None:
        """What the server's threads do: deliver what is due, look at the deadlines."""
        self.deliver()
        self.watch.look()

    def deliver(self) -> None:
        """Send what is due; the desk answers if `desk_answers`."""
        now = self.clock.now()
        claimed = self.core.database.writer.run(lambda s: claim_due(s, "server1", now, self._in_hand, 1000))
        ids, self._in_hand = self._in_hand + claimed, []
        with self.core.database.read() as session:
            parcels = load_parcels(session, ids, self.vault).parcels
        for parcel in parcels:
            body = json.loads(json.dumps(message(parcel.told, SEOUL)))
            self.calls.append(body | {"channel": parcel.url})
            if self.desk_answers:
                receipts = self.core.database.writer.run(lambda s, p=parcel: record_alerted(s, p, now))  # type: ignore[misc]
                self.heard.receipts += receipts
            else:
                self.core.database.writer.run(
                    lambda s, p=parcel: record_failed(s, p.delivery_id, "no answer", now, Random(1))  # type: ignore[misc]
                )

    def step(self, incident: dict[str, Any], step: Step, **more: Any) -> dict[str, Any]:
        """A dispatcher does something with the incident that he sees."""
        take_step(self.core, DISPATCHER, incident["id"], Request(step=step, version=incident["version"], **more))
        return self.show(incident["id"])

    def close(self, incident: dict[str, Any], disposition: Disposition = Disposition.REAL) -> dict[str, Any]:
        """Acknowledge and close."""
        acknowledged = self.step(incident, Step.ACKNOWLEDGE)
        return self.step(acknowledged, Step.CLOSE, disposition=disposition)

    # -- what can be seen

    def incidents(self) -> list[dict[str, Any]]:
        """All incidents, oldest first."""
        return list_incidents(self.core, DISPATCHER, Wanted(open_only=False))[::-1]

    def only_incident(self) -> dict[str, Any]:
        """The one incident there is, whole."""
        (incident,) = self.incidents()
        return self.show(incident["id"])

    def show(self, incident_id: int) -> dict[str, Any]:
        """One incident, whole."""
        return show_incident(self.core, DISPATCHER, incident_id)

    def flags(self, incident: dict[str, Any]) -> set[str]:
        """Codes of an incident's flags."""
        return {flag["code"] for flag in incident["flags"]}

    def events(self) -> list[models.Event]:
        """All events."""
        with self.core.database.read() as session:
            return list(session.scalars(select(models.Event).order_by(models.Event.id)))

    def troubles(self) -> list[tuple[str, str, str]]:
        """Open troubles: box, subject, kind."""
        with self.core.database.read() as session:
            return [
                (row.device_id, row.subject, row.kind)
                for row in session.scalars(select(models.Trouble).where(models.Trouble.restored_at.is_(None)))
            ]

    def faults(self) -> list[tuple[str, str, str]]:
        """Open faults of boxes: box, subject, fault."""
        with self.core.database.read() as session:
            open_now = select(models.Trouble).where(models.Trouble.restored_at.is_(None), models.Trouble.fault != "")
            return [(row.device_id, row.subject, row.fault) for row in session.scalars(open_now)]

    def stages(self, device_id: str) -> list[Stage]:
        """Stages told to a box, in order."""
        return [receipt.stage for device, receipt in self.heard.receipts if device == device_id]


class Box:
    """A simulated box: its own monotonic clock, boots, and a wall clock that may be wrong."""

    def __init__(self, dispatch: Dispatch, device_id: str) -> None:
        self.dispatch = dispatch
        self.device_id = device_id
        self.connection = 0
        self.clock_error = timedelta()
        self.reboot()

    def reboot(self) -> None:
        """Power off and on: the monotonic clock starts again."""
        self.boot_id = str(uuid.uuid4())
        self._booted_at = self.dispatch.clock.now() - timedelta(seconds=5)
        self._seq = 0

    @property
    def mono_ms(self) -> int:
        return round((self.dispatch.clock.now() - self._booted_at).total_seconds() * 1000)

    def make(self, kind: str = "holdup", source: str = "button:counter", **more: Any) -> Event:
        """A press now, not sent yet."""
        clock = (self.dispatch.clock.now() + self.clock_error).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        values: dict[str, Any] = {
            "id": str(uuid.uuid4()),
            "kind": kind,
            "source": source,
            "boot_id": self.boot_id,
            "mono_ms": self.mono_ms,
            "clock": clock,
            "clock_synced": True,
        }
        return Event(**(values | more))

    def send(self, event: Event | bytes, *, waited_in_broker_s: int = 0) -> Recorded:
        """Publish; the broker holds it for a while."""
        sent = Sent(self.boot_id, self.mono_ms - waited_in_broker_s * 1000)
        return self.send_saying(event, sent, EVENT_EXPIRY_S - waited_in_broker_s)

    def send_saying(self, event: Event | bytes, sent: Sent | None, expiry_left_s: int | None) -> Recorded:
        """Publish with whatever the message says of its own way."""
        payload = event if isinstance(event, bytes) else event.encode()
        arrival = Arrival(self.dispatch.clock.now(), expiry_left_s, sent)
        return self.dispatch.receive(Inbound(up(self.device_id, Up.EVENT), payload, arrival))

    def press(self, source: str = "button:counter", kind: str = "holdup", **more: Any) -> Recorded:
        """Press and send at once."""
        return self.send(self.make(kind, source, **more))

    def say_online(self, **more: Any) -> None:
        """A new connection."""
        self.connection += 1
        values: dict[str, Any] = {
            "online": True,
            "boot_id": self.boot_id,
            "connection": self.connection,
            "mono_ms": self.mono_ms,
        }
        self._vital(State(**(values | more)))

    def beat(self, **more: Any) -> None:
        """A heartbeat."""
        self._seq += 1
        values: dict[str, Any] = {"boot_id": self.boot_id, "mono_ms": self.mono_ms, "seq": self._seq}
        self._vital(Heartbeat(**(values | more)))

    def die(self, connection: int | None = None) -> None:
        """The connection breaks; the broker publishes the last will."""
        of = self.connection if connection is None else connection
        self._vital(State(online=False, boot_id=self.boot_id, connection=of))

    def _vital(self, said: State | Heartbeat) -> None:
        arrival = Arrival(self.dispatch.clock.now(), None, None)
        vital = Vital(self.device_id, said, arrival)
        told = self.dispatch.core.database.writer.run(lambda session: record_vitals(session, [vital]))
        self.dispatch.heard.alive += told.alive
        self.dispatch.heard.receipts += told.receipts

    @property
    def stages(self) -> list[Stage]:
        """Stages that this box has been told, in order."""
        return self.dispatch.stages(self.device_id)


@contextmanager
def dispatching(database_url: str, vault: Vault | None = None) -> Iterator[Dispatch]:
    """A server on a migrated database."""
    with Database(database_url) as database:
        yield Dispatch(database, vault)
