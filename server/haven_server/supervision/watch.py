"""The thread that watches the deadlines, all of which are in the database: a restart loses none."""

from collections.abc import Callable

import structlog
from sqlalchemy import func, select

from haven_server import metrics
from haven_server.background import Background
from haven_server.core import Core
from haven_server.db.faults import is_database_fault
from haven_server.db.writer import Lane
from haven_server.devices.standing import Standing
from haven_server.incidents.naming import incident_name
from haven_server.models import Device, DeviceStatus, Incident, Trouble
from haven_server.police.deliveries import record_unreached
from haven_server.supervision.listening import keep_listening
from haven_server.supervision.vitals import find_silent

log = structlog.get_logger()

TICK_S = 0.5


class Watch(Background):
    """A context manager with one thread. Each step stands alone: one that fails never stops the next."""

    def __init__(self, core: Core, hears_vitals: Callable[[], bool]) -> None:
        super().__init__("watch")
        self._core = core
        self._hears_vitals = hears_vitals
        self._stuck = False

    @property
    def stuck(self) -> bool:
        """Whether the database refused a step of the last round: no silent box would become a trouble now."""
        return self._stuck

    def look(self) -> None:
        """One round, by the core's clock."""
        stuck = False
        for step in (self._police, self._silence, self._count):
            try:
                step()
            except Exception as error:
                if is_database_fault(error):
                    stuck = True
                    log.warning("the watch waits for the database", step=step.__name__, reason=str(error)[:200])
                else:
                    log.exception("a step of the watch failed; it is tried again", step=step.__name__)
        self._stuck = stuck

    def _run(self) -> None:
        while not self._stopping.wait(TICK_S):
            self.look()

    def _police(self) -> None:
        now = self._core.clock.now()
        for incident_id in self._core.database.writer.run(lambda session: record_unreached(session, now)):
            metrics.UNREACHED.inc()
            log.warning("police not reached: call them by voice", incident=incident_name(incident_id))

    def _silence(self) -> None:
        if not self._hears_vitals():
            return
        now = self._core.clock.now()
        gap = self._core.database.writer.run(lambda session: keep_listening(session, now), Lane.ROUTINE)
        if gap:
            log.warning("nobody was listening to the boxes; their timers stood still", seconds=gap.total_seconds())
        for device_id in self._core.database.writer.run(lambda session: find_silent(session, now), Lane.ROUTINE):
            log.warning("a box does not answer", device=device_id)

    def _count(self) -> None:
        with self._core.database.read() as session:
            still_open = Incident.closed_at.is_(None)
            in_service = select(Device.id).where(Device.standing == Standing.ACTIVE.value)
            silent = select(func.count()).where(DeviceStatus.silent, DeviceStatus.device_id.in_(in_service))
            troubles = select(func.count(Trouble.id)).where(
                Trouble.restored_at.is_(None), Trouble.device_id.in_(in_service)
            )
            for gauge, statement in (
                (metrics.INCIDENTS_OPEN, select(func.count(Incident.id)).where(still_open)),
                (
                    metrics.POLICE_UNREACHED_NOW,
                    select(func.count(Incident.id)).where(still_open, Incident.police_unreached),
                ),
                (metrics.DEVICES_SILENT, silent),
                (metrics.TROUBLES_OPEN, troubles),
            ):
                gauge.set(session.execute(statement).scalar_one())
        metrics.WRITER_WAITING.set(self._core.database.writer.waiting())
