"""Called by Alembic. The connection comes from haven_server.db.migrate."""

from typing import Any

from alembic import context

from haven_server.db.types import UtcDateTime
from haven_server.models import Base


def _render(kind: str, value: object, autogen: Any) -> str | bool:
    if kind == "type" and isinstance(value, UtcDateTime):
        autogen.imports.add("from haven_server.db.types import UtcDateTime")
        return "UtcDateTime()"
    return False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_item=_render,
    render_as_batch=True,
)
context.run_migrations()
