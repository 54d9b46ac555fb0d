"""EXIF: the little directory of tags that cameras put into image files.

An EXIF block is a TIFF structure without an image: a byte order, then directories of
(tag, type, count, value), where values over four bytes lie elsewhere and are pointed to. The
same code therefore reads a block out of a JPEG file and the tags of a TIFF file.
Values stay bytes in the block's own byte order: srkit changes a few, and understands no more.

Convention
    Only the first directory and those it points to are kept. The second one, which describes
    a thumbnail of a picture that is no more, is left behind. Entries that point outside the
    block are left out, and listed as lost; a block with no readable directory is no block.

Source: CIPA DC-008, "Exchangeable image file format", version 2.32, section
4.6; Adobe, "TIFF Revision 6.0", 1992, section 2.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

ORIENTATION = 0x0112
X_RESOLUTION, Y_RESOLUTION, RESOLUTION_UNIT = 0x011A, 0x011B, 0x0128
CAMERA, LOCATION, INTEROPERABILITY = 0x8769, 0x8825, 0xA005
"""Tags whose value is the place of another directory."""

SHORT, LONG, RATIONAL = 3, 4, 5
_ITEM_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}

# Cameras write some hundred kilobytes at most, and a TIFF file may add profiles of a few million.
# A hostile block of 64 KB could let each of five thousand entries claim all of it.
_MAX_BYTES = 16_000_000

ByteOrder = Literal["<", ">"]
"""Little or big end first, as the `struct` module writes it."""

ReadAt = Callable[[int, int], bytes]
"""(offset, size) -> that many bytes, or fewer at the end."""


class Entry(NamedTuple):
    kind: int
    data: bytes


@dataclass
class Directory:
    entries: dict[int, Entry] = field(default_factory=dict)
    inside: dict[int, "Directory"] = field(default_factory=dict)
    """By the tag that points to it."""

    lost: set[int] = field(default_factory=set)
    """Tags whose values could not be read."""

    following: int = 0
    """Where the next directory lies: a second page, or a thumbnail; 0 for none."""


@dataclass
class Exif:
    """A block taken apart."""

    order: ByteOrder = "<"
    root: Directory = field(default_factory=Directory)

    def numbers(self, tag: int) -> tuple[int, ...]:
        """Give the whole numbers of a tag of the first directory; none if it has none."""
        entry = self.root.entries.get(tag)
        if entry is None or entry.kind not in (SHORT, LONG):
            return ()
        letter = "H" if entry.kind == SHORT else "I"
        return struct.unpack(
            f"{self.order}{len(entry.data) // struct.calcsize(letter)}{letter}", entry.data
        )

    def ratio(self, tag: int) -> float | None:
        """Give the first of a tag's ratios, or None."""
        entry = self.root.entries.get(tag)
        if entry is None or entry.kind != RATIONAL:
            return None
        top, bottom = struct.unpack_from(self.order + "II", entry.data)
        return top / bottom if bottom else None

    def short(self, value: int) -> Entry:
        return Entry(SHORT, struct.pack(self.order + "H", value))

    def long(self, value: int) -> Entry:
        return Entry(LONG, struct.pack(self.order + "I", value))

    def rational(self, value: float) -> Entry:
        # Thousandths hold any resolution met with; beyond them, whole numbers do.
        bottom = 1000 if value < 4_000_000 else 1
        top = min(round(value * bottom), 2**32 - 1)
        return Entry(RATIONAL, struct.pack(self.order + "II", top, bottom))


def parse(block: bytes) -> Exif | None:
    """Take a block apart, with or without `Exif\\0\\0` before it; None if it is not one."""
    block = block.removeprefix(b"Exif\0\0")
    return parse_at(lambda offset, size: block[offset : offset + size])


def parse_at(read_at: ReadAt) -> Exif | None:
    """Take apart a block, or the first page's tags of a TIFF file, given by pieces."""
    head = read_at(0, 8)
    orders: dict[bytes, ByteOrder] = {b"II*\0": "<", b"MM\0*": ">"}
    order = orders.get(head[:4])
    if order is None or len(head) < 8:
        return None
    (offset,) = struct.unpack(order + "I", head[4:])
    root = read_directory(read_at, order, offset)
    return Exif(order, root) if root else None


def read_directory(read_at: ReadAt, order: str, offset: int) -> Directory | None:
    """Read the directory at `offset` and the known ones that it points to."""
    return _Reader(read_at, order).directory(offset, (CAMERA, LOCATION))


class _Reader:
    def __init__(self, read_at: ReadAt, order: str) -> None:
        self.read_at, self.order, self.left = read_at, order, _MAX_BYTES

    def directory(self, offset: int, pointers: tuple[int, ...]) -> Directory | None:
        length = self.read_at(offset, 2)
        if len(length) < 2:
            return None
        (count,) = struct.unpack(self.order + "H", length)
        table = self.read_at(offset + 2, 12 * count)
        found = Directory()
        for tag, kind, items, value in struct.iter_unpack(
            self.order + "HHI4s", table[: len(table) // 12 * 12]
        ):
            (place,) = struct.unpack(self.order + "I", value)
            if tag in pointers:
                # Only the camera's directory points further, so no loop can come about.
                directory = self.directory(place, (INTEROPERABILITY,) if tag == CAMERA else ())
                if directory:
                    found.inside[tag] = directory
                continue
            size = _ITEM_BYTES.get(kind, 0) * items
            data = b""
            if 0 < size <= self.left:
                data = value[:size] if size <= 4 else self.read_at(place, size)
            if data and len(data) == size:
                self.left -= size
                found.entries[tag] = Entry(kind, data)
            else:
                found.lost.add(tag)
        following = self.read_at(offset + 2 + 12 * count, 4)
        if len(following) == 4:
            (found.following,) = struct.unpack(self.order + "I", following)
        return found


def pack(exif: Exif) -> bytes:
    """Put a block together again."""
    mark = b"II*\0" if exif.order == "<" else b"MM\0*"
    return mark + struct.pack(exif.order + "I", 8) + pack_directory(exif.root, exif.order, 8)


def pack_directory(directory: Directory, order: str, start: int) -> bytes:
    """Put together a directory that will lie at offset `start`, with all that it points to."""
    tags = sorted(directory.entries.keys() | directory.inside.keys())
    here = bytearray(struct.pack(order + "H", len(tags)))
    place = start + 2 + 12 * len(tags) + 4
    beyond = bytearray()
    for tag in tags:
        if tag in directory.inside:
            kind, items, data = LONG, 1, struct.pack(order + "I", place + len(beyond))
            beyond += pack_directory(directory.inside[tag], order, place + len(beyond))
        else:
            kind, data = directory.entries[tag]
            items = len(data) // _ITEM_BYTES[kind]
            if len(data) > 4:
                value, data = data, struct.pack(order + "I", place + len(beyond))
                beyond += value
        beyond += bytes(len(beyond) % 2)  # offsets must be even
        here += struct.pack(order + "HHI", tag, kind, items) + data.ljust(4, b"\0")
    return bytes(here + bytes(4) + beyond)  # four zeros: no next directory
