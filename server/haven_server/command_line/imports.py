"""Import of files at the command line: the report, and what the operator needs next."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Literal, TypeVar

import typer

from haven_server.command_line.core import OPERATOR, core_for_dry_run, open_core
from haven_server.command_line.output import say
from haven_server.core import Core
from haven_server.desks.file_import import DeskImport, import_desks
from haven_server.importing import report_text
from haven_server.importing.reading import MAX_BYTES
from haven_server.settings import load_settings
from haven_server.sites.file_import import SiteImport, import_sites

File = Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="CSV or .xlsx")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Report what would happen, and change nothing.")]
Language = Annotated[Literal["en", "ko"], typer.Option(help="Of the report.")]

Done = TypeVar("Done", SiteImport, DeskImport)


def import_sites_file(file: File, *, dry_run: DryRun = False, language: Language = "en") -> None:
    """Import stores and homes from a CSV or Excel file as it is, and report each doubtful value by row."""
    done = _import(import_sites, file, dry_run=dry_run)
    _tell(report_text(done.plan, language).splitlines())
    _tell(_codes(done, korean=language == "ko"))


def import_desks_file(file: File, *, dry_run: DryRun = False, language: Language = "en") -> None:
    """Import police stations and boxes from a CSV or Excel file as it is."""
    done = _import(import_desks, file, dry_run=dry_run)
    _tell(report_text(done.plan, language).splitlines())
    _tell(_districts(done, korean=language == "ko"))


def _import(operation: Callable[..., Done], file: Path, *, dry_run: bool) -> Done:
    settings = load_settings()
    with file.open("rb") as opened:
        data = opened.read(MAX_BYTES + 1)
    if not dry_run:
        with open_core(settings) as core:
            done = _run(operation, core, data, dry_run=False)
        say("Imported.")
        return done
    with core_for_dry_run(settings) as (core, is_there):
        done = _run(operation, core, data, dry_run=True)
    say("Dry run: nothing was changed.")
    if not is_there:
        say("There is no database yet, so the file was compared with an empty one.")
    return done


def _run(operation: Callable[..., Done], core: Core, data: bytes, *, dry_run: bool) -> Done:
    return operation(core, OPERATOR, data, dry_run=dry_run)


def _codes(done: SiteImport, *, korean: bool) -> Iterator[str]:
    """The codes that Haven has given, for a technician names a site by its code."""
    given = [done.codes[row.row] for row in done.plan.create if not row.draft.code and row.row in done.codes]
    if given:
        told = given[0] if len(given) == 1 else f"{given[0]} ~ {given[-1]}" if korean else f"{given[0]} to {given[-1]}"
        yield f"새 코드: {told}" if korean else f"Codes of the new sites: {told}"


def _districts(done: DeskImport, *, korean: bool) -> Iterator[str]:
    if done.dry_run:
        given = "관할이 정해질 자치구:" if korean else "Districts that would get a desk:"
    else:
        given = "관할을 정한 자치구:" if korean else "Districts that got a desk:"
    yield from _list(given, done.given)
    yield from _list("관할이 그대로인 자치구:" if korean else "Districts that keep their desk:", done.kept)


def _list(title: str, desks: Mapping[str, str]) -> Iterator[str]:
    if desks:
        yield title
        yield from (f"  {district}: {desk}" for district, desk in sorted(desks.items()))


def _tell(lines: Iterator[str] | list[str]) -> None:
    for line in lines:
        say(line)
