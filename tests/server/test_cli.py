"""`haven-server` as the operator types it: what it prints, and one clear line where something is amiss."""

import io
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from haven_server.cli import cli
from server.registry.builders import desks_file, sites_file

SITES = sites_file(
    "한빛마트 가람점,강동구,서울특별시 강동구 가람로 12,37.53,127.13,02-555-0111,강동경찰서",
    "한빛마트 나래점,강동구,서울특별시 강동구 나래로 3,37.54,127.14,02-555-0112,강동경찰서",
)
DESKS = desks_file(
    "1,서울경찰청,서울강동경찰서,,경찰서,서울특별시 강동구 성내로 57",
    "2,서울경찰청,서울강동경찰서,천호,지구대,서울특별시 강동구 천호대로 1",
)


@dataclass(frozen=True, slots=True)
class Said:
    code: int
    out: str
    err: str

    @property
    def refusal(self) -> str:
        """The one line on standard error."""
        assert (self.code, self.out) == (2, "")
        (line,) = self.err.splitlines()
        return line


Run = Callable[..., Said]


@pytest.fixture
def run(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, sqlite_template: Path
) -> Iterator[Run]:
    """A command, with a database in the folder `state` and further variables as keywords."""
    state = tmp_path / "state"
    state.mkdir()
    shutil.copy(sqlite_template, state / "haven.db")
    for name in [name for name in os.environ if name.startswith("HAVEN_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HAVEN_STATE", str(state))
    mask = os.umask(0o022)

    def call(*arguments: object, typed: str = "", **variables: object) -> Said:
        capsys.readouterr()
        with monkeypatch.context() as here:
            here.setattr("sys.stdin", io.StringIO(typed))
            for name, value in variables.items():
                here.setenv(f"HAVEN_{name.upper()}", str(value))
            with pytest.raises(SystemExit) as ended:
                cli([str(argument) for argument in arguments])
        said = capsys.readouterr()
        code = ended.value.code
        return Said(code if isinstance(code, int) else 0, said.out, said.err)

    yield call
    os.umask(mask)


@pytest.fixture
def sites(tmp_path: Path) -> Path:
    (tmp_path / "sites.csv").write_bytes(SITES)
    return tmp_path / "sites.csv"


@pytest.fixture
def desks(tmp_path: Path) -> Path:
    (tmp_path / "desks.csv").write_bytes(DESKS)
    return tmp_path / "desks.csv"


def test_a_zone_that_does_not_exist_is_named(run: Run) -> None:
    told = run("tokens", "list", public_zone="Mars").refusal
    assert (
        told == "haven-server: HAVEN_PUBLIC_ZONE: there is no such zone; one is written like Asia/Seoul (it is 'Mars')"
    )


@pytest.mark.parametrize(
    "url", ["nonsense", "postgresql//haven:s3cret@db/haven", "postgresql://haven:s3cret@db:port/haven"]
)
def test_an_address_of_no_database_is_named_and_its_password_is_not(run: Run, url: str) -> None:
    told = run("tokens", "list", database_url=url).refusal
    assert "HAVEN_DATABASE_URL is not the address of a database" in told
    assert "s3cret" not in told


def test_another_kind_of_database_is_refused(run: Run) -> None:
    assert "mysql is not supported" in run("tokens", "list", database_url="mysql://haven@db/haven").refusal


def test_a_database_in_a_folder_that_is_not_there(run: Run, tmp_path: Path) -> None:
    told = run("tokens", "list", database_url=f"sqlite:///{tmp_path}/nowhere/haven.db").refusal
    assert told == f"haven-server: HAVEN_DATABASE_URL: the folder {tmp_path}/nowhere is not there"


def test_a_state_that_cannot_be_a_folder(run: Run, sites: Path) -> None:
    told = run("tokens", "list", state=sites / "below").refusal
    assert told == f"haven-server: HAVEN_STATE: the folder {sites}/below cannot be used: Not a directory"


def test_a_database_server_that_refuses_the_connection(run: Run) -> None:
    told = run("tokens", "list", database_url="postgresql://haven:s3cret@127.0.0.1:1/haven?options=s3cret").refusal
    assert "the database postgresql://haven:***@127.0.0.1:1/haven refuses: connection failed" in told
    assert "Connection refused" in told
    assert "s3cret" not in told


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_database_that_its_server_does_not_have(run: Run, database_url: str) -> None:
    told = run("tokens", "list", database_url=database_url.rpartition("/")[0] + "/nowhere").refusal
    assert 'database "nowhere" does not exist' in told


def test_a_file_that_is_no_database(run: Run, sites: Path) -> None:
    told = run("tokens", "list", database_url=f"sqlite:///{sites}").refusal
    assert f"the database sqlite:///{sites} refuses: file is not a database" in told


def test_a_database_of_a_newer_version(run: Run, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "state" / "haven.db")) as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
        database.commit()
    assert "Can't locate revision identified by '9999'" in run("tokens", "list").refusal


@pytest.mark.parametrize("command", [["tokens", "create", "kim"], ["sites", "import", "sites.csv"]])
def test_a_full_disk_is_one_line(run: Run, sites: Path, command: list[str]) -> None:
    assert run("tokens", "create", "before").code == 0
    # No byte can be added to any file: what a full disk does, without filling one.
    full = ["prlimit", "--fsize=0", sys.executable, "-m", "haven_server", *command]
    done = subprocess.run(full, check=False, cwd=sites.parent, capture_output=True, text=True, timeout=30)
    told = Said(done.returncode, done.stdout, done.stderr).refusal
    assert "haven.db refuses: " in told
    assert "is there room on the disk" in told


def test_tokens_are_listed_and_ended(run: Run) -> None:
    assert "no token yet" in run("tokens", "list").out
    text = run("tokens", "create", "kim", "--role", "technician").out.strip()
    run("tokens", "create", "lee")
    assert run("tokens", "revoke", "kim").out == "The token kim has ended.\n"
    kim, lee = run("tokens", "list").out.splitlines()
    assert kim.startswith("kim · technician · made ")
    assert "· ended " in kim
    assert lee.startswith("lee · dispatcher · made ")
    assert lee.endswith("· in force")
    assert text not in kim
    assert run("tokens", "revoke", "kim").refusal == "haven-server: no token named 'kim' is in force"


def test_a_desk_is_found_and_given_its_webhook(run: Run, desks: Path) -> None:
    run("desks", "import", desks)
    city, station, box = run("desks", "list").out.splitlines()
    assert city.strip().startswith("1 ")
    assert city.endswith(" · takes all that has no other desk · no channel")
    assert station.strip() == "2  서울강동경찰서 · 강동구 · no channel"
    assert box.strip() == "3  서울강동경찰서 천호지구대 · no channel"
    first, label, secret = run("desks", "channel", 2, 1, "https://desk.example/alarms").out.splitlines()
    assert first == "Channel 1 of 서울강동경찰서: https://desk.example/alarms"
    assert label == "Its secret, shown only now:"
    assert secret.startswith("whsec_")
    moved = run("desks", "channel", 2, 1, "https://desk.example/other").out
    assert moved == "Channel 1 of 서울강동경찰서: https://desk.example/other\n"
    assert "· channel 1: https://desk.example/other" in run("desks", "list").out


def test_a_secret_that_the_desk_has_given_is_asked_for_and_not_printed(run: Run) -> None:
    secret = "whsec_" + "A" * 32
    done = run("desks", "channel", 1, 1, "https://city.example/alarms", "--secret", typed=secret + "\n")
    assert done.code == 0
    assert secret not in done.out
    bad = run("desks", "channel", 1, 1, "https://city.example/alarms", "--secret", typed="s3cret\n").refusal
    assert "secret: is not whsec_" in bad
    assert "s3cret" not in bad


def test_another_address_leaves_the_rest_of_a_channel_as_it_is(run: Run, tmp_path: Path) -> None:
    run("desks", "channel", 1, 1, "https://city.example/alarms")
    with closing(sqlite3.connect(tmp_path / "state" / "haven.db")) as database:
        database.execute("UPDATE desk_channel SET timeout_s = 9, concurrency = 7")
        database.commit()
        run("desks", "channel", 1, 1, "https://city.example/other")
        told = database.execute("SELECT url, timeout_s, concurrency FROM desk_channel").fetchall()
    assert told == [("https://city.example/other", 9, 7)]


def test_a_channel_that_cannot_be_is_one_line(run: Run) -> None:
    assert run("desks", "channel", 1, 1, "desk.example").refusal.startswith("haven-server: url: is not a web address")
    assert run("desks", "channel", 99, 1, "https://desk.example").refusal == "haven-server: there is no desk 99"


def test_imports_tell_the_new_codes_and_the_districts_given(run: Run, sites: Path, desks: Path) -> None:
    assert "Districts that got a desk:\n  강동구: 서울강동경찰서\n" in run("desks", "import", desks).out
    assert "Districts that keep their desk:\n  강동구: 서울강동경찰서\n" in run("desks", "import", desks).out
    assert run("sites", "import", sites).out.endswith("Codes of the new sites: S-000001 to S-000002\n")
    assert "Codes of" not in run("sites", "import", sites).out
    assert run("sites", "import", sites, "--language", "ko").code == 0


def test_a_dry_run_makes_neither_folder_nor_database_nor_key(
    run: Run, sites: Path, desks: Path, tmp_path: Path
) -> None:
    told = run("desks", "import", desks, "--dry-run", state=tmp_path / "new")
    assert told.out.startswith(
        "Dry run: nothing was changed.\nThere is no database yet, so the file was compared with an empty one.\nnew: 2\n"
    )
    assert "Districts that would get a desk:\n  강동구: 서울강동경찰서\n" in told.out
    assert run("sites", "import", sites, "--dry-run", state=tmp_path / "new").code == 0
    assert not (tmp_path / "new").exists()


def test_a_dry_run_changes_nothing_of_a_database_that_is_there(run: Run, sites: Path, tmp_path: Path) -> None:
    state = tmp_path / "state"
    before = (state / "haven.db").read_bytes()
    told = run("sites", "import", sites, "--dry-run").out
    assert "new: 2" in told
    assert "no database yet" not in told
    assert [path.name for path in state.iterdir()] == ["haven.db"], "not even a key"
    assert (state / "haven.db").read_bytes() == before


def test_a_dry_run_is_compared_with_what_is_there(run: Run, sites: Path) -> None:
    run("sites", "import", sites)
    assert "unchanged: 2" in run("sites", "import", sites, "--dry-run").out


def test_a_dry_run_brings_no_database_to_another_version(run: Run, sites: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "state" / "haven.db")) as database:
        database.execute("UPDATE alembic_version SET version_num = '0000'")
        database.commit()
    assert "run `haven-server migrate` first" in run("sites", "import", sites, "--dry-run").refusal
