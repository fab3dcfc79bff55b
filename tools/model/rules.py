"""How the rules of service.toml are said: a pattern, a choice, a range, a check of one's own; and what they refuse.

They are rules of today for what is declared today. A record of the past is validated in the context PAST, where types
hold and rules do not.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    ValidationError,
    ValidationInfo,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, InitErrorDetails, PydanticCustomError, core_schema

T = TypeVar("T")

#: The context in which a record of the past is validated: types hold, today's rules do not.
PAST = "past"


class Frozen(BaseModel):
    """A value: immutable, strict about unknown keys."""

    # A verb that does not use a model does not wait until it is built.
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


def is_past(info: ValidationInfo) -> bool:
    """Whether what is validated is a record of the past."""
    return info.context == PAST


def rule(check: Callable[[T], T]) -> AfterValidator:
    """A rule of today: gives a value back or raises ValueError."""

    def applied(value: T, info: ValidationInfo) -> T:
        return value if is_past(info) else check(value)

    return AfterValidator(applied)


def refuse(table: str, problems: Iterable[tuple[str | tuple[str | int, ...], str]]) -> None:
    """Refuses some keys of a table, each at its own place.

    Args:
        table: its name.
        problems: (key or path of keys below it, what is wrong there); nothing happens where there are none.

    Raises:
        ValidationError: with one error for each key.
    """
    found = [
        InitErrorDetails(
            type=PydanticCustomError("refused", "{why}", {"why": why}),
            loc=key if isinstance(key, tuple) else (key,),
            input=None,
        )
        for key, why in problems
    ]
    if found:
        raise ValidationError.from_exception_data(table, found)


@dataclass(frozen=True)
class Form:
    """Text of one form: a `pattern` in the JSON Schema, `words` in an error."""

    pattern: str
    words: str

    def check(self, value: str) -> str:
        """Gives the value back.

        Raises:
            ValueError: it has another form.
        """
        if not re.fullmatch(self.pattern, value):
            raise ValueError(f"{value!r} is not {self.words}")
        return value

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return _ruled(self.check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {**handler(schema), "pattern": f"^{self.pattern}$"}


@dataclass(frozen=True)
class Choice:
    """One of some texts."""

    values: tuple[str, ...]

    def check(self, value: str) -> str:
        """Gives the value back.

        Raises:
            ValueError: it is none of them.
        """
        if value not in self.values:
            raise ValueError(f"must be {' or '.join(map(repr, self.values))}, found {value!r}")
        return value

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return _ruled(self.check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {**handler(schema), "enum": list(self.values)}


@dataclass(frozen=True)
class Between:
    """A number from `least` to `most`."""

    least: int
    most: int

    def check(self, value: int) -> int:
        """Gives the value back.

        Raises:
            ValueError: it is less or more.
        """
        if not self.least <= value <= self.most:
            raise ValueError(f"must be from {self.least} to {self.most}, found {value}")
        return value

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return _ruled(self.check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {**handler(schema), "minimum": self.least, "maximum": self.most}


def _ruled(check: Callable[[Any], Any], schema: CoreSchema) -> CoreSchema:
    def applied(value: Any, info: ValidationInfo) -> Any:
        return value if is_past(info) else check(value)

    return core_schema.with_info_after_validator_function(applied, schema)
