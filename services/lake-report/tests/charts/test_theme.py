"""Colours: told apart from one another and from what they are on."""

from __future__ import annotations

import itertools

import pytest

from charts import theme


def luminance(colour: str) -> float:
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("look", [theme.LIGHT, theme.DARK])
def test_texts_and_marks_stand_out_from_what_they_are_on(look: dict[str, str]) -> None:
    for text, ground in itertools.product(("ink", "muted", "link"), ("page", "card")):
        assert contrast(look[text], look[ground]) >= 4.5
    assert contrast(look["accent"], look["card"]) >= 4.5
    for mark in ("bar", *theme.SERIES):
        assert contrast(look[mark], look["card"]) >= 3
    for number, step in enumerate(theme.HEAT):
        assert contrast(look["on-strong" if number >= theme.STRONG else "on-weak"], look[step]) >= 4.5
    assert contrast(look["on-weak"], look["empty"]) >= 4.5


@pytest.mark.parametrize("look", [theme.LIGHT, theme.DARK])
def test_the_steps_of_a_heatmap_differ_in_lightness_alone(look: dict[str, str]) -> None:
    """So that they are told apart without telling colours apart, and on paper."""
    steps = [luminance(look[name]) for name in theme.HEAT]
    assert steps in (sorted(steps), sorted(steps, reverse=True))
    assert all(contrast(look[a], look[b]) > 1.15 for a, b in itertools.pairwise(theme.HEAT))


def test_both_looks_have_the_same_colours() -> None:
    assert theme.LIGHT.keys() == theme.DARK.keys()
