"""A file of sites compared with the sites that exist."""

from collections.abc import Collection, Hashable, Iterable, Sequence
from dataclasses import replace

from haven_server.importing.addresses import comparable, parse_address
from haven_server.importing.brands import is_only_brand
from haven_server.importing.drafts import Drafted, Import, Refused, SiteDraft
from haven_server.importing.findings import Finding, FindingKind
from haven_server.importing.matching import match_rows
from haven_server.importing.plan import Existing, FieldChange, Plan, differences, finish
from haven_server.importing.site_import import site_place

Sites = Sequence[Existing[SiteDraft]]
Rows = Sequence[Drafted[SiteDraft]]


def plan_sites(existing: Sites, imported: Import[SiteDraft]) -> Plan[SiteDraft]:
    """Compare a file with the sites that exist; give all of them, closed ones too, with their codes.

    A row is the site of its code; without a code, the one of the same district, address and name, else of the same
    building and name (a store whose address is written differently), else of the same address (renamed), the latter two
    where each side has only one left. A store of the same name at another address, or of another name in the same
    building, is a new site, with a hint: a box is never moved by a guess.
    """
    if imported.refusal:
        return Plan(refusal=imported.refusal)
    matched, refused = _match_codes(existing, imported)
    barred = {row.row for row in refused}
    taken = {record.id for record in matched.values()}
    free = [record for record in existing if record.id not in taken]
    uncoded = [row for row in imported.drafted if not row.draft.code]
    matched |= match_rows(
        uncoded, free, sure=(_same_site,), alone=(_same_name_at_address, _same_name_in_building, _same_address)
    )
    create = tuple(row for row in imported.drafted if row.row not in matched and row.row not in barred)
    all_refused = imported.refused + refused
    vanished = _vanished(existing, imported, {record.id for record in matched.values()}, all_refused)
    pairs = (
        (row.row, matched[row.row], _changes(matched[row.row].draft, row.draft, imported))
        for row in imported.drafted
        if row.row in matched
    )
    findings = tuple(row.finding for row in refused) + tuple(_hints(create, free, vanished))
    return finish(imported, pairs, create, vanished, refused=refused, findings=findings)


def _match_codes(
    existing: Sites, imported: Import[SiteDraft]
) -> tuple[dict[int, Existing[SiteDraft]], tuple[Refused, ...]]:
    """Rows by their code. The code of a home in a row of stores (or the reverse) is refused: it would unmask it."""
    coded = {record.draft.code.casefold(): record for record in existing if record.draft.code}
    matched = {}
    refused = []
    for row in imported.drafted:
        record = coded.get(row.draft.code.casefold()) if row.draft.code else None
        if record is None:
            continue
        if record.draft.kind == row.draft.kind:
            matched[row.row] = record
        else:
            finding = Finding(row.row, FindingKind.CODE_OF_ANOTHER_KIND, "code", row.draft.code or "")
            refused.append(Refused(row.row, finding, row.draft.code))
    return matched, tuple(refused)


def _same_site(draft: SiteDraft) -> Hashable | None:
    return (*_address(draft), comparable(draft.name))


def _same_address(draft: SiteDraft) -> Hashable | None:
    return _address(draft)


def _same_name_at_address(draft: SiteDraft) -> Hashable | None:
    """A store whose floor a person has entered since. Two homes of one address differ by their door alone."""
    return None if draft.kind == "home" else _same_site(replace(draft, detail=""))


def _same_name_in_building(draft: SiteDraft) -> Hashable | None:
    if draft.kind == "home":
        return None
    return None if is_only_brand(draft.name) else (*_building(draft), comparable(draft.name))


def _building(draft: SiteDraft) -> tuple[str, ...]:
    return (draft.kind, *site_place(draft.road_address, draft.district))


def _address(draft: SiteDraft) -> tuple[str, ...]:
    whole = parse_address(draft.road_address).whole
    return (draft.kind, draft.district or "", whole, comparable(draft.detail))


def _changes(before: SiteDraft, after: SiteDraft, imported: Import[SiteDraft]) -> tuple[FieldChange, ...]:
    kept = {"kind", "code"}
    if "brand" not in imported.columns and before.brand and before.name == after.name:
        kept.add("brand")  # a brand read from the name yields to one that a person entered
    if after.road_address == after.lot_address and before.lot_address in ("", after.lot_address):
        kept.add("road_address")  # a row with a lot address only says nothing about the road-name address
    return differences(before, after, kept)


def _vanished(
    existing: Sites, imported: Import[SiteDraft], matched: Collection[str], refused: Iterable[Refused]
) -> tuple[Existing[SiteDraft], ...]:
    """Open sites of the kinds and districts that the file lists, but in no row: not even in a refused one."""
    listed = {(row.draft.kind, row.draft.district) for row in imported.drafted}
    refused = tuple(refused)
    codes = {row.code.casefold() for row in refused if row.code}
    places = {row.place for row in refused if row.place}
    return tuple(
        record
        for record in existing
        if record.id not in matched
        and record.draft.operating is not False
        and (record.draft.kind, record.draft.district) in listed
        and (record.draft.code or "").casefold() not in codes
        and site_place(record.draft.road_address, record.draft.district) not in places
    )


def _hints(create: Rows, free: Sites, vanished: Sites) -> Iterable[Finding]:
    """New sites that may be old ones: by name at another address, by building, or by place under another code."""
    gone = {(*_district_of(record.draft), comparable(record.draft.name)): record for record in vanished}
    emptied = {_building(record.draft): record for record in vanished}
    here = {_same_site(record.draft): record for record in free}
    for row in create:
        name = comparable(row.draft.name)
        moved = None if is_only_brand(row.draft.name) else gone.get((*_district_of(row.draft), name))
        if moved is not None:
            yield Finding(row.row, FindingKind.POSSIBLY_MOVED, "road_address", row.draft.road_address, _call(moved))
        renamed = emptied.get(_building(row.draft))
        if renamed is not None:
            yield Finding(row.row, FindingKind.POSSIBLY_RENAMED, "name", row.draft.name, _call(renamed))
        known = here.get(_same_site(row.draft))
        if known is not None and row.draft.code:
            yield Finding(row.row, FindingKind.CODE_NEW_AT_KNOWN_PLACE, "code", row.draft.code, _call(known))


def _district_of(draft: SiteDraft) -> tuple[str, str]:
    return (draft.kind, draft.district or "")


def _call(record: Existing[SiteDraft]) -> str:
    return record.draft.code or record.id
