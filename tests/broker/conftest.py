from collections.abc import Iterator
from pathlib import Path

import pytest

from mosquitto import Mosquitto
from pki import Pki, pki

__all__ = ["broker", "pki"]


@pytest.fixture
def broker(pki: Pki, tmp_path: Path) -> Iterator[Mosquitto]:
    with Mosquitto(pki.broker_folder, tmp_path / "broker") as running:
        yield running


@pytest.fixture
def own_pki(tmp_path: Path) -> Pki:
    """Authorities of this test's own, for it revokes."""
    return Pki(tmp_path / "pki")
