"""`haven-provision status` as the monitoring runs it: what cannot be looked at is no good news."""

from collections.abc import Callable
from pathlib import Path

import pytest

from haven_provisioning.cli import cli
from haven_provisioning.installation import Installation

Status = Callable[[Path], tuple[int, str]]


@pytest.fixture
def status(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Status:
    monkeypatch.delenv("HAVEN_DIR", raising=False)

    def call(folder: Path) -> tuple[int, str]:
        with pytest.raises(SystemExit) as ended:
            cli(["status", "--dir", str(folder)])
        return int(ended.value.code or 0), capsys.readouterr().err

    return call


def test_a_folder_without_an_installation_is_named_and_what_to_do(status: Status, tmp_path: Path) -> None:
    code, told = status(tmp_path / "elsewhere")
    assert code == 2
    assert f"there is no installation in {tmp_path / 'elsewhere'}: `haven-provision init" in told
    assert "--dir" in told
    assert "crl renew" not in told
    assert not (tmp_path / "elsewhere").exists()


def test_a_missing_revocation_list_is_as_bad_as_an_ended_one(status: Status, installation: Installation) -> None:
    assert status(installation.folder) == (0, "")
    installation.revocation_list_file.unlink()
    code, told = status(installation.folder)
    assert code == 2
    assert "crl renew" in told
