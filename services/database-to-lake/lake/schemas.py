"""How a table's columns may change from run to run.

Takes Arrow schemas and record batches, gives Arrow schemas and record batches. Never loses a value: what cannot be kept
exactly is a conflict.
"""

from __future__ import annotations

import pyarrow as pa

from errors import SchemaConflictError

_INTEGER_DIGITS = {8: 3, 16: 5, 32: 10, 64: 19}


def merged(table: str, lake: pa.Schema, source: pa.Schema, *, keep_dropped: bool) -> pa.Schema:
    """The lake's schema after this run: columns keep their place, new ones come last, types grow where they must.

    A column that the source no longer has stays (its rows do, too) when `keep_dropped`, otherwise it goes.
    """
    fields = []
    for field in lake:
        if field.name in source.names:
            type_ = wider(field.type, source.field(field.name).type)
            if type_ is None:
                raise SchemaConflictError(_conflict(table, lake, source, field.name))
            fields.append(pa.field(field.name, type_))
        elif keep_dropped:
            fields.append(field)
    fields += [pa.field(field.name, field.type) for field in source if field.name not in lake.names]
    return pa.schema(fields)


def wider(one: pa.DataType, other: pa.DataType) -> pa.DataType | None:
    """The type that holds every value of both exactly, None where there is none."""
    if one == other:
        return one
    for narrow, wide in ((one, other), (other, one)):
        if _fits(narrow, wide):
            return wide
    if pa.types.is_decimal(one) and pa.types.is_decimal(other):
        return _decimal(max(one.precision - one.scale, other.precision - other.scale), max(one.scale, other.scale))
    return None


def conform(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """A batch in another schema: cast, with nulls for columns it does not have."""
    if batch.schema.equals(schema):
        return batch
    columns = [
        batch.column(field.name).cast(field.type)
        if field.name in batch.schema.names
        else pa.nulls(batch.num_rows, field.type)
        for field in schema
    ]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def described(schema: pa.Schema) -> str:
    """A schema in one line."""
    return ", ".join(f"{field.name} {field.type}" for field in schema)


def _fits(narrow: pa.DataType, wide: pa.DataType) -> bool:
    types = pa.types
    if types.is_null(narrow):
        return True
    if types.is_integer(narrow):
        if types.is_integer(wide):
            return bool(narrow.bit_width <= wide.bit_width)
        if types.is_decimal(wide):
            return bool(wide.precision - wide.scale >= _INTEGER_DIGITS[narrow.bit_width])
        return bool(types.is_float64(wide) and narrow.bit_width <= 32)
    if types.is_float32(narrow):
        return bool(types.is_float64(wide))
    if types.is_date(narrow):
        return bool(types.is_timestamp(wide) and wide.tz is None)
    return False


def _decimal(whole: int, scale: int) -> pa.DataType | None:
    if whole + scale <= 38:
        return pa.decimal128(whole + scale, scale)
    return pa.decimal256(whole + scale, scale) if whole + scale <= 76 else None


def _conflict(table: str, lake: pa.Schema, source: pa.Schema, column: str) -> str:
    return (
        f"the column {column} of {table} is {source.field(column).type} in the source and {lake.field(column).type} in "
        "the lake, which do not go together; the lake stays as it was.\n"
        f"  source: {described(source)}\n"
        f"  lake:   {described(lake)}\n"
        "Cast it in a query (parameter query_file), or start the table over (parameter reset)"
    )
