"""Importing sites and police desks from the files that districts and the police hand out, as they are.

A pure core: bytes in, rows and a report out; no database, no files, no clock. In three steps:

1. `read_sites(data, desks=())` and `read_desks(data)` give an `Import`: a draft for each row that can be used
   (`SiteDraft`, `DeskDraft`), a reason for each that cannot, and findings. They never raise for what a file holds.
2. `plan_sites(existing, imported)` and `plan_desks(existing, imported)` compare it with the records that stand, each
   an `Existing(id, draft)`, and give a `Plan`: create, change (fields before and after), unchanged, vanished, refused.
   The caller applies it, or shows it for a dry run; applied once, the same file gives only `unchanged`.
3. `report_data(plan)` is the report for JSON, `report_text(plan, language)` for a terminal (`en` or `ko`).

`resolve(name, desks, near_district)` finds the police desk that people mean by a name; a `DeskDraft` will do as a desk.

Findings and drafts of homes hold addresses and phone numbers; the two reports do not. Log and show only the reports.

What a draft does not state (None, an empty text, an empty tuple) never changes a record; a new site without `code` is
given one by the caller, and one without `operating` is operating.
"""

from haven_server.importing.desk_names import DeskLike, Resolution, resolve
from haven_server.importing.desks import desk_key, read_desks
from haven_server.importing.drafts import DeskDraft, Drafted, Import, Refused, SiteDraft
from haven_server.importing.findings import FileProblem, FileRefusal, Finding, FindingKind, Severity
from haven_server.importing.phones import Phone
from haven_server.importing.plan import Change, Existing, FieldChange, Plan, Unchanged
from haven_server.importing.plan_desks import plan_desks
from haven_server.importing.plan_sites import plan_sites
from haven_server.importing.report import report_data, report_text
from haven_server.importing.site_import import read_sites

__all__ = [
    "Change",
    "DeskDraft",
    "DeskLike",
    "Drafted",
    "Existing",
    "FieldChange",
    "FileProblem",
    "FileRefusal",
    "Finding",
    "FindingKind",
    "Import",
    "Phone",
    "Plan",
    "Refused",
    "Resolution",
    "Severity",
    "SiteDraft",
    "Unchanged",
    "desk_key",
    "plan_desks",
    "plan_sites",
    "read_desks",
    "read_sites",
    "report_data",
    "report_text",
    "resolve",
]
