"""The words of the contract: kinds of events, stages of a receipt, actions of a command."""

from enum import StrEnum


class Kind(StrEnum):
    """What happened. A sender may use another word: it is kept, and treated as an alarm of unknown kind."""

    HOLDUP = "holdup"
    DURESS = "duress"
    PANIC = "panic"
    MEDICAL = "medical"
    INTRUSION = "intrusion"
    ESCORT = "escort"
    CANCEL_REQUEST = "cancel_request"
    TAMPER = "tamper"
    BATTERY_LOW = "battery_low"
    POWER_LOST = "power_lost"
    PENDANT_MISSING = "pendant_missing"
    RECEIVER_LOST = "receiver_lost"
    DEVICE_FAULT = "device_fault"
    TEST = "test"


ALARM_KINDS = frozenset({Kind.HOLDUP, Kind.DURESS, Kind.PANIC, Kind.MEDICAL, Kind.INTRUSION, Kind.ESCORT, Kind.TAMPER})
"""Kinds for which a person is waiting; a full outbox gives these up last."""


class Stage(StrEnum):
    """How far an event has got, in the order of a normal course."""

    RECEIVED = "received"
    ALERTED = "alerted"
    ACKNOWLEDGED = "acknowledged"
    DISPATCHED = "dispatched"
    ARRIVED = "arrived"
    CLOSED = "closed"


class Action(StrEnum):
    """What a server may ask of a device."""

    IDENTIFY = "identify"
    TEST = "test"
    PAIR = "pair"
    ARM = "arm"
    DISARM = "disarm"
    CONFIGURE = "configure"
    RENEW = "renew"
    UPDATE = "update"
    RESTART = "restart"


class InputState(StrEnum):
    """How an input of a device is."""

    OK = "ok"
    ACTIVE = "active"
    FAULT = "fault"
    BATTERY_LOW = "battery_low"


UNREADABLE_SOURCE = "unreadable"
"""Source of an event whose own could not be read."""

DEVICE_SOURCE = "device"
"""Source of what the box itself reports; inputs are `button:<name>`, `pendant:<id>` and `sensor:<name>`."""
