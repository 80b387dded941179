from collections.abc import Iterator
from pathlib import Path

import pytest

from device.keys import Pki
from device.rig import Broker, Dispatch


@pytest.fixture(scope="session")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    return Pki(tmp_path_factory.mktemp("pki") / "ours")


@pytest.fixture
def broker(tmp_path: Path, pki: Pki) -> Iterator[Broker]:
    with Broker(tmp_path / "broker", pki) as running:
        yield running


@pytest.fixture
def dispatch(broker: Broker) -> Iterator[Dispatch]:
    with Dispatch(broker) as running:
        yield running
