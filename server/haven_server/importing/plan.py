"""What an import would do to the records that exist: a difference, computed without touching anything."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Generic

from haven_server.importing.drafts import D, DeskDraft, Drafted, Import, Refused, SiteDraft
from haven_server.importing.findings import FileRefusal, Finding

_SAME_POINT = 1e-7
"""Degrees; about a centimetre: a database may round."""


@dataclass(frozen=True, slots=True)
class Existing(Generic[D]):
    """A record as it stands, in the shape of a draft. `id` is the applying side's own, and handed back as it is."""

    id: str
    draft: D


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field that would change."""

    field: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Change(Generic[D]):
    """A record that would change, and in what; fields not named stay as they are."""

    row: int
    id: str
    before: D
    fields: tuple[FieldChange, ...]


@dataclass(frozen=True, slots=True)
class Unchanged:
    """A record that the file states just as it is."""

    row: int
    id: str


@dataclass(frozen=True, slots=True)
class Plan(Generic[D]):
    """What would happen to the records.

    `vanished` are records that the file should have and has not: proposed for closing, never deleted, and a person
    decides. The rest is the import's own (see `Import`), with the findings of the comparison added.
    """

    create: tuple[Drafted[D], ...] = ()
    change: tuple[Change[D], ...] = ()
    unchanged: tuple[Unchanged, ...] = ()
    vanished: tuple[Existing[D], ...] = ()
    refused: tuple[Refused, ...] = ()
    findings: tuple[Finding, ...] = ()
    columns: Mapping[str, str] = field(default_factory=dict)
    unused: tuple[str, ...] = ()
    encoding: str = ""
    private: frozenset[int] = frozenset()
    refusal: FileRefusal | None = None


def differences(before: D, after: D, kept: Iterable[str] = ()) -> tuple[FieldChange, ...]:
    """The fields in which `after` states something else than `before`; what it does not state never counts.

    Fields named in `kept` are not compared.
    """
    if not isinstance(before, SiteDraft | DeskDraft):
        raise TypeError(type(before))
    changes = []
    for name in (each.name for each in fields(before)):
        old, new = getattr(before, name), getattr(after, name)
        if name not in kept and new not in (None, "", ()) and not _same(old, new):
            changes.append(FieldChange(name, old, new))
    return tuple(changes)


def finish(
    imported: Import[D],
    pairs: Iterable[tuple[int, Existing[D], tuple[FieldChange, ...]]],
    create: tuple[Drafted[D], ...],
    vanished: tuple[Existing[D], ...],
    *,
    refused: tuple[Refused, ...] = (),
    findings: tuple[Finding, ...] = (),
) -> Plan[D]:
    """The plan of rows that are matched (row, record, what differs) and rows that are new."""
    matched = list(pairs)
    return Plan(
        create=create,
        change=tuple(Change(row, record.id, record.draft, changes) for row, record, changes in matched if changes),
        unchanged=tuple(Unchanged(row, record.id) for row, record, changes in matched if not changes),
        vanished=vanished,
        refused=imported.refused + refused,
        findings=imported.findings + findings,
        columns=imported.columns,
        unused=imported.unused,
        encoding=imported.encoding,
        private=imported.private,
    )


def _same(old: object, new: object) -> bool:
    if isinstance(old, float) and isinstance(new, float):
        return abs(old - new) < _SAME_POINT
    return old == new
