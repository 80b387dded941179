"""Watches the log for errors: one that nobody announced fails the test that caused it."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import structlog


@contextmanager
def watching_for_errors() -> Iterator[list[str]]:
    """Give the list into which every ERROR of the process goes, its traceback included.

    Records are caught as they are made, not by a handler: code under test may replace the handlers.
    """
    # The log of the server goes through structlog, which prints past the standard library until it is told otherwise.
    structlog.configure(
        processors=[
            structlog.stdlib.add_log_level,
            structlog.processors.format_exc_info,
            structlog.processors.KeyValueRenderer(key_order=["event"]),
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    errors: list[str] = []
    make_before = logging.getLogRecordFactory()

    def make(*args: Any, **more: Any) -> logging.LogRecord:
        record = make_before(*args, **more)
        if record.levelno >= logging.ERROR:
            errors.append(_text(record))
        return record

    logging.setLogRecordFactory(make)
    try:
        yield errors
    finally:
        logging.setLogRecordFactory(make_before)


def _text(record: logging.LogRecord) -> str:
    try:
        text = f"{record.name}: {record.getMessage()}"
    except (TypeError, ValueError):
        text = f"{record.name}: {record.msg!r} with {record.args!r}"
    if record.exc_info:
        text += "\n" + logging.Formatter().formatException(record.exc_info)
    return text


def fault_in(errors: Sequence[str], expected: Sequence[str]) -> str | None:
    """What is wrong with a test's errors; None if each is expected, and each that is expected came.

    An expected text is part of the error's text.
    """
    unexpected = [error for error in errors if not any(text in error for text in expected)]
    if unexpected:
        return "ERROR in the log:\n" + "\n".join(unexpected)
    missing = [text for text in expected if not any(text in error for error in errors)]
    if missing:
        return f"expected in the log, but never came: {', '.join(map(repr, missing))}"
    return None
