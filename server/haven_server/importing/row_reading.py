"""What reading a row of either kind of file has in common: its findings, and the refusal of damaged rows."""

import unicodedata
from dataclasses import dataclass, field

from haven_server.importing.columns import Table
from haven_server.importing.findings import Finding, FindingKind, Severity
from haven_server.importing.reading import Row

MAX_TEXT = 500
"""Characters of a cell. The longest address of the real files has 47."""
_DAMAGED = ("Cc", "Cs", "Co")
"""Unicode categories that no name and no address has: control characters, halves of surrogates, private use."""


@dataclass(slots=True)
class RowReading:
    """A row while it is read: its findings grow."""

    row: int
    cells: dict[str, str]
    findings: list[Finding] = field(default_factory=list)

    def cell(self, name: str) -> str:
        """The cell of a field, empty where the file has no such column."""
        return self.cells.get(name, "")

    def say(self, kind: FindingKind, field_name: str = "", detail: str = "", value: str | None = None) -> None:
        """Add a finding about a field, with the field's cell as its value where no other is given."""
        shown = self.cell(field_name) if value is None else value
        self.findings.append(Finding(self.row, kind, field_name, shown[:MAX_TEXT], detail))

    @property
    def refusal(self) -> Finding | None:
        """The first finding that keeps the row out."""
        return next((found for found in self.findings if found.kind.severity is Severity.REFUSED), None)

    def check_shape(self, table: Table, row: Row) -> None:
        """Refuse a row whose cells may be displaced, cut or damaged: it might give a wrong address."""
        if table.repeats_header(row):
            self.say(FindingKind.HEADER_REPEATED)
        elif table.surplus(row):
            self.say(FindingKind.TOO_MANY_CELLS, value=str(len(row.cells)), detail=str(len(table.header.cells)))
        elif table.short(row):
            self.say(FindingKind.TOO_FEW_CELLS, value=str(len(row.cells)), detail=str(len(table.header.cells)))
        for name, cell in self.cells.items():
            if len(cell) > MAX_TEXT:
                self.say(FindingKind.TOO_LONG, name, str(MAX_TEXT), value=f"{cell[:40]}…")
            if any(_is_damaged(char) for char in cell):
                self.say(FindingKind.UNREADABLE_CHARACTERS, name)


def _is_damaged(char: str) -> bool:
    return char == "\ufffd" or (unicodedata.category(char) in _DAMAGED and char not in "\n\r\t")
