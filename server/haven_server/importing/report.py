"""The report of an import: as plain data for JSON, and as text for a terminal. Homes show nothing but numbers."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

from haven_server.importing.drafts import DeskDraft, SiteDraft
from haven_server.importing.file_words import refusal_words
from haven_server.importing.findings import Finding
from haven_server.importing.phones import Phone
from haven_server.importing.plan import Change, Existing, Plan
from haven_server.importing.words import Language, finding_words

HIDDEN = "***"
"""Stands for every value of a home."""
AnyPlan = Plan[SiteDraft] | Plan[DeskDraft]
_OUTCOMES = {
    "create": ("new", "새로 넣음"),
    "change": ("changed", "바뀜"),
    "unchanged": ("unchanged", "그대로"),
    "refused": ("refused", "거부"),
    "vanished": ("not in the file, proposed for closing", "파일에 없음(폐쇄 제안)"),
}


def report_data(plan: AnyPlan) -> dict[str, Any]:
    """The report as data that JSON can carry.

    `counts` by outcome, `findings_by_kind`, `rows` (each row of which there is something to tell: new, changed or
    refused, or with findings), `vanished`; where the file is refused, only `refused_file`.
    """
    if plan.refusal:
        return {
            "refused_file": {
                "problem": plan.refusal.problem.value,
                "en": refusal_words(plan.refusal, "en"),
                "ko": refusal_words(plan.refusal, "ko"),
            }
        }
    return {
        "refused_file": None,
        "encoding": plan.encoding,
        "columns": dict(plan.columns),
        "unused_columns": list(plan.unused),
        "counts": _counts(plan),
        "findings_by_kind": dict(Counter(found.kind.value for found in plan.findings).most_common()),
        "rows": list(_rows(plan)),
        "vanished": [{"id": record.id, "title": _title_of_record(record)} for record in plan.vanished],
    }


def report_text(plan: AnyPlan, language: Language = "en") -> str:
    """The report for a terminal: what would happen, the findings by kind, then row by row."""
    ko = language == "ko"
    if plan.refusal:
        return refusal_words(plan.refusal, language) + "\n"
    data = report_data(plan)
    lines = [f"{_OUTCOMES[outcome][ko]}: {count}" for outcome, count in data["counts"].items()]
    if plan.unused:
        lines.append(("쓰지 않은 열: " if ko else "Columns not used: ") + ", ".join(plan.unused))
    if data["findings_by_kind"]:
        lines += ["", "살펴볼 것" if ko else "To look at"]
        lines += [f"{count:>6}  {kind}" for kind, count in data["findings_by_kind"].items()]
    if data["rows"]:
        lines.append("")
    for row in data["rows"]:
        label = f"{row['row']}행" if ko else f"row {row['row']}"
        outcomes = ", ".join(_OUTCOMES[outcome][ko] for outcome in row["outcomes"])
        lines.append(f"{label}  {outcomes}  {row['title']}".rstrip())
        lines += [f"    {change['field']}: {change['before']} → {change['after']}" for change in row["changes"]]
        lines += [f"    {found['kind']}: {found[language]}" for found in row["findings"]]
    if plan.vanished:
        lines += ["", _OUTCOMES["vanished"][ko]]
        lines += [f"    {record['id']}  {record['title']}" for record in data["vanished"]]
    return "\n".join(_printable(line) for line in lines) + "\n"


def _counts(plan: AnyPlan) -> dict[str, int]:
    return {outcome: len(getattr(plan, outcome)) for outcome in _OUTCOMES}


def _rows(plan: AnyPlan) -> Iterator[dict[str, Any]]:
    outcomes: dict[int, list[str]] = defaultdict(list)
    titles: dict[int, list[str]] = defaultdict(list)
    changes: dict[int, list[dict[str, Any]]] = defaultdict(list)
    findings: dict[int, list[Finding]] = defaultdict(list)
    for found in plan.findings:
        findings[found.row].append(found)
    for new in plan.create:
        outcomes[new.row].append("create")
        titles[new.row].append(_title(new.draft))
    for change in plan.change:
        outcomes[change.row].append("change")
        titles[change.row].append(_title(change.before))
        changes[change.row] += _changes(change, hidden=change.row in plan.private)
    for same in plan.unchanged:
        outcomes[same.row].append("unchanged")
    for refused in plan.refused:
        outcomes[refused.row].append("refused")
    for row in sorted(outcomes):
        if outcomes[row] == ["unchanged"] and not findings[row]:
            continue
        hidden = row in plan.private
        yield {
            "row": row,
            "outcomes": list(dict.fromkeys(outcomes[row])),
            "title": HIDDEN if hidden else "; ".join(titles[row]),
            "changes": changes[row],
            "findings": [_finding(found, hidden=hidden) for found in findings[row]],
        }


def _finding(found: Finding, *, hidden: bool) -> dict[str, str]:
    value, detail = (HIDDEN, HIDDEN) if hidden else (found.value, found.detail)
    return {
        "kind": found.kind.value,
        "severity": found.kind.severity.value,
        "field": found.field,
        "value": value,
        "en": finding_words(found.kind, value, detail, "en"),
        "ko": finding_words(found.kind, value, detail, "ko"),
    }


def _changes(change: Change[SiteDraft] | Change[DeskDraft], *, hidden: bool) -> list[dict[str, Any]]:
    return [
        {
            "field": each.field,
            "before": HIDDEN if hidden else _plain(each.before),
            "after": HIDDEN if hidden else _plain(each.after),
        }
        for each in change.fields
    ]


def _plain(value: object) -> Any:
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return value.registered if isinstance(value, Phone) else value


def _title(draft: SiteDraft | DeskDraft) -> str:
    if isinstance(draft, SiteDraft):
        return ", ".join(filter(None, (draft.code, draft.name, draft.road_address, draft.detail)))
    return f"{draft.station} {draft.title}" if draft.name else draft.station


def _title_of_record(record: Existing[SiteDraft] | Existing[DeskDraft]) -> str:
    if isinstance(record.draft, SiteDraft) and record.draft.kind == "home":
        return record.draft.code or HIDDEN
    return _title(record.draft)


def _printable(line: str) -> str:
    """A file's cell must not steer the terminal."""
    return "".join(char if char.isprintable() else " " for char in line)
