"""A flow's parameters as they are given on the command line."""

from __future__ import annotations

import json
from typing import Any

from tools.errors import UserError

_EXAMPLE = 'example: PARAMS=\'{"table": "weather"}\''


def json_object(text: str) -> dict[str, Any]:
    """The JSON object of a text; none where it is empty.

    Raises:
        UserError: it is something else.
    """
    try:
        value = json.loads(text or "{}")
    except json.JSONDecodeError as error:
        raise UserError(f"the parameters are no JSON: {error.msg} at character {error.pos}: {text}", _EXAMPLE) from None
    if not isinstance(value, dict):
        raise UserError(f"the parameters must be a JSON object, found {text}", _EXAMPLE)
    return value
