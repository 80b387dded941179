"""Sealing of personal data: addresses and phones of homes, raw messages, webhook secrets."""

import json
import os
from pathlib import Path
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from haven_server.problems import Misconfigured


class Vault:
    """Seals and opens bytes with the first of its keys; opens with any of them, so that keys can be changed."""

    def __init__(self, keys: list[bytes]) -> None:
        if not keys:
            raise Misconfigured("the vault has no key")
        self._fernet = MultiFernet([Fernet(key) for key in keys])

    @classmethod
    def of_file(cls, path: Path) -> "Vault":
        """Read keys, one a line, newest first; Misconfigured if there are none in the file."""
        keys = [line.strip() for line in path.read_bytes().splitlines() if line.strip()]
        try:
            return cls(keys)
        except ValueError as error:
            raise Misconfigured(f"{path} does not hold Fernet keys, one a line: {error}") from None

    def seal(self, plain: bytes) -> bytes:
        """Encrypted and authenticated."""
        return self._fernet.encrypt(plain)

    def open(self, sealed: bytes) -> bytes:
        """Reverse of `seal`; Misconfigured if no key fits."""
        try:
            return self._fernet.decrypt(sealed)
        except InvalidToken:
            raise Misconfigured("sealed data do not open with the keys in HAVEN_DATA_KEYS_FILE") from None

    def seal_json(self, value: Any) -> bytes:
        """Seal a JSON value."""
        return self.seal(json.dumps(value, ensure_ascii=False).encode())

    def open_json(self, sealed: bytes) -> Any:
        """Reverse of `seal_json`."""
        return json.loads(self.open(sealed))


def make_key_file(path: Path) -> None:
    """Write one new key, mode 0600, on the disk before it returns."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(Fernet.generate_key() + b"\n")
        file.flush()
        os.fsync(file.fileno())
