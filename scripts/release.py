"""Turn the checkpoint of a finished run into a released one: scored, described, under its name.

    python scripts/release.py experiments/NAME/models/NAME.safetensors --data-root DIR \
        --summary "..." --data "..."
    python scripts/release.py experiments/NAME-2/models/NAME-2.safetensors --name NAME \
        --after experiments/NAME/models/NAME.safetensors \
        --command "srkit train --config scripts/recipes/NAME.yml" \
        --command "srkit train --config scripts/recipes/NAME-2.yml" ...

Measures PSNR, SSIM and LPIPS on Set5, Set14 and photographs that scikit-image ships (for an
autoencoder its reconstruction, and how close its approximation is to bicubic), and what the model
costs, in turns with OpenCV's bicubic; writes them into the card with the licence, saves
`checkpoints/NAME.safetensors` and writes `checkpoints/README.md` anew from all released cards.

    python scripts/release.py --describe
    python scripts/release.py --scores --data-root DIR
    python scripts/release.py --costs

only writes that page; measures all released models again, their scores, or what they cost (best on
a machine that does nothing else meanwhile).
"""

import argparse
import statistics
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from skimage import data

from srkit import checkpoint
from srkit.data.pairs import Pair, bicubic, prepare
from srkit.evaluation.benchmarks import find_dataset
from srkit.evaluation.evaluate import score
from srkit.evaluation.perceptual import Perceptual
from srkit.images import to_tensor
from srkit.inference.upscaler import upscale_tensor
from srkit.models.cost import multiply_adds, parameters
from srkit.models.lpae import LPAE
from srkit.models.model import Model
from srkit.transforms.resize import imresize_uint8

PHOTOGRAPHS = ("astronaut", "chelsea", "coffee")
TURNS = 7
PSNR_DIGITS = 5  # of what is shown with two: rounded twice, 31.41501 would be 31.41
SIDE = 1000  # pixels of the result that is timed
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
    parser.add_argument("trained", type=Path, nargs="?")
    parser.add_argument("--data-root", type=Path)
    parser.add_argument("--summary")
    parser.add_argument("--data", help="what it was trained on, in words [default: the run's]")
    parser.add_argument(
        "--command",
        action="append",
        default=[],
        help="what makes it, line after line, with paths of the project [default: the run's]",
    )
    parser.add_argument("--name", help="what it is released as [default: the run's]")
    parser.add_argument(
        "--after",
        type=Path,
        action="append",
        default=[],
        help="a run that this one started from, whose steps and hours are told with it",
    )
    parser.add_argument("--describe", action="store_true", help="only write checkpoints/README.md")
    parser.add_argument("--costs", action="store_true", help="only measure the costs again")
    parser.add_argument("--scores", action="store_true", help="only measure the scores again")
    arguments = parser.parse_args()
    if arguments.scores and not arguments.data_root:
        parser.error("--scores needs --data-root")
    again = arguments.costs or arguments.scores
    for path in released().values() if again else ():
        loaded = checkpoint.load(path)
        card = loaded.card
        if arguments.costs:
            card = replace(card, cost=cost(loaded.module))
        if arguments.scores:
            card = replace(card, scores=scores(loaded.module, arguments.data_root))
        print(card.name, card.cost)
        checkpoint.save(path, loaded.module, card)
    if arguments.describe or again:
        (CHECKPOINTS / "README.md").write_text(describe(), encoding="utf-8")
        return
    if not (arguments.trained and arguments.data_root and arguments.summary):
        parser.error("a checkpoint, --data-root and --summary are needed, or --describe")

    loaded = checkpoint.load(arguments.trained)
    model = loaded.module
    earlier = [checkpoint.load(path).card for path in arguments.after]
    card = replace(
        loaded.card,
        name=arguments.name or loaded.card.name,
        steps=sum(card.steps for card in (*earlier, loaded.card)),
        hours=round(sum(card.hours for card in (*earlier, loaded.card)), 3),
        summary=arguments.summary,
        data=arguments.data or loaded.card.data,
        command=" && ".join(arguments.command) or loaded.card.command,
        cost=cost(model),
        licence="Apache-2.0",
        scores=scores(model, arguments.data_root),
    )
    target = CHECKPOINTS / f"{card.name}.safetensors"
    sha256 = checkpoint.save(target, model, card)
    print(f"{target}  sha256 of contents {sha256}")
    readme = CHECKPOINTS / "README.md"
    readme.write_text(describe(), encoding="utf-8")


def scores(model: Model, data_root: Path) -> list[dict[str, Any]]:
    """Score a model on all three sets."""
    protocol = "sr-rgb" if model.scale == 1 else "sr-y"
    perceptual = Perceptual()
    found = []
    sets = {
        name: prepare(find_dataset(name, data_root).folder, model.scale)
        for name in ("Set5", "Set14")
    }
    sets["scikit-image"] = photographs(model.scale)
    for name, pairs in sets.items():
        result = score(model, pairs, protocol, perceptual=perceptual)
        entry = {
            "set": name,
            "protocol": protocol,
            "scale": model.scale,
            "psnr": round(result.psnr, PSNR_DIGITS),
            "ssim": round(result.ssim, 4),
            "lpips": None if result.lpips is None else round(result.lpips, 4),
        }
        if isinstance(model, LPAE):
            entry["approximation_psnr"] = round(_approximation_psnr(model, pairs), 2)
        found.append(entry)
        print(entry)
    return found


def photographs(scale: int) -> list[Pair]:
    """Pair photographs that come with scikit-image with their MATLAB-bicubic LR images."""
    pairs = []
    for name in PHOTOGRAPHS:
        image = getattr(data, name)()
        height, width = (side // scale * scale for side in image.shape[:2])
        hr = np.ascontiguousarray(image[:height, :width])
        pairs.append(Pair(name=name, lr=imresize_uint8(hr, 1 / scale), hr=hr, scale=scale))
    return pairs


def cost(model: Model) -> dict[str, float]:
    """Count parameters and multiply-adds, and time the model in turns with OpenCV's bicubic."""
    side = SIDE // model.scale
    image = torch.rand(1, model.image_channels, side, side)
    levels = (image[0] * 255).byte().permute(1, 2, 0).numpy().copy()
    size = (side * model.scale, side * model.scale)
    ours, theirs = [], []
    for _ in range(TURNS):
        start = time.perf_counter()
        with torch.inference_mode():
            upscale_tensor(model, image)
        middle = time.perf_counter()
        cv2.resize(levels, size, interpolation=cv2.INTER_CUBIC)
        ours.append(middle - start)
        theirs.append(time.perf_counter() - middle)
    per_megapixel = 1e3 / (size[0] * size[1] / 1e6)
    return {
        "parameters": parameters(model),
        "multiply_adds": round(multiply_adds(model)),
        "milliseconds": round(statistics.median(ours) * per_megapixel, 1),
        "bicubic_milliseconds": round(statistics.median(theirs) * per_megapixel, 1),
    }


def describe() -> str:
    """Write what the cards of all released models say, as Markdown."""
    sections = []
    for name, path in released().items():
        loaded = checkpoint.load(path)
        card = loaded.card
        rows = "\n".join(_row(score) for score in card.scores)
        command = card.command.replace(" && ", " &&\n    ")
        sections.append(
            f"## {name}\n\n{card.summary}\n\n"
            f"| set | protocol | PSNR, dB | SSIM | LPIPS (AlexNet v0.1) |\n"
            f"|---|---|---|---|---|\n{rows}\n\n"
            f"{parameters(loaded.module):,} parameters, {_cost(card.cost)}"
            f"{path.stat().st_size:,} bytes. Trained on {card.data}, "
            f"{card.steps:,} steps, {card.hours:.2f} hours on two shared CPU cores, by\n\n"
            f"    {command}\n\n"
            f"sha256 of contents `{loaded.sha256}`; licence {card.licence}.\n"
        )
    return HEAD + "\n".join(sections) + TAIL


def _cost(cost: dict[str, float]) -> str:
    if not cost:
        return ""
    return (
        f"{cost['multiply_adds']:,.0f} multiply-adds for each LR pixel, "
        f"{cost['milliseconds']:.0f} ms an output megapixel on two CPU cores "
        f"(OpenCV's bicubic in the same minute: {cost['bicubic_milliseconds']:.1f} ms), "
    )


def released() -> dict[str, Path]:
    """Give the released models of this checkout, whichever srkit is installed."""
    paths = sorted(CHECKPOINTS.glob("*.safetensors"))
    return {path.stem: path for path in paths if path.stem != "lpips-alexnet"}


def _row(score: dict[str, Any]) -> str:
    return (
        f"| {score['set']} | {score['protocol']}, x{score['scale']} | {score['psnr']:.2f} "
        f"| {score['ssim']:.4f} | {score['lpips']:.4f} |"
    ) + (
        f"\n| | first approximation against MATLAB's bicubic halving, RGB "
        f"| {score['approximation_psnr']:.2f} | | |"
        if "approximation_psnr" in score
        else ""
    )


def _approximation_psnr(model: LPAE, pairs: list[Pair]) -> float:
    """PSNR, RGB, of the approximation against MATLAB's bicubic at half the size, mean of images."""
    found = []
    for pair in pairs:
        height, width = (side // 2 * 2 for side in pair.hr.shape[:2])
        image = pair.hr[:height, :width]
        approximation, _ = model.encode(to_tensor(image))
        ours = approximation[0].permute(1, 2, 0).clamp(0, 1).numpy() * 255.0
        error = np.mean((ours - bicubic(image, 0.5)) ** 2)
        found.append(10 * np.log10(255**2 / error))
    return float(np.mean(found))


if __name__ == "__main__":
    main()
