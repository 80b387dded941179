"""A child process whose output is read line by line, and which ends when we do."""

import json
import os
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

STOP_S = 8.0

Line = dict[str, Any]


class Child:
    """One process. Its standard error goes to `log`; each JSON line of its standard output to `tell`.

    The kernel ends it with the thread that started it, however that ends, so start it from one that stays.
    """

    def __init__(
        self,
        command: Sequence[str | Path],
        log: Path,
        environment: Mapping[str, str],
        tell: Callable[[Line], None] | None = None,
    ) -> None:
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as errors:
            self._process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", "--", *map(str, command)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env={**os.environ, **environment},
                text=True,
                start_new_session=True,  # Ctrl-C is for the demo, which then ends its children in order
            )
        self._tell = tell
        self._reader = threading.Thread(target=self._read, name=f"reads {log.name}", daemon=True)
        self._reader.start()

    def say(self, line: str) -> None:
        """Write a line to its standard input; BrokenPipeError if it has ended."""
        if self._process.stdin is not None:
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()

    def is_alive(self) -> bool:
        """Whether it runs."""
        return self._process.poll() is None

    def kill(self) -> None:
        """End it as a power cut would, with kill -9."""
        self._process.kill()
        self._clean_up()

    def stop(self) -> int:
        """End it in order, or by force if it does not; gives its exit code."""
        self._process.terminate()
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self._clean_up()
        return self._process.returncode

    def _clean_up(self) -> None:
        self._process.wait()
        self._reader.join(2)
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                try:
                    stream.close()
                except BrokenPipeError:
                    continue

    def _read(self) -> None:
        if self._process.stdout is None:
            return
        for line in self._process.stdout:
            try:
                told = json.loads(line)
            except ValueError:
                continue
            if self._tell is not None and isinstance(told, dict):
                self._tell(told)
