"""For every test: an ERROR in the log fails it, unless `@pytest.mark.expects_error("part of its text")` announces it.

An exception that ends a thread fails the test as well: pytest warns of it, and warnings are errors here.
"""

from collections.abc import Iterator

import pytest

from error_log import fault_in, watching_for_errors


@pytest.fixture(autouse=True)
def no_unexpected_errors(request: pytest.FixtureRequest) -> Iterator[None]:
    marker = request.node.get_closest_marker("expects_error")
    with watching_for_errors() as errors:
        yield
    fault = fault_in(errors, marker.args if marker else ())
    if fault is not None:
        pytest.fail(fault, pytrace=False)
