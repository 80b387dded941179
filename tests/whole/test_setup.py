"""`tools/setup` on a machine without Mosquitto: as root, with sudo that asks for no password, and with neither.

The machine is a folder of programs: those that the script needs, and stand-ins for `id`, `sudo` and `apt-get`.
"""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parent.parent.parent
NEEDED = ("cat", "dirname", "sh", "sha256sum", "true")
LINE = "sudo sh -c 'apt-get update && apt-get install -y --no-install-recommends mosquitto'"


class Machine:
    """Its virtual environment is up to date, so that only what comes from Debian is missing."""

    def __init__(self, folder: Path, *, user: int, sudo: bool) -> None:
        self._folder = folder
        self._programs = folder / "bin"
        self._programs.mkdir()
        self._calls = folder / "calls"
        self._calls.touch()
        for name in NEEDED:
            (self._programs / name).symlink_to(str(shutil.which(name)))
        self.program("id", f"echo {user}")
        install = f"[ $1 = update ] || {shutil.which('ln')} -s /bin/sh {self._programs / 'mosquitto'}"
        self.program("apt-get", f'echo "apt-get $* ($DEBIAN_FRONTEND)" >> {self._calls}; {install}')
        self.let_sudo_work(working=sudo)
        venv = folder / "venv"
        venv.mkdir()
        self._environment = {
            "PATH": str(self._programs),
            "PYTHON": sys.executable,
            "HAVEN_SBIN": str(folder / "no-sbin"),
            "HAVEN_VENV": str(venv),
        }
        wanted = self.shell("cat pyproject.toml requirements/run.txt | sha256sum").stdout
        (venv / ".haven-run").write_text(wanted)

    def program(self, name: str, script: str) -> None:
        """Put a program on the machine."""
        path = self._programs / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def let_sudo_work(self, *, working: bool) -> None:
        """Whether `sudo` lets the user do anything; with -n it must not ask."""
        carry_out = f'[ "$1" = -n ] && shift; echo "sudo $1" >> {self._calls}; exec "$@"'
        self.program("sudo", carry_out if working else "echo 'sudo: a password is required' >&2; exit 1")

    def setup(self, **more: str) -> "subprocess.CompletedProcess[str]":
        """Run it as `make demo` does."""
        return self.shell("tools/setup run", **more)

    def shell(self, line: str, **more: str) -> "subprocess.CompletedProcess[str]":
        """Run a line in the repository."""
        return subprocess.run(
            ["/bin/sh", "-c", line],
            cwd=REPOSITORY,
            env=self._environment | more,
            capture_output=True,
            text=True,
            check=False,
        )

    @property
    def calls(self) -> list[str]:
        """What `sudo` and `apt-get` were asked for."""
        return self._calls.read_text().splitlines()


def test_root_has_mosquitto_installed(tmp_path: Path) -> None:
    machine = Machine(tmp_path, user=0, sudo=False)
    done = machine.setup()
    assert done.returncode == 0, done.stderr
    assert machine.calls == [
        "apt-get update (noninteractive)",
        "apt-get install -y --no-install-recommends mosquitto (noninteractive)",
    ]
    assert "Installing from Debian: mosquitto" in done.stderr


def test_a_user_with_sudo_without_a_password_too(tmp_path: Path) -> None:
    machine = Machine(tmp_path, user=1000, sudo=True)
    done = machine.setup()
    assert done.returncode == 0, done.stderr
    assert machine.calls == [
        "sudo true",
        "sudo sh",
        "apt-get update (noninteractive)",
        "apt-get install -y --no-install-recommends mosquitto (noninteractive)",
    ]


def test_anybody_else_is_told_the_one_line_that_helps(tmp_path: Path) -> None:
    machine = Machine(tmp_path, user=1000, sudo=False)
    done = machine.setup()
    assert done.returncode == 1
    assert machine.calls == []
    told, line = done.stderr.splitlines()
    assert "run this line, then try again" in told
    assert line == f"  {LINE}"
    # The user runs it, with his password, and tries again.
    machine.let_sudo_work(working=True)
    assert machine.shell(line).returncode == 0
    machine.let_sudo_work(working=False)
    assert machine.setup().returncode == 0


def test_a_second_call_does_nothing(tmp_path: Path) -> None:
    machine = Machine(tmp_path, user=0, sudo=False)
    machine.setup()
    calls = machine.calls
    again = machine.setup()
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")
    assert machine.calls == calls


def test_a_python_without_venv_is_completed(tmp_path: Path) -> None:
    machine = Machine(tmp_path, user=1000, sudo=False)
    machine.program("python3", "case $2 in *ensurepip*) exit 1;; esac; exit 0")
    done = machine.setup(PYTHON="python3")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == f"  {LINE.removesuffix(chr(39))} python3-venv'"


@pytest.mark.parametrize("folder", ["sbin", "bin"])
def test_mosquitto_is_found_in_the_path_and_in_sbin(tmp_path: Path, folder: str) -> None:
    machine = Machine(tmp_path, user=1000, sudo=False)
    (tmp_path / folder).mkdir(exist_ok=True)
    (tmp_path / folder / "mosquitto").symlink_to("/bin/sh")
    assert machine.setup(HAVEN_SBIN=str(tmp_path / "sbin")).returncode == 0
    assert machine.calls == []
