"""Turn the checkpoint of a finished run into a released one: scored, described, under its name.

    python scripts/release.py experiments/NAME/models/NAME.safetensors --data-root DIR \
        --summary "..." --data "..."

Measures PSNR, SSIM and LPIPS on Set5 and Set14 (for an autoencoder its reconstruction, and how
close its approximation is to bicubic), writes them into the card with the licence, saves
`checkpoints/NAME.safetensors` and writes `checkpoints/README.md` anew from all released cards.
"""

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from srkit import checkpoint
from srkit.data.pairs import bicubic, prepare
from srkit.evaluation.benchmarks import find_dataset
from srkit.evaluation.evaluate import score
from srkit.evaluation.perceptual import Perceptual
from srkit.images import to_tensor
from srkit.models.lpae import LPAE

CHECKPOINTS = Path(__file__).resolve().parent.parent / "checkpoints"

HEAD = """# Released models

One `.safetensors` file is one model: weights, configuration and this card inside its header, with
a sha256 over all of it that `srkit.load` verifies. Scores are of the averaged (EMA) weights, no
ensemble, measured by `scripts/release.py`: protocol `sr-y` is PSNR and SSIM on BT.601 luma, border
of `scale` pixels cropped, LR images by MATLAB's bicubic; `sr-rgb` the same on RGB. This page is
written by that script.

"""
TAIL = """
## lpips-alexnet

Not a model of srkit's: the feature layers of AlexNet that the LPIPS metric stands on, ImageNet-1k
weights as torchvision publishes them (BSD-3-Clause, see lpips-alexnet.LICENSE), 2,469,696
parameters, here so that LPIPS works without a download. sha256 of the file
`17dd9fc859d401644ad852f80bde099567a73341c86f627d4cce882f23291f4d`,
pinned in `srkit/evaluation/perceptual.py`.
"""


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
    target = CHECKPOINTS / f"{card.name}.safetensors"
    sha256 = checkpoint.save(target, model, card)
    print(f"{target}  sha256 of contents {sha256}")
    readme = CHECKPOINTS / "README.md"
    readme.write_text(describe(), encoding="utf-8")


def describe() -> str:
    """Write what the cards of all released models say, as Markdown."""
    sections = []
    for name, path in released().items():
        loaded = checkpoint.load(path)
        card = loaded.card
        parameters = sum(weight.numel() for weight in loaded.module.parameters())
        rows = "\n".join(_row(score) for score in card.scores)
        sections.append(
            f"## {name}\n\n{card.summary}\n\n"
            f"| set | protocol | PSNR, dB | SSIM | LPIPS (AlexNet v0.1) |\n"
            f"|---|---|---|---|---|\n{rows}\n\n"
            f"{parameters:,} parameters, {path.stat().st_size:,} bytes. Trained on {card.data}, "
            f"{card.steps:,} steps, {card.hours:.2f} hours on two shared CPU cores, by\n\n"
            f"    {card.command}\n\n"
            f"sha256 of contents `{loaded.sha256}`; licence {card.licence}.\n"
        )
    return HEAD + "\n".join(sections) + TAIL


def released() -> dict[str, Path]:
    """Give the released models of this checkout, whichever srkit is installed."""
    paths = sorted(CHECKPOINTS.glob("*.safetensors"))
    return {path.stem: path for path in paths if path.stem != "lpips-alexnet"}


def _row(score: dict[str, Any]) -> str:
    return (
        f"| {score['set']} | {score['protocol']}, x{score['scale']} | {score['psnr']:.2f} "
        f"| {score['ssim']:.4f} | {score['lpips']:.4f} |"
    ) + (
        f"\n| | approximation against MATLAB's bicubic halving, RGB "
        f"| {score['approximation_psnr']:.2f} | | |"
        if "approximation_psnr" in score
        else ""
    )


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
