"""Site codes: Haven's own, never a store's name, for a third of the names change within five years."""

import re
from typing import Annotated

from pydantic import StringConstraints
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from haven_server.models import Site

CODE_PATTERN = r"^[0-9A-Za-z가-힣][0-9A-Za-z가-힣._-]{0,31}$"
"""As in import files."""

Code = Annotated[str, StringConstraints(pattern=CODE_PATTERN)]

LOCK = "site codes"

# Widths that are written without needless zeros, so that length and then text is the order of the numbers.
_NUMBERED = r"^S-([0-9]{6}|[1-9][0-9]{6,8})$"
_NUMBER = re.compile(_NUMBERED)


def next_number(session: Session) -> int:
    """Number of the next code that Haven gives. The caller holds LOCK until it commits."""
    code = func.upper(Site.code)  # somebody may have entered s-000123, and codes never differ in case alone
    highest = session.execute(
        select(code).where(code.regexp_match(_NUMBERED)).order_by(func.length(code).desc(), code.desc()).limit(1)
    ).scalar()
    found = _NUMBER.fullmatch(highest) if highest else None
    return int(found[1]) + 1 if found else 1


def numbered_code(number: int) -> str:
    """`S-000123`."""
    return f"S-{number:06d}"


def site_of_code(session: Session, code: str) -> Site | None:
    """Site of the code, whatever its case: two codes that differ in nothing else would be mistaken."""
    # Read anew: another job of this transaction may have seen it before another server changed it.
    fresh = select(Site).execution_options(populate_existing=True)
    exact = session.scalars(fresh.where(Site.code == code)).first()
    return exact or session.scalars(fresh.where(func.lower(Site.code) == code.lower())).first()
