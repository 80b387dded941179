"""The watch over the log itself: it sees the server's errors, those of libraries, and none that is announced."""

import logging
from collections.abc import Iterator

import pytest
import structlog

from error_log import fault_in, watching_for_errors
from haven_server.logs import configure_logs


@pytest.fixture
def own_handlers() -> Iterator[None]:
    """A root logger that is again as it was, whatever the test makes of it."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.mark.expects_error("the desk is gone")
def test_an_error_of_the_server_is_seen_with_its_reason() -> None:
    with watching_for_errors() as errors:
        structlog.get_logger().error("the desk is gone", desk="강남경찰서")
    assert "the desk is gone" in errors[0]
    assert "강남경찰서" in errors[0]
    assert "the desk is gone" in str(fault_in(errors, ()))


@pytest.mark.expects_error("never retrieved")
def test_an_error_of_a_library_is_seen_with_its_traceback() -> None:
    with watching_for_errors() as errors:
        try:
            int("by nought")
        except ValueError:
            logging.getLogger("asyncio").exception("Task exception was never retrieved")
    assert "by nought" in errors[0]


@pytest.mark.usefixtures("own_handlers")
@pytest.mark.expects_error("all the same")
def test_errors_are_seen_although_the_server_sets_up_its_own_log() -> None:
    with watching_for_errors() as errors:
        configure_logs(as_json=True)
        structlog.get_logger().error("seen all the same")
    assert len(errors) == 1


def test_a_warning_is_no_error() -> None:
    with watching_for_errors() as errors:
        structlog.get_logger().warning("police not answering")
    assert errors == []


def test_exactly_what_is_announced_may_come_and_must_come() -> None:
    assert fault_in(["server: disk full"], ("disk full",)) is None
    assert "other" in str(fault_in(["server: disk full", "server: other"], ("disk full",)))
    assert "never came" in str(fault_in([], ("disk full",)))


@pytest.mark.expects_error("announced")
def test_the_mark_announces_an_error() -> None:
    structlog.get_logger().error("announced, and so it fails nothing")
