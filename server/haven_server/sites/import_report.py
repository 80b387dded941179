"""What an import did or would do, as the API tells it. The rows and words are the importer's own."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

from haven_server.importing import DeskDraft, Plan, SiteDraft, report_data
from haven_server.problems import Invalid
from haven_server.sites.forms import View

ROWS_PER_JOB = 50
"""Rows written in one piece: well under 50 ms, because an alarm may be waiting."""

T = TypeVar("T")


class ImportFinding(View):
    """A doubtful value."""

    kind: str
    severity: str
    """`refused`: the row is not imported. `warning`: a person should look. `note`: told so that nobody is surprised."""
    field: str
    value: str
    en: str
    ko: str


class ImportChange(View):
    """A field that is changed."""

    field: str
    before: Any
    after: Any


class ImportRow(View):
    """A row of which there is something to tell."""

    row: int
    """As a spreadsheet counts."""
    outcomes: list[str]
    """`create`, `change`, `unchanged`, `refused`."""
    title: str
    changes: list[ImportChange]
    findings: list[ImportFinding]


class Vanished(View):
    """A record that the file should have and has not: a person decides whether to close it."""

    id: str
    title: str


class ImportReport(View):
    """What an import did, or would do. Values of homes are hidden."""

    dry_run: bool
    encoding: str
    columns: dict[str, str]
    """What is read from the file, and under which of its headers."""
    unused_columns: list[str]
    counts: dict[str, int]
    """Rows by outcome."""
    findings_by_kind: dict[str, int]
    rows: list[ImportRow]
    vanished: list[Vanished]


def report_view(plan: Plan[SiteDraft] | Plan[DeskDraft], *, dry_run: bool) -> ImportReport:
    """Report of a plan whose file was not refused."""
    data = report_data(plan)
    return ImportReport.model_validate(
        {name: data[name] for name in data if name != "refused_file"} | {"dry_run": dry_run}
    )


def check_file(plan: Plan[SiteDraft] | Plan[DeskDraft]) -> None:
    """Raise Invalid, with what to do about it, if the file as a whole cannot be used."""
    refused: Mapping[str, str] | None = report_data(plan)["refused_file"]
    if refused is not None:
        raise Invalid(refused["en"], problem=refused["problem"], ko=refused["ko"])


def pieces(items: Sequence[T], size: int = ROWS_PER_JOB) -> Iterator[Sequence[T]]:
    """The items in their order, at most `size` at a time."""
    for start in range(0, len(items), size):
        yield items[start : start + size]
