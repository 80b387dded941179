from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import JSON, LargeBinary, Text
from sqlalchemy.orm import DeclarativeBase

from haven_server.db.types import UtcDateTime

Flags = list[dict[str, Any]]
"""See incidents.flags."""


class Base(DeclarativeBase):
    """Base of the tables."""

    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: UtcDateTime,
        dict[str, Any]: JSON(none_as_null=True),
        Flags: JSON(none_as_null=True),
        bytes: LargeBinary,
        str: Text,
    }
