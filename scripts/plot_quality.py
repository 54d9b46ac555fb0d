"""Plot quality against time: the released models, bicubic and Lanczos, in one run.

    python scripts/plot_quality.py --data-root DIR [-o docs/images/quality-time.png]

PSNR on Set14 under `sr-y`. Times are milliseconds for a result of one megapixel, medians over turns
in which every contender has one, so that what else the machine does meets all alike; bicubic and
Lanczos are OpenCV's (its bicubic is timed; the PSNR is of MATLAB's, which is better). Prints the
table it draws, as Markdown.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import cv2
import matplotlib as mpl
import torch

from srkit import checkpoint
from srkit.data.pairs import prepare
from srkit.evaluation.benchmarks import find_dataset
from srkit.evaluation.evaluate import score
from srkit.inference.upscaler import upscale_tensor
from srkit.models.model import Model

mpl.use("Agg")
import matplotlib.pyplot as plt

SIDE = 1000  # pixels of the result
TURNS = 9
SCALES = (2, 4)


def main() -> None:
    """Measure, print, draw."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data-root", type=Path, required=True)
    parser.add_argument("-o", "--output", type=Path, default=Path("docs/images/quality-time.png"))
    arguments = parser.parse_args()
    networks = {
        name: loaded.module
        for name in checkpoint.released()
        if (loaded := checkpoint.load(name)).module.scale > 1
    }
    figure, axes = plt.subplots(1, len(SCALES), figsize=(10, 4), layout="constrained")
    print("| model | ms a megapixel | Set14, PSNR (`sr-y`) |\n|---|---|---|")
    for axis, scale in zip(axes, SCALES, strict=True):
        own = {name: model for name, model in networks.items() if model.scale == scale}
        pairs = prepare(find_dataset("Set14", arguments.data_root).folder, scale)
        psnr = {name: score(name, pairs).psnr for name in ("bicubic", "lanczos")}
        psnr |= {name: score(model, pairs).psnr for name, model in own.items()}
        times = measure_times(own, scale)
        by_time = sorted(times.items(), key=lambda one: one[1])
        for index, (name, milliseconds) in enumerate(by_time):
            above = index % 2 == 0  # in turns, so that neighbours' names do not meet
            print(f"| {name}, x{scale} | {milliseconds:.0f} | {psnr[name]:.2f} |")
            axis.plot(milliseconds, psnr[name], "o" if name in own else "s")
            axis.annotate(
                name,
                (milliseconds, psnr[name]),
                xytext=(7, 4 if above else -12),
                textcoords="offset points",
            )
        axis.set_xscale("log")
        axis.set_xlim(right=12 * max(times.values()))
        axis.margins(y=0.1)
        axis.set_title(f"x{scale}")
        axis.set_xlabel("milliseconds a megapixel of result, two CPU cores")
        axis.grid(alpha=0.3)
    axes[0].set_ylabel("PSNR on Set14, dB (sr-y)")
    figure.savefig(arguments.output, dpi=110)


def measure_times(networks: dict[str, Model], scale: int) -> dict[str, float]:
    """Time everybody in turns; give the medians in milliseconds a megapixel."""
    side = SIDE // scale
    image = torch.rand(1, 3, side, side)
    levels = (image[0] * 255).byte().permute(1, 2, 0).numpy().copy()
    size = (side * scale, side * scale)
    contenders: dict[str, Callable[[], object]] = {
        "bicubic": lambda: cv2.resize(levels, size, interpolation=cv2.INTER_CUBIC),
        "lanczos": lambda: cv2.resize(levels, size, interpolation=cv2.INTER_LANCZOS4),
    }
    for name, model in networks.items():
        contenders[name] = partial(upscale_tensor, model, image)
    found: dict[str, list[float]] = {name: [] for name in contenders}
    with torch.inference_mode():
        for _ in range(TURNS):
            for name, run in contenders.items():
                start = time.perf_counter()
                run()
                found[name].append(time.perf_counter() - start)
    megapixels = size[0] * size[1] / 1e6
    return {name: 1e3 * statistics.median(times) / megapixels for name, times in found.items()}


if __name__ == "__main__":
    main()
