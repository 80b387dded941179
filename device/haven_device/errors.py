"""What can go wrong in the box, in words for the technician."""


class DeviceError(Exception):
    """Root of the firmware's own errors."""


class ConfigError(DeviceError, ValueError):
    """The configuration cannot be used. `faults` has one sentence for each key that is wrong."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


class StoreError(DeviceError, OSError):
    """The disk did not take or give what it should: full, read-only, worn out."""


class StoreBrokenError(StoreError):
    """The outbox file itself is damaged."""


class PinError(DeviceError, RuntimeError):
    """A pin cannot be used; the text says which and why."""


class AlreadyRunningError(DeviceError, RuntimeError):
    """Another firmware process owns the data directory."""
