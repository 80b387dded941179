from collections.abc import Iterator
from pathlib import Path

import pytest

from device.rig import Dispatch
from mosquitto import Mosquitto
from pki import Pki, pki

__all__ = ["broker", "dispatch", "own_pki", "pki"]


@pytest.fixture
def own_pki(tmp_path: Path) -> Pki:
    """Authorities of this test's own, for it changes what they made."""
    return Pki(tmp_path / "pki")


@pytest.fixture
def broker(tmp_path: Path, pki: Pki) -> Iterator[Mosquitto]:
    with Mosquitto(pki.broker_folder, tmp_path / "broker") as running:
        yield running


@pytest.fixture
def dispatch(broker: Mosquitto, pki: Pki) -> Iterator[Dispatch]:
    with Dispatch(broker, pki) as running:
        yield running
