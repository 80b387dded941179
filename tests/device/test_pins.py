"""The GPIO adapter on gpiozero's own mock pins."""

from pathlib import Path

from device.fakes import FakeClock
from haven_device.events import Edge, Input
from haven_device.pins import Pins, mock_factory
from haven_device.settings import ContactSettings, IndicatorSettings, LinkSettings, Settings

LINK = LinkSettings(brokers=(), ca=Path(), certificate=Path(), key=Path())
BUTTON = ContactSettings(source="button:counter", pin=17, kind="holdup")
LID = ContactSettings(source="sensor:lid", pin=27, kind="tamper", active_low=False)


def settings(*contacts: ContactSettings, **indicator: int) -> Settings:
    return Settings(
        device_id="store-0001",
        data_dir=Path(),
        link=LINK,
        contacts=contacts,
        indicator=IndicatorSettings(**indicator),  # type: ignore[arg-type]  # pins only
    )


def test_edges_are_raw_and_stamped_and_say_active_whichever_way_it_is_wired() -> None:
    told: list[Input] = []
    clock, factory = FakeClock(), mock_factory()
    with Pins(settings(BUTTON, LID), told.append, clock, factory=factory) as pins:
        assert pins.levels() == {"button:counter": False, "sensor:lid": True}, "the pull-ups' own levels"
        factory.pin(17).drive_low()
        clock.now += 3
        factory.pin(17).drive_high()
        factory.pin(27).drive_low()
        assert pins.levels() == {"button:counter": False, "sensor:lid": False}
        pins.drive("sensor:lid", active=True)
    assert told == [
        Edge("button:counter", True, 10_000),
        Edge("button:counter", False, 10_003),
        Edge("sensor:lid", False, 10_003),
        Edge("sensor:lid", True, 10_003),
    ]


def test_light_and_buzzer() -> None:
    factory = mock_factory()
    with Pins(settings(led_pin=22, buzzer_pin=23), lambda _: None, FakeClock(), factory=factory) as pins:
        for level in (0.25, 1.0, 0.0) * 1000:
            pins.shine(level)
        pins.shine(0.5)
        assert factory.pin(22).state == 0.5
        assert len(factory.pin(22).states) == 1, "the mock must not remember every breath"
        pins.sound(on=True)
        assert factory.pin(23).state == 1
    with Pins(settings(), lambda _: None, FakeClock(), factory=factory) as pins:
        pins.shine(1.0)
        pins.sound(on=True)


def test_a_pin_that_is_taken_is_named_and_stops_no_other() -> None:
    factory = mock_factory()
    twice = ContactSettings(source="button:door", pin=17, kind="holdup")
    with Pins(settings(BUTTON, twice, LID), lambda _: None, FakeClock(), factory=factory) as pins:
        assert set(pins.faults) == {"button:door"}
        assert "button:door: pin GPIO17 cannot be used" in pins.faults["button:door"]
        assert pins.levels() == {"button:counter": False, "sensor:lid": True}


def test_without_any_gpio_every_pin_is_a_fault_and_nothing_stops() -> None:
    with Pins(settings(BUTTON, led_pin=22), lambda _: None, FakeClock()) as pins:
        assert set(pins.faults) == {"button:counter", "device"}
        assert pins.levels() == {}
        pins.shine(1.0)
