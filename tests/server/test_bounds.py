"""Every queue and buffer has an end, and what comes then: the bounds that no other test reaches."""

import hashlib
import os
import queue
import signal
import threading
from collections.abc import Callable, Iterable
from pathlib import Path

from sqlalchemy import insert
from sqlalchemy.orm import Session

from haven_contract.messages import EVENT_EXPIRY_S, Event, Heartbeat
from haven_contract.topics import Down, Up, all_up, down, up
from haven_server import models
from haven_server.clock import SystemClock
from haven_server.incidents.opening import UNCLOSED
from haven_server.incidents.receipts import MOST_REPEATED, current_receipts
from haven_server.ingest import alarm_lane, vitals_lane
from haven_server.ingest.alarm_lane import AlarmLane
from haven_server.ingest.connection import MOST_WAITING, Connection, Delivered, Plan, TlsFiles
from haven_server.ingest.inbound import Inbound
from haven_server.ingest.reading import MAX_KEPT, read_event
from haven_server.ingest.recording import EventRecorder, Recorded
from haven_server.ingest.vitals_lane import VitalsLane
from haven_server.presstime import Arrival
from haven_server.supervision.vitals import Vital, VitalsTold
from mosquitto import Mosquitto
from pki import Pki, pki
from server.databases import on_sqlite
from server.live import eventually
from server.scenario import Box, Dispatch

__all__ = ["pki"]


def test_what_a_broker_does_not_acknowledge_is_not_sent_without_end(pki: Pki, tmp_path: Path) -> None:
    tls = TlsFiles(pki.server.ca, pki.server.certificate, pki.server.key)
    came_up = threading.Event()
    topic = down("box-1", Down.RECEIPT)
    with Mosquitto(pki.broker_folder, tmp_path) as broker:
        plan = Plan(broker.host, broker.inner_port, tls, "dispatch/bounds/alarms", (all_up(Up.EVENT),))
        with Connection(plan, queue.Queue(), SystemClock(), came_up) as connection:
            assert came_up.wait(20)
            os.kill(broker.pid, signal.SIGSTOP)  # it is there, and says nothing any more
            try:
                taken = [connection.publish(topic, b"{}", qos=1, expiry_s=60) for _ in range(MOST_WAITING)]
                assert all(taken)
                assert not connection.publish(topic, b"{}", qos=1, expiry_s=60)
            finally:
                os.kill(broker.pid, signal.SIGCONT)
            eventually(lambda: connection.publish(topic, b"{}", qos=1, expiry_s=60), "there is room again")


def test_a_huge_payload_is_kept_only_in_part_and_known_by_its_whole() -> None:
    payload = b"{" + bytes(range(256)) * 300
    reading = read_event(up("box-1", Up.EVENT), payload)
    assert reading.kept == payload[:MAX_KEPT]
    assert len(reading.kept) < len(payload)
    assert reading.payload_hash == hashlib.sha256(payload).hexdigest()


def test_a_press_is_compared_with_so_many_unclosed_incidents(dispatch: Dispatch) -> None:
    dispatch.store("S-1")
    box = dispatch.box("box-1", "S-1")
    first = box.press().incident_id
    for number in range(UNCLOSED - 1):
        press_at_an_unknown_time(box, f"button:{number}")
    assert box.press().incident_id == first
    newest = press_at_an_unknown_time(box, "button:one-more")
    after = box.press().incident_id
    assert after not in {first, newest}
    assert after is not None
    assert dispatch.show(after)["linked_incident"] == f"HV-{newest}"


def press_at_an_unknown_time(box: Box, source: str) -> int | None:
    """It opens an incident of its own each time."""
    return box.send_saying(box.make(source=source, boot_id=None, mono_ms=None), None, None).incident_id


def test_a_server_that_returns_repeats_only_the_newest_receipts(dispatch: Dispatch) -> None:
    dispatch.store("S-1")
    incident_id = dispatch.box("box-1", "S-1").press().incident_id
    now = dispatch.clock.now()
    usual = {
        "device_id": "box-2", "payload_hash": "", "sealed_raw": b"", "received_at": now, "kind": "holdup",
        "source": "button:counter", "press_basis": "unknown", "at": now, "flags": [], "incident_id": incident_id,
        "stage_at": now,
    }  # fmt: skip
    rows = [usual | {"event_id": f"e-{number}"} for number in range(MOST_REPEATED)]
    dispatch.core.database.writer.run(lambda session: session.execute(insert(models.Event), rows))
    with dispatch.core.database.read() as session:
        repeated = current_receipts(session, None, now)
    # The oldest event is box-1's.
    assert [receipt.event_id for _, receipt in repeated] == [f"e-{number}" for number in range(MOST_REPEATED)]


def messages(what: Up, payloads: Iterable[bytes], acknowledge: Callable[[], object]) -> "queue.Queue[Delivered]":
    """An inbox in which they wait."""
    inbox: queue.Queue[Delivered] = queue.Queue()
    arrival = Arrival(SystemClock().now(), EVENT_EXPIRY_S, None)
    for payload in payloads:
        inbox.put(Delivered(Inbound(up("box-1", what), payload, arrival), acknowledge))
    return inbox


class CountingRecorder(EventRecorder):
    """Keeps how many events each transaction had."""

    def __init__(self, dispatch: Dispatch) -> None:
        super().__init__(dispatch.vault, "server1")
        self.batches: list[int] = []

    def record_all(self, session: Session, inbound: list[Inbound]) -> list[Recorded]:
        self.batches.append(len(inbound))
        return super().record_all(session, inbound)


@on_sqlite
def test_one_commit_of_alarms_has_its_bound(dispatch: Dispatch) -> None:
    count = alarm_lane.MAX_BATCH + 1
    acknowledged: list[None] = []
    events = (Event(id=f"e-{number}", kind=f"odd-{number}").encode() for number in range(count))
    inbox = messages(Up.EVENT, events, lambda: acknowledged.append(None))
    recorder = CountingRecorder(dispatch)
    with AlarmLane(dispatch.core, inbox, threading.Event(), lambda _ids: None, recorder):
        eventually(lambda: len(acknowledged) == count)
    assert recorder.batches == [alarm_lane.MAX_BATCH, 1]


@on_sqlite
def test_one_commit_of_heartbeats_has_its_bound(dispatch: Dispatch) -> None:
    count = vitals_lane.MAX_BATCH + 1
    acknowledged: list[None] = []
    batches: list[int] = []

    def record(_session: Session, vitals: list[Vital]) -> VitalsTold:
        batches.append(len(vitals))
        return VitalsTold([], [])

    beats = (Heartbeat(boot_id="b", mono_ms=1, seq=number + 1).encode() for number in range(count))
    inbox = messages(Up.HEARTBEAT, beats, lambda: acknowledged.append(None))
    with VitalsLane(dispatch.core, inbox, record):
        eventually(lambda: len(acknowledged) == count)
    assert batches == [vitals_lane.MAX_BATCH, 1]
