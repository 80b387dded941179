"""Files that are whole or not there, with the rights they need from the first byte on."""

import os
import tempfile
from contextlib import suppress
from pathlib import Path

PRIVATE = 0o600
PUBLIC = 0o644


def write_file(path: Path, data: bytes, mode: int) -> None:
    """Write or replace a file in one step, synchronised to disk.

    A file that is replaced keeps its owner and group: the broker has to read its renewed key again.
    """
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            os.fchmod(file.fileno(), mode)
            _keep_owner(path, file.fileno())
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        with suppress(FileNotFoundError):
            Path(name).unlink()
        raise
    _sync_folder(path.parent)


def make_folder(path: Path, mode: int = 0o755) -> None:
    """A folder with the given rights; one that is there already keeps its own."""
    if not path.is_dir():
        path.mkdir(parents=True)
        path.chmod(mode)


def _keep_owner(path: Path, handle: int) -> None:
    with suppress(FileNotFoundError):
        there = path.stat()
        if (there.st_uid, there.st_gid) != (os.geteuid(), os.getegid()):
            os.fchown(handle, there.st_uid, there.st_gid)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
