"""What is told of parameters is what a Prefect server would refuse: differential, on Prefect's own check."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import pydantic
from hypothesis import given
from hypothesis import strategies as st
from prefect.utilities.callables import parameter_schema
from prefect.utilities.schema_tools.validation import validate

from tools.plan.parameters import problems_of


class Options(pydantic.BaseModel):
    """A nested parameter."""

    depth: int
    note: str | None = None
    ratio: float = 0.5


def flow(
    table: str,
    options: Options,
    pct: Annotated[int, pydantic.Field(ge=0, le=100)] = 5,
    mode: Literal["fast", "slow"] = "fast",
    names: list[str] | None = None,
    pairs: dict[str, int] | None = None,
    pair: tuple[int, str] = (1, "a"),
    deep: list[Options] | None = None,
    on: bool = True,
    anything: Any = None,
) -> None:
    """Parameters of many kinds."""


SCHEMA: Any = parameter_schema(flow).model_dump_for_openapi()
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 105),
    st.floats(-2, 2, allow_nan=False),
    st.sampled_from(["", "a", "fast", "slow", "1"]),
)
OPTIONS = st.fixed_dictionaries({}, optional={"depth": SCALARS, "note": SCALARS, "ratio": SCALARS, "more": SCALARS})
VALUES = st.one_of(
    SCALARS,
    OPTIONS,
    st.lists(SCALARS, max_size=3),
    st.lists(OPTIONS, max_size=2),
    st.dictionaries(st.text(max_size=2), SCALARS),
)
PARAMETERS = st.dictionaries(st.sampled_from(list(SCHEMA["properties"])), VALUES, max_size=4)


@given(PARAMETERS)
def test_the_same_parameters_are_wrong_for_a_server(parameters: dict[str, Any]) -> None:
    theirs = validate(parameters, SCHEMA, ignore_required=False)
    kinds = [error for error in theirs if not (error.validator == "required" and not error.path)]
    ours = list(problems_of("x", parameters, SCHEMA, complete=False))
    assert (ours == []) == (kinds == []), (ours, kinds)
    complete = list(problems_of("x", parameters, SCHEMA, complete=True))
    assert (complete == []) == (theirs == []), (complete, theirs)
