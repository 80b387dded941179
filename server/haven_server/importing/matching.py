"""Which record is which row: one to one, the surest likeness first."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence

from haven_server.importing.drafts import D, Drafted
from haven_server.importing.plan import Existing

Key = Callable[[D], Hashable | None]


def match_rows(
    drafted: Iterable[Drafted[D]], existing: Sequence[Existing[D]], sure: Sequence[Key[D]], alone: Sequence[Key[D]]
) -> dict[int, Existing[D]]:
    """The record of each row, by row number; a row without one is not in it.

    By a `sure` key the first free record of that key is taken. By an `alone` key a row and a record are one only
    where neither side has another one left with that key. A key of None never matches.
    """
    matched: dict[int, Existing[D]] = {}
    rows = list(drafted)
    free = list(existing)
    for keys, unique in ((sure, False), (alone, True)):
        for key in keys:
            by_key: dict[Hashable, list[Existing[D]]] = defaultdict(list)
            for record in free:
                by_key[key(record.draft)].append(record)
            wanted: dict[Hashable, list[Drafted[D]]] = defaultdict(list)
            for row in rows:
                wanted[key(row.draft)].append(row)
            for value, asking in wanted.items():
                found = by_key.get(value, [])
                if value is not None and found and (not unique or len(asking) == len(found) == 1):
                    matched[asking[0].row] = found[0]
            taken = {id(record) for record in matched.values()}
            rows = [row for row in rows if row.row not in matched]
            free = [record for record in free if id(record) not in taken]
    return matched
