"""Prometheus metrics. No label names a home, a person or an address."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

REGISTRY = CollectorRegistry()

EVENTS = Counter("haven_events_total", "Events recorded, repeated deliveries not counted", ["kind"], registry=REGISTRY)
REPEATED = Counter("haven_events_repeated_total", "Repeated deliveries of events", registry=REGISTRY)
UNREADABLE_VITALS = Counter(
    "haven_vitals_unreadable_total", "States, heartbeats and replies that could not be read", registry=REGISTRY
)
PRESS_TO_COMMIT = Histogram(
    "haven_receive_to_commit_seconds",
    "From the arrival of an event to its commit",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
    registry=REGISTRY,
)
DELIVERIES = Counter("haven_deliveries_total", "Deliveries to police desks", ["channel", "outcome"], registry=REGISTRY)
UNREACHED = Counter("haven_police_unreached_total", "Notices that no desk confirmed within 10 s", registry=REGISTRY)
INCIDENTS_OPEN = Gauge("haven_incidents_open", "Incidents that are not closed", registry=REGISTRY)
POLICE_UNREACHED_NOW = Gauge(
    "haven_incidents_police_unreached", "Open incidents of which no police desk knows", registry=REGISTRY
)
DEVICES_SILENT = Gauge("haven_devices_silent", "Boxes in service that do not answer", registry=REGISTRY)
TROUBLES_OPEN = Gauge("haven_troubles_open", "Troubles without a restoral", registry=REGISTRY)
WRITER_WAITING = Gauge("haven_writer_waiting", "Jobs waiting for the database", registry=REGISTRY)
INBOX_WAITING = Gauge("haven_inbox_waiting", "Messages waiting to be recorded", ["lane"], registry=REGISTRY)
BROKERS_UP = Gauge("haven_broker_connections_up", "Brokers whose alarms are heard", registry=REGISTRY)
