"""Everything on the GPIO header, and the one module that knows gpiozero. On a laptop its pins are mocked.

Contacts stand between a pin and ground, and the Pi pulls the pin up: a cut wire is an open contact. `active_low` says
whether the closed or the open one is the alarm. Contacts give raw edges, stamped here; debouncing is the core's. The
devices are kept referenced, because gpiozero lets a forgotten button die silently.
"""

import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, Self

from haven_contract.words import DEVICE_SOURCE
from haven_device.clock import Clock
from haven_device.errors import PinError
from haven_device.events import Edge, Input
from haven_device.settings import ContactSettings, IndicatorSettings, Settings

if TYPE_CHECKING:
    from gpiozero import DigitalInputDevice


class Light(Protocol):
    """The clerk's LED."""

    def shine(self, level: float) -> None:
        """Brightness from 0 to 1."""
        ...

    def sound(self, on: bool) -> None:
        """Buzzer, where there is one."""
        ...


class Pins:
    """All pins of the configuration, as a context manager.

    A pin that cannot be had stops no other: `faults` says which, by the contact's source (`device` for the light).
    """

    def __init__(self, settings: Settings, put: Callable[[Input], None], clock: Clock, *, factory: Any = None) -> None:
        self.faults: dict[str, str] = {}
        self._stack = ExitStack()
        self._contacts: dict[str, DigitalInputDevice] = {}
        self._active_low = {contact.source: contact.active_low for contact in settings.contacts}
        self._led: Any = None
        self._buzzer: Any = None
        try:
            for contact in settings.contacts:
                with self._noting(contact.source):
                    self._contacts[contact.source] = self._open_contact(contact, put, clock, factory)
            with self._noting(DEVICE_SOURCE):
                self._open_indicator(settings.indicator, factory)
        except BaseException:
            self._stack.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def levels(self) -> dict[str, bool]:
        """Source of each contact -> active now. The backstop for edges that get lost."""
        return {source: bool(device.is_active) == self._active_low[source] for source, device in self._contacts.items()}

    def shine(self, level: float) -> None:
        """See Light."""
        if self._led is not None:
            self._led.value = level

    def sound(self, on: bool) -> None:
        """See Light."""
        if self._buzzer is not None:
            self._buzzer.value = on

    def drive(self, source: str, active: bool) -> None:
        """Mocked pins only: move a contact as a hand would. KeyError for a source that is not configured."""
        pin = self._contacts[source].pin
        (pin.drive_low if active == self._active_low[source] else pin.drive_high)()

    @contextmanager
    def _noting(self, source: str) -> Iterator[None]:
        try:
            yield
        except PinError as error:
            self.faults[source] = str(error)

    def _open_contact(
        self, contact: ContactSettings, put: Callable[[Input], None], clock: Clock, factory: Any
    ) -> "DigitalInputDevice":
        from gpiozero import DigitalInputDevice  # noqa: PLC0415 - `doctor` and tests of the core run without it

        device: Any = self._open(contact.source, contact.pin, DigitalInputDevice, pull_up=True, pin_factory=factory)
        # On a Pi, lgpio has one thread for all pins: only put, and let nothing be raised there.
        device.when_activated = partial(_edge, put, clock, contact.source, contact.active_low)
        device.when_deactivated = partial(_edge, put, clock, contact.source, not contact.active_low)
        return device

    def _open_indicator(self, indicator: IndicatorSettings, factory: Any) -> None:
        from gpiozero import PWMLED, DigitalOutputDevice  # noqa: PLC0415

        if indicator.led_pin is not None:
            self._led = self._open(
                "indicator.led_pin",
                indicator.led_pin,
                PWMLED,
                active_high=indicator.led_active_high,
                pin_factory=factory,
            )
        if indicator.buzzer_pin is not None:
            self._buzzer = self._open(
                "indicator.buzzer_pin", indicator.buzzer_pin, DigitalOutputDevice, pin_factory=factory
            )

    def _open(self, what: str, number: int, device_class: Callable[..., Any], **options: Any) -> Any:
        from gpiozero import GPIOZeroError  # noqa: PLC0415

        try:
            with warnings.catch_warnings():
                # gpiozero warns once for each backend that is not installed before it raises.
                warnings.simplefilter("ignore")
                device = device_class(number, **options)
        except (GPIOZeroError, OSError) as error:
            raise PinError(f"{what}: pin GPIO{number} cannot be used: {error}") from error
        self._stack.callback(device.close)
        return device


def mock_factory() -> Any:
    """Pins of a laptop: gpiozero's own mock, with PWM for the LED."""
    from gpiozero.pins.mock import MockFactory, MockPWMPin  # noqa: PLC0415

    class ForgetfulPin(MockPWMPin):  # type: ignore[misc]  # gpiozero has no type stubs
        """The mock notes every level it ever had; a simulated box breathes for days."""

        def _change_state(self, value: float) -> bool:
            changed = bool(super()._change_state(value))
            del self.states[:-1]
            return changed

    return MockFactory(pin_class=ForgetfulPin)


def _edge(put: Callable[[Input], None], clock: Clock, source: str, active: bool) -> None:
    put(Edge(source, active, clock.mono_ms()))
