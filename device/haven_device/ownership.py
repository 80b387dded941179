"""One firmware process per data folder."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from haven_device.errors import AlreadyRunningError


@contextmanager
def owned(folder: Path) -> Iterator[None]:
    """The data folder, made if need be, for this process alone; AlreadyRunningError if another has it."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyRunningError(f"another haven-device runs on {folder}") from None
        yield


def is_owned(folder: Path) -> bool:
    """A firmware process runs on this folder. Leaves no trace, whoever asks."""
    try:
        with (folder / "lock").open() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False
