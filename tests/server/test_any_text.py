"""A text that paho refuses, and Mosquitto lets through, must not stop the alarms of a city."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from haven_contract.topics import Up, up
from mosquitto import Mosquitto, Peer
from pki import Pki, pki
from server.live import eventually
from server.live_server import Installation, incidents, install

__all__ = ["pki"]

FEFF = "a\ufeffb"


@pytest.fixture
def city(pki: Pki, tmp_path: Path, sqlite_template: Path) -> Iterator[Installation]:
    shutil.copy(sqlite_template, tmp_path / "haven.db")
    with Mosquitto(pki.broker_folder, tmp_path / "broker") as broker:
        installation = install(broker, pki, tmp_path, f"sqlite:///{tmp_path / 'haven.db'}")
        with installation.registering() as registry:
            registry.store("S-1")
            registry.box("box-1", "S-1")
            registry.box("box-2", "S-1")
        yield installation


def odd_properties() -> Properties:
    properties = Properties(PacketTypes.PUBLISH)
    properties.UserProperty = [("x", FEFF), (FEFF, "y"), ("sent", FEFF)]
    properties.ContentType = FEFF
    properties.ResponseTopic = FEFF
    return properties


@pytest.mark.parametrize("what", [Up.EVENT, Up.STATE])
def test_odd_text_in_properties_stops_nobody(city: Installation, what: Up) -> None:
    with city.server() as server, Peer.box(city.broker, city.pki, "box-2") as odd:
        odd.client.publish(up("box-2", what), b'{"v":1}', qos=1, properties=odd_properties())
        if what is Up.EVENT:
            eventually(lambda: len(incidents(server)) == 1, "the odd one rings")
        with city.box() as box:
            box.receipt(box.press(), "received")
        assert server.not_ready() == []
