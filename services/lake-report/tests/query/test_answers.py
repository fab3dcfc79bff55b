"""Rows as plain values: whatever the data holds, it can be shown and drawn."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from made_answers import answered


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (True, "yes"),
        (Decimal("1.50"), 1.5),
        (Decimal("3"), 3),
        (float("nan"), None),
        (float("-inf"), None),
        (2**63 - 1, 2**63 - 1),
        (2**127, float(2**127)),
        (10**400, None),
        ([1, 2], "[1, 2]"),
        (timedelta(days=3), "3 days, 0:00:00"),
        (date(2013, 1, 31), date(2013, 1, 31)),
        ("a\0b\x1b[31m\tc\n\ufffe", "a�b�[31m\tc\n�"),
        (b"\x00", "b'\\x00'"),
        ("x" * 300, "x" * 300),
        ("x" * 301, "x" * 299 + "…"),
    ],
)
def test_values_are_plain(value: Any, plain: object) -> None:
    assert answered("table", "n", [(value,)]).rows == ((plain,),)


def test_names_of_columns_can_be_shown() -> None:
    assert answered("table", "a\0 b", [(1, 2)]).columns == ("a�", "b")
