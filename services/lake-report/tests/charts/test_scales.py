"""Axes and classes: round bounds that hold every value."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charts.scales import classes, drawable, extent

NUMBERS = st.one_of(st.integers(-(10**9), 10**9), st.floats(-1e9, 1e9).map(lambda number: round(number, 3)))


@given(st.lists(st.one_of(st.none(), NUMBERS), max_size=50), st.integers(2, 9))
def test_every_value_has_a_class_and_there_are_no_more_than_asked_for(values: list[float | None], most: int) -> None:
    steps = classes(values, most, "")
    assert 1 <= len(steps.names) <= most
    for value in values:
        if value is not None:
            number = steps.of(value)
            assert 0 <= number < len(steps.names)
            assert 0 <= steps.shade(number) < most
            assert steps.start + number * steps.step <= value + 1e-6 * max(1, abs(value), steps.step)


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False).map(drawable), min_size=1, max_size=9))
def test_any_numbers_that_can_be_drawn_have_classes(values: list[float]) -> None:
    steps = classes(values, 7, "")
    assert 1 <= len(set(steps.names)) == len(steps.names) <= 7
    for value in values:
        assert 0 <= steps.of(value) < len(steps.names)


@pytest.mark.parametrize(
    ("values", "names"),
    [
        ([3, 60.2], ["0 to 10%", "10 to 20%", "20 to 30%", "30 to 40%", "40 to 50%", "50 to 60%", "60 to 70%"]),
        ([0, 1], ["0.0 to 0.2%", "0.2 to 0.4%", "0.4 to 0.6%", "0.6 to 0.8%", "0.8 to 1.0%"]),
        ([-1500, 900], ["−1,500 to −1,000%", "−1,000 to −500%", "−500 to 0%", "0 to 500%", "500 to 1,000%"]),
        ([5, 5], ["5 to 6%"]),
        ([0, 0], ["0 to 1%"]),
        ([None], ["0 to 1%"]),
    ],
)
def test_classes_have_round_bounds(values: list[float | None], names: list[str]) -> None:
    assert list(classes(values, 7, "%").names) == names


def test_the_first_class_has_the_first_shade_and_the_last_the_last() -> None:
    steps = classes([0, 30], 7, "")
    assert [steps.shade(number) for number in (0, len(steps.names) - 1)] == [0, 6]


@pytest.mark.parametrize(
    ("values", "end", "expected"),
    [([2, 5], None, (0, 5)), ([-2, 5], None, (-2, 5)), ([2, 5], 60, (0, 60)), ([70], 60, (0, 70)), ([], None, (0, 1))],
)
def test_an_axis_begins_at_zero_and_holds_every_value(
    values: list[float], end: float | None, expected: tuple[float, float]
) -> None:
    assert extent(values, end) == expected
