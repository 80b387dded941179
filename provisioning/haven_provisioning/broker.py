"""The broker's shipped configuration with other paths and ports, and the signal that makes a broker read it again."""

import os
import pwd
import signal
from dataclasses import dataclass
from pathlib import Path

from haven_provisioning.errors import BrokerError, WrongInputError
from haven_provisioning.files import PUBLIC, make_folder, write_file

OUTER_PORT = 8883
INNER_PORT = 8884
PID_FILE = Path("/run/mosquitto/mosquitto.pid")
CONFIG_NAME = "mosquitto.conf"
ACL_NAME = "acl"


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerSettings:
    """What differs between the shipped file, which is for production, and a broker elsewhere."""

    folder: Path
    """Holds the configuration, and the broker's data, log and process id."""
    certificates: Path
    """Holds broker.crt, broker.key, device-ca.crt, device-ca.crl and server-ca.crt."""
    outer_port: int = OUTER_PORT
    outer_host: str = ""
    """Address the boxes reach; empty for all of the machine."""
    inner_port: int = INNER_PORT
    inner_host: str = "127.0.0.1"
    user: str = "mosquitto"

    @property
    def config_file(self) -> Path:
        """What `mosquitto -c` takes."""
        return self.folder / CONFIG_NAME

    @property
    def data_folder(self) -> Path:
        """Queues and sessions that survive a restart."""
        return self.folder / "data"

    @property
    def log_file(self) -> Path:
        """What the broker has to say."""
        return self.folder / "mosquitto.log"

    @property
    def pid_file(self) -> Path:
        """Process id of the running broker."""
        return self.folder / "mosquitto.pid"

    def values(self) -> list[dict[str, str]]:
        """Value of each line that is replaced: of the general part, of the outer and of the inner listener."""
        there = self.certificates
        identity = {"certfile": f"{there / 'broker.crt'}", "keyfile": f"{there / 'broker.key'}"}
        return [
            {
                "acl_file": f"{self.folder / ACL_NAME}",
                "persistence_location": f"{self.data_folder}/",
                "user": self.user,
                "pid_file": f"{self.pid_file}",
                "log_dest": f"file {self.log_file}",
            },
            {
                "listener": f"{self.outer_port} {self.outer_host}".rstrip(),
                **identity,
                "cafile": f"{there / 'device-ca.crt'}",
                "crlfile": f"{there / 'device-ca.crl'}",
            },
            {
                "listener": f"{self.inner_port} {self.inner_host}",
                **identity,
                "cafile": f"{there / 'server-ca.crt'}",
            },
        ]


def shipped_folder() -> Path:
    """The folder broker_config, from the installed package or from the source tree."""
    package = Path(__file__).resolve().parent
    for folder in (package / "broker_config", package.parents[1] / "broker_config"):
        if (folder / CONFIG_NAME).is_file():
            return folder
    raise BrokerError("the broker's configuration files are missing from this installation; install Haven again")


def render(shipped: str, settings: BrokerSettings) -> str:
    """The shipped mosquitto.conf with the values of `settings`; everything else stays as it is.

    Raises WrongInputError if the file lacks a line that is to be replaced, or has it twice.
    """
    wanted = settings.values()
    part = 0
    lines = []
    for line in shipped.splitlines():
        key = line.split(" ", 1)[0]
        if key == "listener":
            part += 1
        if part < len(wanted) and key in settings.values()[part]:
            value = wanted[part].pop(key, None)
            if value is None:
                raise WrongInputError(f"{CONFIG_NAME} has {key} twice in one part")
            lines.append(f"{key} {value}")
        else:
            lines.append(line)
    missing = [key for values in wanted for key in values]
    if missing:
        raise WrongInputError(f"{CONFIG_NAME} lacks {', '.join(missing)}")
    return "\n".join(lines) + "\n"


def write_config(settings: BrokerSettings) -> Path:
    """Write mosquitto.conf and acl, make the data folder, and give the path of the configuration."""
    shipped = shipped_folder()
    text = render((shipped / CONFIG_NAME).read_text(encoding="utf-8"), settings)
    make_folder(settings.folder)
    make_folder(settings.data_folder)
    write_file(settings.folder / ACL_NAME, (shipped / ACL_NAME).read_bytes(), PUBLIC)
    write_file(settings.config_file, text.encode(), PUBLIC)
    return settings.config_file


def own_user() -> str:
    """Name of the user this process runs as: a broker of the demo or a test stays the same user."""
    return pwd.getpwuid(os.geteuid()).pw_name


def reload(pid_file: Path) -> None:
    """Make the broker read its revocation list again (SIGHUP); BrokerError if it does not run.

    Whoever else has the process id by now is left alone: SIGHUP ends most programs.
    """
    try:
        pid = int(pid_file.read_text(encoding="ascii"))
        name = Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        raise BrokerError(f"no running broker found through {pid_file}: {error}") from None
    if name != "mosquitto":
        raise BrokerError(f"{pid_file} names process {pid}, which is {name} and not mosquitto")
    try:
        os.kill(pid, signal.SIGHUP)
    except OSError as error:
        raise BrokerError(f"the broker (process {pid}) cannot be told: {error}") from None
