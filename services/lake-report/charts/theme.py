"""Colours by what they are for, in a light and a dark look. Told apart by people who do not see red or green alike.

Bars, lines and the reference are of Okabe and Ito's palette (lightened or darkened where contrast asks for it); the
heatmap goes through one hue, from near the background to far from it.
"""

from __future__ import annotations

from query.answers import MOST_LINES

#: The heatmap's steps, from low to high.
HEAT = tuple(f"heat-{number}" for number in range(1, 8))
#: From this step on, text on a step has the colour `on-strong`, below it `on-weak`.
STRONG = 4
#: The colours of the lines of a chart, in their order.
SERIES = tuple(f"series-{number}" for number in range(1, MOST_LINES + 1))

LIGHT = {
    "page": "#f4f6f8",
    "card": "#ffffff",
    "ink": "#1b2733",
    "muted": "#56636f",
    "grid": "#e1e6eb",
    "link": "#005a94",
    "bar": "#0072b2",
    "accent": "#c04a00",
    "series-1": "#0072b2",
    "series-2": "#c04a00",
    "series-3": "#00805e",
    "series-4": "#a8558a",
    "series-5": "#6b6b6b",
    "empty": "#f0f2f4",
    "on-weak": "#1b2733",
    "on-strong": "#ffffff",
    "heat-1": "#edf4fa",
    "heat-2": "#d0e2f1",
    "heat-3": "#a9cde7",
    "heat-4": "#79b1d8",
    "heat-5": "#2673ad",
    "heat-6": "#135489",
    "heat-7": "#083661",
}

DARK = {
    "page": "#0e141a",
    "card": "#172029",
    "ink": "#e7edf3",
    "muted": "#a3b1be",
    "grid": "#2c3945",
    "link": "#7cc4f5",
    "bar": "#56b4e9",
    "accent": "#f0a04b",
    "series-1": "#56b4e9",
    "series-2": "#f0a04b",
    "series-3": "#3fc79a",
    "series-4": "#dd93bf",
    "series-5": "#b5b5b5",
    "empty": "#1f2932",
    "on-weak": "#f2f6fa",
    "on-strong": "#0b1117",
    "heat-1": "#1b2f42",
    "heat-2": "#1d3f5e",
    "heat-3": "#1f517b",
    "heat-4": "#256496",
    "heat-5": "#549fd4",
    "heat-6": "#8cc3ea",
    "heat-7": "#c9e4f8",
}
