"""Make smaller copies of a folder's images, to train on beside them.

    python scripts/shrink_images.py data/train data/train-half [--factor 0.5]

A photograph is softer, pixel by pixel, than the small pictures that benchmarks are made of; copies
at half the size, by MATLAB's bicubic, are as sharp (Real-ESRGAN's training set has some as well).
They are PNG files at the same places under the second folder. Files that are there already stay.
"""

import argparse
from pathlib import Path

import numpy as np

from srkit.data.pairs import bicubic
from srkit.images import Image, image_files, read_bands, write_image


def main() -> None:
    """Shrink what is not shrunk yet."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("--factor", type=float, default=0.5)
    arguments = parser.parse_args()
    if not 0 < arguments.factor < 1:
        parser.error(f"--factor must be between 0 and 1, got {arguments.factor}")
    paths = image_files(arguments.source, recursive=True)
    for path in paths:
        place = (arguments.target / path.relative_to(arguments.source)).with_suffix(".png")
        if place.exists():
            continue
        samples = read_bands(path)
        # Whole pixels, so that none is made of less of the image than the others.
        step = round(1 / arguments.factor)
        height, width = (side // step * step for side in samples.shape[:2])
        whole = np.ascontiguousarray(samples[:height, :width])
        place.parent.mkdir(parents=True, exist_ok=True)
        write_image(place, Image(colour=bicubic(whole, arguments.factor)))
    print(f"{arguments.target}: {len(paths)} images")


if __name__ == "__main__":
    main()
