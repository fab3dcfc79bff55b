"""Pictures: fewer bytes, the same pixels."""

from __future__ import annotations

import zlib

import vl_convert

from charts.pictures import _chunks, packed

SPEC = {"data": {"values": [{"a": n} for n in range(30)]}, "mark": "bar", "encoding": {"x": {"field": "a"}}}


def test_a_packed_picture_is_smaller_and_the_same() -> None:
    drawn = vl_convert.vegalite_to_png(SPEC)
    small = packed(drawn)
    assert len(small) < len(drawn) / 2
    assert pixels(small) == pixels(drawn)
    assert [kind for kind, _ in _chunks(small)] == [b"IHDR", b"pHYs", b"IDAT", b"IEND"]
    assert packed(small) == small


def pixels(png: bytes) -> bytes:
    return zlib.decompress(b"".join(body for kind, body in _chunks(png) if kind == b"IDAT"))
