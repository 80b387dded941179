import threading
from abc import ABC, abstractmethod
from typing import Self

STOP_WITHIN_S = 10.0


class Background(ABC):
    """A part of the server with one thread of its own; a context manager that starts and ends it."""

    def __init__(self, name: str) -> None:
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join(timeout=STOP_WITHIN_S)

    def is_alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    @abstractmethod
    def _run(self) -> None:
        """Work until `_stopping` is set."""
