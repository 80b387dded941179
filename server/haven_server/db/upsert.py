from collections.abc import Mapping
from typing import Any

from sqlalchemy import inspect
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from haven_server.models import Base


def insert_or_ignore(session: Session, model: type[Base], values: Mapping[str, Any]) -> int | None:
    """Insert a row and give its `id`, or None if a unique constraint says that it is there already.

    With two servers at PostgreSQL the second waits here until the first has committed, so one of them gets the id.
    """
    dialect: Any = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    statement = dialect.insert(model).values(**values).on_conflict_do_nothing().returning(inspect(model).c.id)
    found: int | None = session.execute(statement).scalar()
    return found


def upsert(session: Session, model: type[Base], rows: list[dict[str, Any]], changes: tuple[str, ...]) -> None:
    """Insert rows; where the primary key is there already, set the columns in `changes` instead."""
    if not rows:
        return
    dialect: Any = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    statement = dialect.insert(model)
    statement = statement.on_conflict_do_update(
        index_elements=list(inspect(model).primary_key),
        set_={name: statement.excluded[name] for name in changes},
    )
    session.execute(statement, rows)
