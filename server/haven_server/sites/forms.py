"""What the API takes and gives: the two base models, and texts that every database holds and every screen shows."""

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints

from haven_contract.wire import UNSAFE

MAX_LINE = 300
MAX_PARAGRAPH = 4000

_UNSAFE = re.compile(UNSAFE)
_LAYOUT = str.maketrans("", "", "\n\r\t")


class Form(BaseModel):
    """Base of what a caller sends. A field that is not known is refused, for it may be a known one misspelt."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True, allow_inf_nan=False)


class View(BaseModel):
    """Base of what an operation gives back: plain values, no rows."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)


def visible(text: str) -> str:
    """Give the text back, or raise ValueError for what no screen shows."""
    if _UNSAFE.search(text):
        raise ValueError("has line breaks, control characters or invisible characters")
    return text


def _visible_lines(text: str) -> str:
    if _UNSAFE.search(text.translate(_LAYOUT)):
        raise ValueError("has control characters or invisible characters")
    return text


Line = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_LINE), AfterValidator(visible)
]
"""One line of 1 to MAX_LINE characters, without outer white space."""

Paragraph = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_PARAGRAPH),
    AfterValidator(_visible_lines),
]
"""Text of 1 to MAX_PARAGRAPH characters; lines may be broken."""
