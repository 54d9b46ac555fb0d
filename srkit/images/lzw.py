"""Unpacking LZW, the compression most TIFF files use.

tifffile leaves it to a package of a hundred codecs; libtiff, inside
Pillow and OpenCV, prints lines of its own on damaged files. Here NumPy does it for a run of codes
at a time: the width of a code, and so its place, depends only on how many came before it; and
what a code stands for begins where an earlier code's output began.

Source: Adobe, "TIFF Revision 6.0", 1992, section 13; Welch, "A Technique for High-Performance
Data Compression", Computer, 1984.
"""

import numpy as np
from numpy.typing import NDArray

_CLEAR, _END, _FIRST_FREE = 256, 257, 258
# A run of codes ends with a clear code when the table is full. Widths grow one code early,
# which is TIFF's own reading of the algorithm: entry 511 is the first to need ten bits.
_RUN = 4096 - _FIRST_FREE + 2
_WIDTHS = 9 + sum(
    (np.arange(_RUN) + _FIRST_FREE > limit).astype(np.int64) for limit in (511, 1023, 2047)
)
_PLACES = np.concatenate([[0], np.cumsum(_WIDTHS)])
_RUN_BYTES = int(_PLACES[-1]) // 8 + 4


def unpack_lzw(packed: bytes, size: int) -> bytes:
    """Give the first `size` bytes that `packed` stands for, or fewer if it ends before.

    Raises: ValueError when no encoder can have written it.
    """
    if packed[:2] == b"\0\1":
        raise ValueError("LZW in the bit order from before TIFF 6.0 is not handled")
    data = np.frombuffer(packed + bytes(_RUN_BYTES), np.uint8).astype(np.uint32)
    end = len(packed) * 8
    place, done, pieces = 0, 0, []
    # Encoders clear their table only when it is full. A file that clears all the time would
    # take minutes to read.
    runs_left = 16 + size // 256
    while done < size and place < end:
        codes, place = _read_run(data, place, end)
        runs_left -= 1
        if runs_left < 0:
            raise ValueError("LZW data that clears its table again and again")
        if codes.size:
            pieces.append(_expand(codes, size - done))
            done += len(pieces[-1])
        if place < 0:
            break
    return b"".join(piece.tobytes() for piece in pieces)


def _read_run(data: NDArray[np.uint32], place: int, end: int) -> tuple[NDArray[np.int64], int]:
    """Read codes from bit `place` to the next clear code; also give the bit after it, or -1."""
    bits = place + _PLACES[:-1]
    first = bits >> 3
    window = data[first] << 16 | data[first + 1] << 8 | data[first + 2]
    codes = (window >> (24 - (bits & 7) - _WIDTHS).astype(np.uint32)).astype(np.int64)
    codes &= (1 << _WIDTHS) - 1
    codes = codes[bits + _WIDTHS <= end]
    stops = np.flatnonzero((codes == _CLEAR) | (codes == _END))
    if not stops.size:
        return codes, -1
    stop = int(stops[0])
    return codes[:stop], place + int(_PLACES[stop + 1]) if codes[stop] == _CLEAR else -1


def _expand(codes: NDArray[np.int64], size: int) -> NDArray[np.uint8]:
    """Give what one run of codes stands for, up to `size` bytes.

    Code 258 + k stands for what the k-th code of the run did, and one byte more: the next one
    in the output. So every byte is either plain or a copy of an earlier byte.
    """
    order = np.arange(codes.size)
    source = np.where(codes < _CLEAR, order, codes - _FIRST_FREE)
    is_copy = codes >= _FIRST_FREE
    if (source[is_copy] >= order[is_copy]).any():
        raise ValueError("LZW data that refers to what has not been said yet")
    lengths = is_copy.astype(np.int64)
    hop = source
    while True:  # as often as the longest chain of copies has binary digits
        lengths = lengths + lengths[hop]
        further = hop[hop]
        if np.array_equal(further, hop):
            break
        hop = further
    lengths += 1
    starts = np.cumsum(lengths) - lengths
    within = starts < size
    lengths, starts, source, codes = lengths[within], starts[within], source[within], codes[within]
    lengths[-1] = min(lengths[-1], size - starts[-1])
    total = int(starts[-1] + lengths[-1])
    copied_from = np.arange(total) - np.repeat(starts - starts[source], lengths)
    while True:
        further = copied_from[copied_from]
        if np.array_equal(further, copied_from):
            break
        copied_from = further
    plain = np.zeros(total, np.uint8)
    literal = codes < _CLEAR
    plain[starts[literal]] = codes[literal]
    unpacked: NDArray[np.uint8] = plain[copied_from]
    return unpacked
