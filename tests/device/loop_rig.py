"""A box in pieces that the test moves by hand: fake clock, wire and pins, and the real outbox on disk."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from device.fakes import FakeClock, FakePins, FakeTrace, FakeWire
from device.rig import until
from haven_contract.messages import Event
from haven_contract.topics import Up
from haven_contract.words import Kind
from haven_device.events import LinkUp
from haven_device.inbox import Inbox
from haven_device.loop import Box
from haven_device.outbox import StoredEvent
from haven_device.settings import Address, ContactSettings, LinkSettings, PendantSettings, ReceiverSettings, Settings
from haven_device.store import Store
from haven_device.watchdog import Systemd
from haven_device.writer import Writer

LINK = LinkSettings(brokers=(Address("first", 8883),), ca=Path(), certificate=Path(), key=Path())


class NotingWriter(Writer):
    """Remembers what was to be written in one transaction with each event: its id, and the keys."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.together: dict[str, set[str]] = {}

    def add(self, event: StoredEvent, keep: Mapping[str, Any]) -> None:
        self.together[event.event_id] = set(keep)
        super().add(event, keep)


class Rig:
    """A box in pieces that the test moves by hand."""

    def __init__(self, folder: Path, open_store: Callable[[Path], Store] = Store, *, pressed: bool = False) -> None:
        contact = ContactSettings(source="button:counter", pin=17, kind=Kind.HOLDUP)
        pendants = tuple(PendantSettings(id=f"{number:02x}", kind=Kind.HOLDUP) for number in range(30))
        self.settings = Settings(
            device_id="store-0001",
            data_dir=folder,
            link=LINK,
            contacts=(contact,),
            pendants=pendants,
            receiver=ReceiverSettings(driver="rflink", port="none", lost_after_s=1e9),
            outbox_limit=20,
        )
        self.clock, self.trace, self.wire = FakeClock(), FakeTrace(), FakeWire()
        self.pins = FakePins(**{"button:counter": pressed})
        self.inbox = Inbox()
        self.writer = NotingWriter(folder, self.inbox.put, retry_s=0.01, settle_s=0.05, open_store=open_store)
        self.box = Box(
            self.settings,
            clock=self.clock,
            inbox=self.inbox,
            pins=self.pins,
            writer=self.writer,
            wire=self.wire,
            trace=self.trace,
            systemd=Systemd({}),
            firmware="1.2.3",
        )

    def forward(self, seconds: float) -> None:
        for _ in range(max(1, round(seconds * 10))):
            self.clock.forward(0.1 if seconds else 0)
            self.box.round(0)

    def connect(self) -> None:
        self.box.round(0)
        self.inbox.put(LinkUp(self.wire.generation))
        self.box.round(0)

    def events(self) -> list[Event]:
        return [Event.decode(one.payload) for one in self.wire.of(Up.EVENT)]

    def faults(self) -> list[tuple[object, bool]]:
        """Fault and whether it is its end, of each `device_fault` that was sent."""
        return [(event.detail["fault"], event.restored) for event in self.events() if event.kind == "device_fault"]

    def until(self, look: Callable[[], bool]) -> None:
        """Rounds without time passing, until it is so."""

        def after_a_round() -> bool:
            self.box.round(0)
            return look()

        until(after_a_round)

    def settled(self) -> None:
        """The disk has everything, and the loop knows."""
        until(lambda: self.writer.waiting == 0)
        self.box.round(0)


@contextmanager
def rig_in(folder: Path, open_store: Callable[[Path], Store] = Store, *, pressed: bool = False) -> Iterator[Rig]:
    rig = Rig(folder, open_store, pressed=pressed)
    with rig.writer:
        yield rig
