"""JSON on the wire: strict about what could hurt (size, depth, control characters), lenient about the rest."""

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from haven_contract.errors import ContractError

T = TypeVar("T")

VERSION = 1
MAX_PAYLOAD = 8192
"""Bytes of one message. A broker drops the connection of who sends more."""

MAX_NAME = 64
MAX_TEXT = 1000
MAX_DEPTH = 16
MAX_INT = 2**53
"""Beyond it, other JSON readers lose digits."""


@dataclass(frozen=True, slots=True)
class Range:
    """Least and greatest number, or shortest and longest text in characters."""

    least: int
    most: int


Version = Annotated[int, Range(1, MAX_INT)]
Whole = Annotated[int, Range(0, MAX_INT)]
Number = Annotated[float, Range(-MAX_INT, MAX_INT)]
Name = Annotated[str, Range(1, MAX_NAME)]
Text = Annotated[str, Range(1, MAX_TEXT)]
MaybeEmpty = Annotated[str, Range(0, MAX_TEXT)]

UNSAFE = r"[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff\ufffe\uffff]"
"""Characters that no name and no text may have: control characters, line ends, what is invisible or turns the direction
of writing (two names would look alike on a screen), and what UTF-8, XML or PostgreSQL cannot hold. Spelled out, because
what Python calls printable changes with its version, and box and server may differ in that."""

_UNSAFE = re.compile(UNSAFE)
_NOT_STORABLE = re.compile(r"[\u0000\ud800-\udfff]")


def read_object(payload: bytes) -> dict[str, Any]:
    """JSON object in at most MAX_PAYLOAD bytes of UTF-8; whatever else it is raises ContractError."""
    if len(payload) > MAX_PAYLOAD:
        raise ContractError(f"{len(payload)} bytes; a message has at most {MAX_PAYLOAD}")
    try:
        value = json.loads(payload.decode("utf-8"), parse_constant=_refuse_constant)
    except UnicodeDecodeError as error:
        raise ContractError(f"not UTF-8 at byte {error.start}") from None
    except (ValueError, RecursionError) as error:
        raise ContractError(f"not JSON: {str(error)[:200]}") from None
    if not isinstance(value, dict):
        raise ContractError(f"a JSON {type(value).__name__} where an object is expected")
    return value


def write_object(fields: Mapping[str, Any]) -> bytes:
    """Compact UTF-8 JSON; ContractError if a value has no JSON form or the whole is over MAX_PAYLOAD bytes."""
    try:
        payload = json.dumps(fields, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise ContractError(f"cannot be written as JSON: {str(error)[:200]}") from None
    if len(payload) > MAX_PAYLOAD:
        raise ContractError(f"{len(payload)} bytes; a message has at most {MAX_PAYLOAD}")
    return payload


def clean(text: str, longest: int) -> str:
    """Text that can be sent: spaces for the characters of UNSAFE, cut at `longest` characters."""
    return _UNSAFE.sub(" ", text[:longest])


def is_name(value: object) -> bool:
    """Whether the value can stand as a `Name`."""
    return isinstance(value, str) and 1 <= len(value) <= MAX_NAME and not _UNSAFE.search(value)


def _refuse_constant(name: str) -> None:
    raise ContractError(f"{name} is not JSON")


class Fields:
    """Reads typed values out of a decoded object.

    `name`, `whole` and so on raise ContractError where a value is missing or of another type. The `maybe_` forms
    give None instead and note the field in `oddities`, for messages that must be understood even when odd.
    """

    def __init__(self, raw: Mapping[str, Any]) -> None:
        self._raw = raw
        self.oddities: list[str] = []

    def version(self) -> int:
        """`v`, a whole number of at least 1."""
        version = self.whole("v")
        if version < 1:
            raise ContractError(f"v is {version}; the contract begins with 1")
        return version

    def name(self, key: str) -> str:
        """Identifier or word of 1 to MAX_NAME characters, none of them of UNSAFE."""
        return self._text(key, self._require(key), MAX_NAME)

    def text(self, key: str) -> str:
        """Sentence of 1 to MAX_TEXT characters, none of them of UNSAFE."""
        return self._text(key, self._require(key), MAX_TEXT)

    def whole(self, key: str) -> int:
        """Whole number from 0 to MAX_INT; `7.0` is one too, as some firmwares write no other."""
        return self._whole(key, self._require(key))

    def flag(self, key: str) -> bool:
        """Either true or false."""
        value = self._require(key)
        if not isinstance(value, bool):
            raise ContractError(f"{key} is {_shown(value)}, neither true nor false")
        return value

    def table(self, key: str) -> dict[str, Any]:
        """JSON object that passes `check_tree`."""
        value = self._require(key)
        if not isinstance(value, dict):
            raise ContractError(f"{key} is {_shown(value)}, not an object")
        check_tree(key, value)
        return value

    def maybe_name(self, key: str) -> str | None:
        """Like `name`, or None."""
        return self._maybe(key, self.name)

    def maybe_text(self, key: str) -> str | None:
        """Like `text`, or None."""
        return self._maybe(key, self.text)

    def maybe_whole(self, key: str) -> int | None:
        """Like `whole`, or None."""
        return self._maybe(key, self.whole)

    def maybe_flag(self, key: str) -> bool | None:
        """Like `flag`, or None."""
        return self._maybe(key, self.flag)

    def maybe_table(self, key: str) -> dict[str, Any] | None:
        """Like `table`, or None."""
        return self._maybe(key, self.table)

    def maybe_number(self, key: str) -> float | None:
        """Finite number, or None."""
        return self._maybe(key, self._number)

    def _maybe(self, key: str, read: Callable[[str], T]) -> T | None:
        if self._raw.get(key) is None:
            return None
        try:
            return read(key)
        except ContractError as error:
            self.oddities.append(str(error))
            return None

    def _require(self, key: str) -> Any:
        value = self._raw.get(key)
        if value is None:
            raise ContractError(f"{key} is missing")
        return value

    def _number(self, key: str) -> float:
        value = self._require(key)
        if isinstance(value, bool) or not isinstance(value, int | float) or not _finite(value):
            raise ContractError(f"{key} is {_shown(value)}, not a number")
        return float(value)

    def _whole(self, key: str, value: Any) -> int:
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_INT:
            raise ContractError(f"{key} is {_shown(value)}, not a whole number from 0 to 2^53")
        return value

    def _text(self, key: str, value: Any, longest: int) -> str:
        if not isinstance(value, str) or not 1 <= len(value) <= longest:
            raise ContractError(f"{key} is {_shown(value)}, not a text of 1 to {longest} characters")
        if _UNSAFE.search(value):
            raise ContractError(f"{key} has control characters: {_shown(value)}")
        return value


def _finite(value: float) -> bool:
    return -MAX_INT <= value <= MAX_INT and math.isfinite(value)


def _shown(value: Any) -> str:
    # Only scalars are quoted: the text form of a deeply nested list would itself exceed the interpreter's stack.
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    return ascii(value)[:80]


def check_tree(key: str, value: Any, depth: int = MAX_DEPTH) -> None:
    """ContractError for what would break a database or another reader: NUL, lone surrogates, huge numbers, depth."""
    if depth == 0:
        raise ContractError(f"{key} is nested deeper than {MAX_DEPTH}")
    if isinstance(value, str):
        if _NOT_STORABLE.search(value):
            raise ContractError(f"{key} has characters that cannot be stored: {_shown(value)}")
    elif isinstance(value, int | float):
        if not _finite(value):
            raise ContractError(f"{key} has a number out of range: {_shown(value)}")
    elif isinstance(value, dict):
        for name, inner in value.items():
            check_tree(key, name, depth - 1)
            check_tree(key, inner, depth - 1)
    elif isinstance(value, list):
        for inner in value:
            check_tree(key, inner, depth - 1)
