from pathlib import Path
from zoneinfo import ZoneInfo

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy.exc import ArgumentError

from haven_server.db.engines import make_engine
from haven_server.problems import Misconfigured


class Settings(BaseSettings):
    """What the server is told by its environment, each name with `HAVEN_` before it."""

    model_config = SettingsConfigDict(env_prefix="HAVEN_", extra="ignore", str_strip_whitespace=True)

    state: Path = Path("/var/lib/haven")
    """Folder of the database, where no other is named, and of the key that seals personal data."""
    database_url: str | None = None
    data_keys_file: Path | None = None

    server_name: str = Field(default="server1", pattern=r"^[a-z0-9]{1,16}$")
    """One for each server at the same database; names its MQTT sessions."""
    brokers: str = "localhost:8884"
    """Inner listeners of all brokers, `host:port` separated by commas."""
    mqtt_ca: Path = Path("/etc/haven/server/server-ca.crt")
    mqtt_cert: Path = Path("/etc/haven/server/dispatch.crt")
    mqtt_key: Path = Path("/etc/haven/server/dispatch.key")

    http_host: str = "127.0.0.1"
    http_port: int = Field(default=8080, ge=0, le=65535)
    public_zone: str = "Asia/Seoul"
    log_json: bool = True

    @field_validator("public_zone")
    @classmethod
    def _is_a_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (LookupError, ValueError, OSError):
            raise ValueError("there is no such zone; one is written like Asia/Seoul") from None
        return name

    @property
    def database(self) -> str:
        """Address of the database."""
        return self.database_url or f"sqlite:///{self.state / 'haven.db'}"

    @property
    def data_keys(self) -> Path:
        """File of the vault's keys."""
        return self.data_keys_file or self.state / "data.key"

    @property
    def broker_addresses(self) -> list[tuple[str, int]]:
        """Host and port of each broker."""
        addresses = []
        for part in self.brokers.split(","):
            host, colon, port = part.strip().rpartition(":")
            if not colon or not host or not port.isdigit():
                raise Misconfigured(f"HAVEN_BROKERS: {part.strip()!r} is not host:port")
            addresses.append((host, int(port)))
        return addresses


def load_settings() -> Settings:
    """Settings of the environment; Misconfigured names the variable that is wrong."""
    try:
        settings = Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = "HAVEN_" + "_".join(str(part) for part in first["loc"]).upper()
        raise Misconfigured(
            f"{name}: {first['msg'].removeprefix('Value error, ')} (it is {first['input']!r})"
        ) from None
    _ = settings.broker_addresses
    _check_database(settings.database)
    return settings


def _check_database(url: str) -> None:
    """Nothing is connected yet. The address itself is not told: it may hold a password."""
    try:
        make_engine(url, writes=False).dispose()
    except (ArgumentError, ValueError):
        raise Misconfigured(
            "HAVEN_DATABASE_URL is not the address of a database; it is written like postgresql://user@host/database"
            " or sqlite:////folder/haven.db"
        ) from None
