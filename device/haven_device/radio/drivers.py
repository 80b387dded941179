"""Every receiver the firmware can talk to, by its name in the configuration."""

from collections.abc import Callable

from haven_device.radio.frames import Driver
from haven_device.radio.rflink import RFLink

DRIVERS: dict[str, Callable[[], Driver]] = {"rflink": RFLink}
