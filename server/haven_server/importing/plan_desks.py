"""A file of police desks compared with the desks that exist."""

from collections.abc import Collection, Sequence
from dataclasses import replace

from haven_server.importing.desk_names import STATION, station_key
from haven_server.importing.desks import desk_key
from haven_server.importing.drafts import DeskDraft, Import
from haven_server.importing.plan import Existing, FieldChange, Plan, differences, finish

Desks = Sequence[Existing[DeskDraft]]


def plan_desks(existing: Desks, imported: Import[DeskDraft]) -> Plan[DeskDraft]:
    """Compare a file with the desks that exist, by station, name and type.

    The districts of a station only grow: a file may list some of its boxes. A box has vanished where the file lists
    its station, or other desks of its authority, and not the box.
    """
    if imported.refusal:
        return Plan(refusal=imported.refusal)
    known = {desk_key(record.draft): record for record in reversed(existing)}
    pairs = []
    create = []
    for row in imported.drafted:
        record = known.get(desk_key(row.draft))
        if record is None:
            create.append(row)
        else:
            pairs.append((row.row, record, _changes(record.draft, row.draft)))
    matched = {record.id for _, record, _ in pairs}
    return finish(imported, pairs, tuple(create), _vanished(existing, imported, matched))


def _changes(before: DeskDraft, after: DeskDraft) -> tuple[FieldChange, ...]:
    if after.type == STATION:
        more = tuple(name for name in after.districts if name not in before.districts)
        after = replace(after, districts=before.districts + more)
    return differences(before, after, kept=("station", "name", "type"))


def _vanished(
    existing: Desks, imported: Import[DeskDraft], matched: Collection[str]
) -> tuple[Existing[DeskDraft], ...]:
    stations = {station_key(row.draft.station) for row in imported.drafted}
    authorities = {row.draft.authority for row in imported.drafted if row.draft.authority}
    # A refused row may still be about a desk that exists, by the name it gives.
    in_doubt = {row.code for row in imported.refused if row.code}
    return tuple(
        record
        for record in existing
        if record.id not in matched
        and (station_key(record.draft.station) in stations or record.draft.authority in authorities)
        and f"{station_key(record.draft.station)} {record.draft.name}" not in in_doubt
    )
