from pathlib import Path

import pytest

from fake_api import fake_api
from haven_provisioning.installation import Installation
from pki import now

__all__ = ["fake_api", "installation"]


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    there = Installation(tmp_path / "haven")
    there.create(["mqtt.example.org"], now())
    return there
