"""Decoded training images in one file that is mapped into memory, not read.

Several processes and loader workers share its pages, and what does not fit stays on the disk.

Convention
    The file holds the samples of each part, HR then LR, row by row without gaps (but for a byte
    where 16-bit samples would lie at an odd place), so that a patch touches few pages; then a JSON
    index; then 24 bytes: the index's position, its length and a mark. It appears under its name
    only when it is whole, and its name is a hash of everything it was made of (paths, sizes, times
    of change, scale): what was made of other images is not used.
"""

import hashlib
import json
import mmap
import struct
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, overload

import numpy as np

from srkit.data.lock import alone_in
from srkit.data.part import Part
from srkit.errors import DataError
from srkit.files import TEMPORARY_PATTERN, write_atomically
from srkit.images.image import Samples

VERSION = 2
MARK = b"srkit-im"
FOOTER = struct.Struct("<QQ8s")


def key_of(
    files: Sequence[tuple[int, Path, Path | None, int]],
    *,
    scale: int,
    needs_lr: bool,
    patch_size: int,
    bands: int = 3,
    shape: str = "parts",
) -> str:
    """Hash what a prepared file is made of: folder, HR file, LR file and cut of every image.

    `shape` tells sets apart that make something else of the same files.
    """
    facts: list[Any] = [VERSION, scale, needs_lr, patch_size, bands, shape]
    for folder, hr, lr, sub_image_size in files:
        for path in (hr, lr):
            if path is not None:
                status = path.stat()
                facts.append([str(path.resolve()), status.st_size, status.st_mtime_ns])
        facts.append([folder, sub_image_size])
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:24]


class PreparedFile(Sequence[Part]):
    """The parts of a prepared file, mapped when first asked for; pickled as its path."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._map: np.ndarray[Any, np.dtype[np.uint8]] | None = None
        self._index: list[list[Any]] = []

    def __reduce__(self) -> tuple[type["PreparedFile"], tuple[Path]]:
        return PreparedFile, (self.path,)

    def write(self, parts: Iterable[Part]) -> None:
        """Write the parts one after another, never holding more than one.

        Of several processes one writes, and the others wait for it.

        Raises: DataError when the disk refuses; whatever making the parts raises.
        """
        with alone_in(self.path.parent):
            if self.whole():
                return
            # Nobody else is writing here: what a killed process has left, as large as the set.
            for torn in self.path.parent.glob(TEMPORARY_PATTERN):
                torn.unlink(missing_ok=True)
            try:
                write_atomically(self.path, lambda file: _write(file, iter(parts)))
            except OSError as error:
                raise DataError(
                    f"{self.path}: cannot be written ({error.strerror or error})",
                    hint="datasets.train.cache=memory does without the file",
                ) from None

    def whole(self) -> bool:
        """Tell whether the file is there and ends as it should."""
        try:
            self._open()
        except (OSError, ValueError):
            return False
        return True

    def _open(self) -> np.ndarray[Any, np.dtype[np.uint8]]:
        if self._map is None:
            with self.path.open("rb") as file:
                mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            if len(mapped) < FOOTER.size:
                raise ValueError("too short")
            start, length, mark = FOOTER.unpack(mapped[-FOOTER.size :])
            if mark != MARK or start + length + FOOTER.size != len(mapped):
                raise ValueError("not whole")
            self._index = json.loads(mapped[start : start + length])
            self._map = np.frombuffer(mapped, np.uint8)
        return self._map

    def __len__(self) -> int:
        self._open()
        return len(self._index)

    @overload
    def __getitem__(self, index: int) -> Part: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Part]: ...
    def __getitem__(self, index: int | slice) -> Part | Sequence[Part]:
        if isinstance(index, slice):
            return [self[place] for place in range(*index.indices(len(self)))]
        mapped = self._open()
        folder, hr, lr = self._index[index]
        return Part(
            folder=folder,
            hr=_samples(mapped, hr),
            lr=None if lr is None else _samples(mapped, lr),
        )


def _samples(mapped: "np.ndarray[Any, np.dtype[np.uint8]]", entry: list[Any]) -> Samples:
    start, kind, shape = entry
    count = int(np.prod(shape)) * np.dtype(kind).itemsize
    return mapped[start : start + count].view(kind).reshape(shape)


def _write(file: BinaryIO, parts: Iterator[Part]) -> None:
    index: list[list[Any]] = []
    position = 0
    for part in parts:
        entries: list[list[Any] | None] = []
        for samples in (part.hr, part.lr):
            if samples is None:
                entries.append(None)
                continue
            position += file.write(bytes(-position % samples.itemsize))
            entries.append([position, samples.dtype.name, samples.shape])
            position += file.write(np.ascontiguousarray(samples).data)
        index.append([part.folder, *entries])
    text = json.dumps(index).encode()
    file.write(text)
    file.write(FOOTER.pack(position, len(text), MARK))
