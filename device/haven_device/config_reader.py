"""Reads typed values out of a table and collects every fault, so that a technician mends a file in one go. Pure.

The table is one of the configuration file's, or the arguments of a server's command.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar, cast

T = TypeVar("T")

_MISSING = object()
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,23}", re.ASCII)


class Table:
    """One table. Every getter gives a usable value; where that is not the table's, a fault was noted."""

    def __init__(self, raw: Any, name: str, faults: list[str]) -> None:
        self._name = name
        self._faults = faults
        self._used: set[str] = set()
        self._raw: dict[str, Any] = raw if isinstance(raw, dict) else {}
        if not isinstance(raw, dict):
            self.fault("", raw, "a table")

    def __contains__(self, key: str) -> bool:
        return key in self._raw

    def fault(self, key: str, value: Any, expected: str) -> None:
        """Note that `key` is not what it should be."""
        is_what = "is missing" if value is _MISSING else f"is {value!r}"
        self._faults.append(f"{self._path(key)}: {is_what}; expected {expected}")

    def text(self, key: str, default: str | None = None, *, expected: str = "a text", longest: int = 200) -> str:
        """Printable text, not empty."""
        return self._get(
            key, default, "", expected, lambda v: isinstance(v, str) and 0 < len(v) <= longest and v.isprintable()
        )

    def name(self, key: str) -> str:
        """Short identifier that may stand in an event's source."""
        return self._get(
            key, None, "", "1 to 24 of a-z, 0-9, - and _", lambda v: isinstance(v, str) and bool(_NAME.fullmatch(v))
        )

    def whole(self, key: str, default: int | None, low: int, high: int) -> int:
        """Whole number in [low, high]."""
        return self._get(
            key,
            default,
            low,
            f"a whole number from {low} to {high}",
            lambda v: isinstance(v, int) and not isinstance(v, bool) and low <= v <= high,
        )

    def number(self, key: str, default: float, low: float, high: float) -> float:
        """Number in [low, high]."""
        return float(
            self._get(
                key,
                default,
                low,
                f"a number from {low} to {high}",
                lambda v: isinstance(v, int | float) and not isinstance(v, bool) and low <= v <= high,
            )
        )

    def maybe_whole(self, key: str, low: int, high: int) -> int | None:
        """Like `whole`, None where the key is not there."""
        self._used.add(key)
        return self.whole(key, None, low, high) if key in self._raw else None

    def flag(self, key: str, default: bool) -> bool:
        """Either true or false."""
        return self._get(key, default, default, "true or false", lambda v: isinstance(v, bool))

    def choice(self, key: str, default: str | None, words: Sequence[str]) -> str:
        """One of the words."""
        return self._get(key, default, words[0], f"one of {', '.join(words)}", lambda v: v in words)

    def texts(self, key: str, expected: str) -> list[str]:
        """List of at least one text."""
        return self._get(
            key,
            None,
            [],
            expected,
            lambda v: isinstance(v, list) and len(v) > 0 and all(isinstance(text, str) for text in v),
        )

    def path(self, key: str, base: Path, expected: str) -> Path:
        """Path; a relative one starts at the folder of the configuration file."""
        return base / self.text(key, expected=expected, longest=1000)

    def table(self, key: str, *, required: bool = False) -> "Table":
        """Table inside; an empty one where the key is not there."""
        self._used.add(key)
        if required and key not in self._raw:
            self.fault(key, _MISSING, f"a table [{self._path(key)}]")
        return Table(self._raw.get(key, {}), self._path(key), self._faults)

    def maybe_table(self, key: str) -> "Table | None":
        """Table inside, None where the key is not there."""
        self._used.add(key)
        return self.table(key) if key in self._raw else None

    def tables(self, key: str) -> Iterator["Table"]:
        """Tables of `[[key]]`, none where the key is not there."""
        self._used.add(key)
        raw = self._raw.get(key, [])
        if not isinstance(raw, list):
            self.fault(key, raw, f"a list of tables, each under [[{key}]]")
            raw = []
        for number, inner in enumerate(raw, 1):
            yield Table(inner, f"{self._path(key)}[{number}]", self._faults)

    def end(self) -> None:
        """Note every key that nobody asked for: most likely it is misspelt."""
        for key in self._raw.keys() - self._used:
            known = ", ".join(sorted(self._used))
            self._faults.append(f"{self._path(key)}: is not a key that is known here; expected one of {known}")

    def _path(self, key: str) -> str:
        return ".".join(part for part in (self._name, key) if part)

    def _get(self, key: str, default: T | None, instead: T, expected: str, fits: Callable[[Any], bool]) -> T:
        self._used.add(key)
        value = self._raw.get(key, _MISSING)
        if value is _MISSING and default is not None:
            return default
        if value is _MISSING or not fits(value):
            self.fault(key, value, expected)
            return instead
        return cast("T", value)
