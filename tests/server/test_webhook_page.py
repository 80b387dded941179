"""docs/webhook.md shows the message that is really sent."""

import json
import re
from pathlib import Path
from typing import Any

from server.scenario import Dispatch

PAGE = Path(__file__).parents[2] / "docs" / "webhook.md"


def test_the_example_on_the_page_has_the_fields_of_a_real_call(dispatch: Dispatch) -> None:
    dispatch.desk("서울강남경찰서", districts=("강남구",))
    dispatch.store("S-1")
    box = dispatch.box("store-0123", "S-1")
    late = box.make()
    dispatch.clock.forward(360)
    box.send(late)
    dispatch.deliver()

    found = re.search(r"```json\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert found
    assert _shape(json.loads(found[1])) == _shape(dispatch.calls[0] | {"channel": None})


def _shape(value: Any) -> Any:
    """Names of the fields, all the way down; of a list its first element's. `channel` is the test's own addition."""
    if isinstance(value, dict):
        return {name: _shape(inner) for name, inner in value.items() if name != "channel"}
    return [_shape(value[0])] if isinstance(value, list) and value and isinstance(value[0], dict) else None
