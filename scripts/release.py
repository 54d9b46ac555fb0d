"""Turn the checkpoint of a finished run into a released one: scored, described, under its name.

    python scripts/release.py experiments/NAME/models/NAME.safetensors --data-root DIR \
        --summary "..." --data "..."

Measures PSNR, SSIM and LPIPS on Set5 and Set14 (for an autoencoder its reconstruction, and how
close its approximation is to bicubic), writes them into the card with the licence, and saves
`checkpoints/NAME.safetensors`.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np

from srkit import checkpoint
from srkit.evaluation.benchmarks import find_dataset
from srkit.evaluation.evaluate import score
from srkit.evaluation.pairs import bicubic, prepare
from srkit.evaluation.perceptual import Perceptual
from srkit.images import to_tensor
from srkit.models.lpae import LPAE


def main() -> None:
    """Score, describe and save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("trained", type=Path)
    parser.add_argument("--data-root", type=Path, required=True)
    parser.add_argument("--summary", required=True)
    parser.add_argument("--data", required=True, help="what it was trained on, in words")
    arguments = parser.parse_args()

    loaded = checkpoint.load(arguments.trained)
    model = loaded.module
    protocol = "sr-rgb" if model.scale == 1 else "sr-y"
    perceptual = Perceptual()
    scores = []
    for name in ("Set5", "Set14"):
        pairs = prepare(find_dataset(name, arguments.data_root).folder, model.scale)
        result = score(model, pairs, protocol, perceptual=perceptual)
        entry = {
            "set": name,
            "protocol": protocol,
            "scale": model.scale,
            "psnr": round(result.psnr, 3),
            "ssim": round(result.ssim, 4),
            "lpips": None if result.lpips is None else round(result.lpips, 4),
        }
        if isinstance(model, LPAE):
            entry["approximation_psnr"] = round(_approximation_psnr(model, pairs), 2)
        scores.append(entry)
        print(entry)
    card = replace(
        loaded.card,
        summary=arguments.summary,
        data=arguments.data,
        licence="Apache-2.0",
        scores=scores,
    )
    target = checkpoint.checkpoints_folder() / f"{card.name}.safetensors"
    sha256 = checkpoint.save(target, model, card)
    print(f"{target}  sha256 of contents {sha256}")


def _approximation_psnr(model: LPAE, pairs: list) -> float:  # type: ignore[type-arg]
    """PSNR, RGB, of the approximation against MATLAB's bicubic at half the size, mean of images."""
    found = []
    for pair in pairs:
        height, width = (side // 2 * 2 for side in pair.hr.shape[:2])
        image = pair.hr[:height, :width]
        approximation, _ = model.decompose(to_tensor(image))
        ours = approximation[0].permute(1, 2, 0).clamp(0, 1).numpy() * 255.0
        error = np.mean((ours - bicubic(image, 0.5)) ** 2)
        found.append(10 * np.log10(255**2 / error))
    return float(np.mean(found))


if __name__ == "__main__":
    main()
