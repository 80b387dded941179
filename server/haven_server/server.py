"""The whole server put together: database, links to the brokers, lanes, deliveries, watch."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from haven_server.clock import Clock, SystemClock
from haven_server.core import Core
from haven_server.db.database import Database
from haven_server.db.migrate import migrate
from haven_server.db.opening import open_vault
from haven_server.ingest.alarm_lane import AlarmLane
from haven_server.ingest.connection import TlsFiles
from haven_server.ingest.link import Links
from haven_server.ingest.vitals_lane import VitalsLane
from haven_server.police.webhook import WebhookChannel
from haven_server.police.worker import DeliveryWorker
from haven_server.settings import Settings
from haven_server.startup import prepare_folders
from haven_server.supervision.watch import Watch


@dataclass(frozen=True, slots=True)
class Running:
    """A running server: its core, and what `/readyz` looks at."""

    core: Core
    links: Links
    alarms: AlarmLane
    vitals: VitalsLane
    deliveries: DeliveryWorker
    watch: Watch

    def not_ready(self) -> list[str]:
        """What keeps this server from doing its work now, in words; empty if nothing does."""
        checks = {
            "the database does not answer": self.core.database.answers(),
            "the database accepts no alarms": not self.alarms.stuck,
            "no broker is connected for alarms": self.links.hears_alarms(),
            "no broker is connected for heartbeats": self.links.hears_vitals(),
            "the database writer has stopped": self.core.database.writer.is_alive(),
            "the alarm lane has stopped": self.alarms.is_alive(),
            "the vitals lane has stopped": self.vitals.is_alive(),
            "deliveries to the police have stopped": self.deliveries.is_alive(),
            "the watch over deadlines has stopped": self.watch.is_alive(),
            "the database takes no writes: is its disk full?": not self.watch.stuck,
            f"another server seems to be named {self.core.server} too: give each a HAVEN_SERVER_NAME of its own": (
                not self.links.taken_over()
            ),
        }
        return [fault for fault, fine in checks.items() if not fine]


@contextmanager
def running(settings: Settings, clock: Clock | None = None) -> Iterator[Running]:
    """Start everything but HTTP; stop it in the reverse order."""
    clock = clock or SystemClock()
    prepare_folders(settings)
    migrate(settings.database)
    zone = ZoneInfo(settings.public_zone)
    tls = TlsFiles(settings.mqtt_ca, settings.mqtt_cert, settings.mqtt_key)
    links = Links(settings.broker_addresses, tls, settings.server_name, clock)
    with ExitStack() as stack:
        database = stack.enter_context(Database(settings.database))
        vault = open_vault(database, settings.data_keys)
        core = Core(database=database, vault=vault, clock=clock, outbound=links, server=settings.server_name)
        deliveries = stack.enter_context(DeliveryWorker(core, lambda: {"webhook": WebhookChannel(zone)}))
        alarms = stack.enter_context(AlarmLane(core, links.alarms, links.alarms_came_up, deliveries.take))
        vitals = stack.enter_context(VitalsLane(core, links.vitals))
        watch = stack.enter_context(Watch(core, links.hears_vitals))
        stack.enter_context(links)
        yield Running(core, links, alarms, vitals, deliveries, watch)
