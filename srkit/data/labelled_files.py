"""Which images there are to learn classes from, and which classes each of them has.

Convention
    A folder with a file `labels.csv` says it there: in a line an image's path within the folder,
    and its classes after a comma, separated by semicolons; no class is a class list, too. A first
    line `file,labels` is a title. The text is UTF-8. Images it does not name are left out.
    In any other folder each folder in it is a class, whose images lie anywhere under it; an image
    that lies beside them is refused.
    Classes are in the order of their names, unless they are given.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from srkit.errors import DataError
from srkit.images import image_files
from srkit.images.naming import display_name, one_line

TABLE = "labels.csv"
TITLE = ["file", "labels"]


@dataclass(frozen=True, kw_only=True)
class LabelledFiles:
    """Images in the order of folders and names."""

    paths: tuple[Path, ...]
    labels: tuple[tuple[int, ...], ...]
    """Of each image: indices into `classes`."""
    classes: tuple[str, ...]
    multi_label: bool
    """Whether an image can have several classes, or none."""


def find_labelled(
    roots: Sequence[Path],
    *,
    classes: Sequence[str] | None = None,
    multi_label: bool | None = None,
) -> LabelledFiles:
    """List the images of folders with their classes, by looking at names and tables alone.

    With `classes` there can be no other; without, there are those that are found. `multi_label`
    says whether an image can have several; without, a table decides.

    Raises: DataError for a folder that is not there or holds no image, an image of no class or of
        several where it must have one, an unknown class, and a table that cannot be read.
    """
    tables = {root for root in roots if (root / TABLE).is_file()}
    several = bool(tables) if multi_label is None else multi_label
    found: list[tuple[Path, tuple[str, ...]]] = []
    for root in roots:
        if not root.is_dir():
            raise DataError(f"{display_name(root)}: no such folder of labelled images")
        rows = list(_of_table(root) if root in tables else _of_folders(root))
        if not rows:
            raise DataError(f"{display_name(root)}: no labelled images in this folder")
        found += rows
    known = sorted({label for _, labels in found for label in labels})
    if classes is not None:
        if unknown := [label for label in known if label not in classes]:
            (path,) = [path for path, labels in found if unknown[0] in labels][:1]
            raise DataError(
                f"{display_name(path)}: class {one_line(unknown[0])!r} is not one of "
                f"{one_line(', '.join(classes))}"
            )
        known = list(classes)
    if not several:
        for path, labels in found:
            if len(labels) != 1:
                raise DataError(
                    f"{display_name(path)}: has {len(labels)} classes, it must have one",
                    hint="multi_label: true allows any number",
                )
    index = {label: number for number, label in enumerate(known)}
    return LabelledFiles(
        paths=tuple(path for path, _ in found),
        labels=tuple(tuple(sorted(index[label] for label in labels)) for _, labels in found),
        classes=tuple(known),
        multi_label=several,
    )


def _of_folders(root: Path) -> Iterator[tuple[Path, tuple[str, ...]]]:
    if beside := image_files(root):
        raise DataError(
            f"{display_name(beside[0])}: lies in no class's folder",
            hint=f"a folder for each class, or a {TABLE} beside the images",
        )
    folders = sorted(
        path for path in root.iterdir() if path.is_dir() and not path.name.startswith(".")
    )
    for folder in folders:
        paths = image_files(folder, recursive=True)
        if not paths:
            raise DataError(f"{display_name(folder)}: no images of this class")
        yield from ((path, (display_name(folder.name),)) for path in paths)


def _of_table(root: Path) -> Iterator[tuple[Path, tuple[str, ...]]]:
    table = root / TABLE
    seen: set[str] = set()
    for number, cells in enumerate(_rows(table), 1):
        where = f"{display_name(table)}, line {number}"
        if not cells or (number == 1 and [cell.strip().lower() for cell in cells] == TITLE):
            continue
        if len(cells) != 2:
            raise DataError(
                f"{where}: must be a file and its classes, got {len(cells)} cells",
                hint="photo.png,cat;dog",
            )
        name = cells[0].strip()
        if name in seen:
            raise DataError(f"{where}: {one_line(name)} is there twice")
        seen.add(name)
        path = root / name
        if not name or not path.is_file():
            raise DataError(f"{where}: there is no file {one_line(name)!r}")
        labels = [label.strip() for label in cells[1].split(";")]
        yield path, tuple(dict.fromkeys(one_line(label) for label in labels if label))


def _rows(table: Path) -> list[list[str]]:
    try:
        text = table.read_text(encoding="utf-8-sig")
        return list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except UnicodeDecodeError:
        raise DataError(f"{display_name(table)}: is not UTF-8 text") from None
    except csv.Error as error:
        raise DataError(f"{display_name(table)}: cannot be read as CSV: {error}") from None
    except OSError as error:
        raise DataError(f"{display_name(table)}: cannot be read: {error.strerror}") from None
