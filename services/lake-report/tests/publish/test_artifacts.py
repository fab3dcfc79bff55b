"""What Prefect's UI shows: the rows as people read them."""

from __future__ import annotations

from made_answers import answered

from publish.artifacts import rows, what


def test_a_heatmap_crosses_its_rows_in_prefects_table() -> None:
    keys = {"x": "month", "y": "airline", "value": "late", "columns": {"late": {"unit": "%", "digits": 0}}}
    given = [("Jan", "A", 1.2), ("Feb", "A", None), ("Jan", "B", 3.4)]
    answer = answered("heatmap", "month airline late", given, **keys)
    assert rows(answer) == [{"Airline": "A", "Jan": "1", "Feb": "–"}, {"Airline": "B", "Jan": "3", "Feb": "–"}]
    assert what(answer) == "Title: Late (%)"
    assert rows(answered("bars", "name n", [("a", 1)])) == [{"Name": "a", "N": "1"}]
