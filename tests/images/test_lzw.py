"""LZW against a decoder written from the specification's pseudo-code, and libtiff's encoder."""

import contextlib
import io
import time

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage import data

from srkit.images.lzw import unpack_lzw

from . import image_making as make


def _by_the_book(packed: bytes, size: int) -> bytes:
    """TIFF 6.0, page 61, one code at a time."""
    bits = "".join(f"{byte:08b}" for byte in packed)
    place, width, table, out, old = 0, 9, [], b"", b""
    while place + width <= len(bits) and len(out) < size:
        code, place = int(bits[place : place + width], 2), place + width
        if code == 257:
            break
        if code == 256:
            table, width, old = [bytes([n]) for n in range(256)] + [b"", b""], 9, b""
            continue
        if not old:
            new = table[code]
        else:
            new = table[code] if code < len(table) else old + old[:1]
            table.append(old + new[:1])
        out, old = out + new, new
        width = 9 + sum(len(table) >= limit for limit in (511, 1023, 2047))
    return out[:size]


def _encode(data_: bytes) -> bytes:
    """The specification's encoder."""
    codes, table, prefix = [(256, 9)], {bytes([n]): n for n in range(256)}, b""
    free, width = 258, 9
    for byte in data_:
        longer = prefix + bytes([byte])
        if longer in table:
            prefix = longer
            continue
        codes.append((table[prefix], width))
        table[longer], free = free, free + 1
        width = 9 + sum(free > limit for limit in (511, 1023, 2047))
        if free == 4095:
            codes.append((256, width))
            table, free, width = {bytes([n]): n for n in range(256)}, 258, 9
        prefix = bytes([byte])
    if prefix:
        codes.append((table[prefix], width))
        width = 9 + sum(free + 1 > limit for limit in (511, 1023, 2047))
    codes.append((257, width))
    bits = "".join(f"{code:0{width}b}" for code, width in codes)
    return int(bits.ljust(-(-len(bits) // 8) * 8, "0"), 2).to_bytes(-(-len(bits) // 8), "big")


@settings(deadline=None, max_examples=60, derandomize=True)
@given(
    st.one_of(
        st.binary(max_size=3000),
        st.lists(st.sampled_from([b"a", b"ab", b"abc" * 9, b"\0" * 70]), max_size=300).map(
            b"".join
        ),
    )
)
def test_gives_back_what_was_packed(plain: bytes) -> None:
    packed = _encode(plain)
    assert _by_the_book(packed, len(plain)) == plain  # else the test itself is wrong
    assert unpack_lzw(packed, len(plain)) == plain


@pytest.mark.parametrize("kind", ["noise", "photograph", "flat"])
def test_full_tables(kind: str) -> None:
    plain = {
        "noise": make.noise(60_000).tobytes(),
        "photograph": data.camera()[:150].tobytes(),
        "flat": bytes(1_000_000),
    }[kind]
    out = io.BytesIO(
        make.by_pillow(
            np.frombuffer(plain, np.uint8)[None], "TIFF", compression="tiff_lzw", tiffinfo={278: 1}
        )
    )
    page = tifffile.TiffFile(out).pages.first
    start = page.dataoffsets[0]
    packed = out.getvalue()[start : start + page.databytecounts[0]]
    assert unpack_lzw(packed, len(plain)) == plain
    assert unpack_lzw(packed, 1000) == plain[:1000]
    short = unpack_lzw(packed[: len(packed) // 2], len(plain))
    assert 0 < len(short) < len(plain)
    assert plain.startswith(short)


@settings(deadline=None, max_examples=200, derandomize=True)
@given(st.binary(max_size=400))
def test_any_bytes_give_at_most_the_size_or_a_valueerror(packed: bytes) -> None:
    with contextlib.suppress(ValueError):
        assert len(unpack_lzw(packed, 1000)) <= 1000


def test_a_table_cleared_at_every_code_is_refused_at_once() -> None:
    ones = (b"\x80\x00" * 9)[:9]  # eight codes of nine bits, half of them "clear"
    begin = time.monotonic()
    with pytest.raises(ValueError, match="clears"):
        unpack_lzw(ones * 500_000, 4_000)
    assert time.monotonic() - begin < 5


def test_the_old_bit_order_is_refused() -> None:
    with pytest.raises(ValueError, match="order"):
        unpack_lzw(b"\0\1" + bytes(50), 10)
