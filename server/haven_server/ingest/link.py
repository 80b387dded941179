"""The server's links to its brokers: for each broker a connection for alarms and one for everything else."""

import queue
import threading
from contextlib import ExitStack
from typing import Self

import structlog

from haven_contract.channels import DOWN
from haven_contract.errors import ContractError
from haven_contract.messages import Alive, Command, Message, Receipt
from haven_contract.topics import SERVER_USER, Down, Up, all_up, down
from haven_server.clock import Clock
from haven_server.ingest.any_text import tolerate_any_text
from haven_server.ingest.connection import Connection, Delivered, Plan, TlsFiles
from haven_server.metrics import BROKERS_UP

log = structlog.get_logger()

INBOX = 10_000
"""Messages in an inbox. When it is full the connection is given up, and the broker keeps the rest."""


class Links:
    """All brokers. Sends to devices through each that is up, because a device may be at any of them."""

    def __init__(
        self,
        addresses: list[tuple[str, int]],
        tls: TlsFiles,
        server: str,
        clock: Clock,
    ) -> None:
        self.alarms_came_up = threading.Event()
        """Set whenever a connection for alarms has come up: receipts may have been lost before."""
        tolerate_any_text()
        self.alarms: queue.Queue[Delivered] = queue.Queue(INBOX)
        self.vitals: queue.Queue[Delivered] = queue.Queue(INBOX)
        self._stack = ExitStack()

        def connections(
            lane: str, what: list[Up], inbox: "queue.Queue[Delivered]", came_up: threading.Event
        ) -> list[Connection]:
            # No device id has a slash, so that no device can ever be mistaken for a server.
            client_id = f"{SERVER_USER}/{server}/{lane}"
            filters = tuple(all_up(kind) for kind in what)
            plans = [Plan(host, port, tls, client_id, filters) for host, port in addresses]
            return [Connection(plan, inbox, clock, came_up) for plan in plans]

        self._clock = clock
        self._alarm_lanes = connections("alarms", [Up.EVENT], self.alarms, self.alarms_came_up)
        self._vital_lanes = connections("vitals", [Up.STATE, Up.HEARTBEAT, Up.REPLY], self.vitals, threading.Event())
        for alarm_lane, vital_lane in zip(self._alarm_lanes, self._vital_lanes, strict=True):
            alarm_lane.other, vital_lane.other = vital_lane, alarm_lane

    def __enter__(self) -> Self:
        for lane in self._alarm_lanes + self._vital_lanes:
            self._stack.enter_context(lane)
        BROKERS_UP.set_function(lambda: sum(lane.is_up for lane in self._alarm_lanes))
        return self

    def __exit__(self, *_: object) -> None:
        BROKERS_UP.set_function(lambda: 0)
        self._stack.close()

    def hears_alarms(self) -> bool:
        """Whether at least one broker delivers alarms."""
        return any(lane.is_up for lane in self._alarm_lanes)

    def hears_vitals(self) -> bool:
        """Whether at least one broker delivers heartbeats."""
        return any(lane.is_up for lane in self._vital_lanes)

    def taken_over(self) -> bool:
        """Whether another server seems to have come to a broker under our name within the last minute."""
        return any(lane.is_taken_over for lane in self._alarm_lanes + self._vital_lanes)

    def send_receipt(self, device_id: str, receipt: Receipt) -> None:
        """On the alarms' connections, so that no heap of answers to heartbeats is before it."""
        self._publish(self._alarm_lanes, device_id, Down.RECEIPT, receipt)

    def send_alive(self, device_id: str, alive: Alive) -> None:
        """On the connections of the heartbeats."""
        self._publish(self._vital_lanes, device_id, Down.ALIVE, alive)

    def send_command(self, device_id: str, command: Command) -> bool:
        """On the connections of the heartbeats."""
        left_s = command.seconds_left(self._clock.now())
        return self._publish(self._vital_lanes, device_id, Down.COMMAND, command, left_s)

    @staticmethod
    def _publish(
        lanes: list[Connection], device_id: str, what: Down, message: Message, expiry_s: int | None = None
    ) -> bool:
        try:
            channel, topic, payload = DOWN[what], down(device_id, what), message.encode()
        except ContractError as error:
            log.warning("a device cannot be answered", device=device_id[:64], reason=str(error))
            return False
        expiry = channel.expiry_s if expiry_s is None else expiry_s
        return any([lane.publish(topic, payload, qos=channel.qos, expiry_s=expiry) for lane in lanes])  # noqa: C419 - all of them
