"""Train candidates for lapwave for the same time each, and compare them.

    python scripts/compare_at_equal_time.py --dataset DIR --data-root DIR [--steps 1500]
    python scripts/compare_at_equal_time.py --times | --table

The reference is a chain of 10 convolutions of 32 features with kernels as products and a wavelet
head, x4, trained for `--steps` steps; every candidate differs from it in one respect, and in width
or depth where that keeps the multiply-adds, and is given as many steps as take the same time. How
long its steps take is measured in turns with those of the reference, as time of the processor, so
that whatever else the machine does meets both alike. All have the same data, seed and cosine from
the first to their last step.

Results go into docs/equal-time.json, a row as soon as it is known; candidates that have one are
left out, and one that was interrupted goes on where its last state stands. `--table` prints them
as docs/design-notes.md shows them, the time of inference as a ratio to the reference's; `--times`
measures those again, best on a machine that does nothing else.
"""

import argparse
import json
import os
import re
import statistics
import time
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor, nn

from srkit.files import write_atomically
from srkit.layers.blocks import BLOCKS
from srkit.layers.blocks.convolution import ConvolutionBlock
from srkit.layers.entrances import ENTRANCES
from srkit.layers.entrances.haar import HaarEntrance
from srkit.models import build_model
from srkit.models.cost import multiply_adds
from srkit.models.folding import folded
from srkit.models.model import Model
from srkit.training.config import TrainingConfig
from srkit.training.config_file import read_config
from srkit.training.engine import engine
from srkit.training.learner import Learner
from srkit.training.log import read_rows
from srkit.training.loop import train
from srkit.training.schedule import learning_rate
from srkit.training.tasks import create_task

RESULTS = Path(__file__).resolve().parent.parent / "docs" / "equal-time.json"
SETS = ("Set5", "Set14")
TURNS = 15
TURN = 4  # steps
SIDE = 250  # LR pixels: a megapixel of result

REFERENCE: dict[str, Any] = {
    "network_g.type": "sr_network",
    "network_g.scale": 4,
    "network_g.entrance": "plain",
    "network_g.block": "convolution",
    "network_g.features": 32,
    "network_g.blocks": 10,
    "network_g.head": "wavelet",
    "network_g.expansion": 128,
    "datasets.train.gt_size": 128,
    "datasets.train.batch_size_per_gpu": 8,
    "train.optim_g.type": "AdamW",
    "train.optim_g.lr": 2e-3,
}


class TwoPaths(HaarEntrance):
    """A thin path at full size beside a wide body at half size, joined by addition.

    Only here: it was not worth a place among srkit's entrances.
    """

    def __init__(self, image_channels: int, features: int) -> None:
        super().__init__(image_channels, features)
        self.receptive_field = 1 + 8
        thin = self.exit_features
        self.thin = nn.Sequential(
            nn.Conv2d(image_channels, thin, 3, padding=1),
            *(
                nn.Sequential(nn.Conv2d(thin, thin, 3, padding=1), nn.LeakyReLU(0.1))
                for _ in range(8)
            ),
        )

    def forward(self, x_BKHW: Tensor) -> Tensor:
        self.beside = self.thin(x_BKHW)
        return super().forward(x_BKHW)

    def leave(self, features_BChw: Tensor, size: tuple[int, int]) -> Tensor:
        """Bring the body's features back to the image's size and add the thin path's."""
        return super().leave(features_BChw, size) + self.beside


def _activated_by(activation: type[nn.Module]) -> type[ConvolutionBlock]:
    class Block(ConvolutionBlock):
        def __init__(self, features: int, attention: str, *, window: int | None = None) -> None:
            super().__init__(features, attention, window=window)
            self.activate = activation()  # type: ignore[assignment]

    return Block


def register() -> None:
    """Make known, in this process, what only candidates are built of."""
    ENTRANCES["two_paths"] = TwoPaths
    for activation in (nn.ReLU, nn.PReLU, nn.GELU):
        BLOCKS[f"convolution_{activation.__name__.lower()}"] = _activated_by(activation)


_HALF = {"network_g.features": 64}
CANDIDATES: dict[str, tuple[str, dict[str, Any]]] = {
    "32 features, 10 convolutions": ("", {}),
    "Haar: 64 features at half size": ("entrance", {**_HALF, "network_g.entrance": "haar"}),
    "Haar, and a thin path at full size": (
        "entrance",
        {**_HALF, "network_g.entrance": "two_paths", "network_g.blocks": 8},
    ),
    "48 features, 4 convolutions": (
        "width and depth",
        {"network_g.features": 48, "network_g.blocks": 4},
    ),
    "24 features, 18 convolutions": (
        "width and depth",
        {"network_g.features": 24, "network_g.blocks": 18},
    ),
    "plain kernels": ("kernels", {"network_g.expansion": 0}),
    "plain kernels, residual pairs": (
        "kernels",
        {"network_g.expansion": 0, "network_g.block": "residual", "network_g.blocks": 5},
    ),
    "ReLU": ("activation", {"network_g.block": "convolution_relu"}),
    "PReLU": ("activation", {"network_g.block": "convolution_prelu"}),
    "GELU": ("activation", {"network_g.block": "convolution_gelu"}),
    "Haar gate after every fifth": (
        "attention",
        {"network_g.attention": "haar_gate", "network_g.attention_every": 5},
    ),
    "ECA after every fifth, windows of 15": (
        "attention",
        {
            "network_g.attention": "eca",
            "network_g.attention_every": 5,
            "network_g.attention_window": 15,
        },
    ),
    "pixel shuffle": ("head", {"network_g.head": "pixel_shuffle"}),
    "Laplacian, 7 convolutions": (
        "head",
        {"network_g.head": "laplacian", "network_g.blocks": 7},
    ),
    "Muon": ("optimiser", {"train.optim_g.type": "Muon"}),
    "rate 1e-3": ("learning rate", {"train.optim_g.lr": 1e-3}),
    "rate 4e-3": ("learning rate", {"train.optim_g.lr": 4e-3}),
    "4 patches": ("patch and batch", {"datasets.train.batch_size_per_gpu": 4}),
    "16 patches": ("patch and batch", {"datasets.train.batch_size_per_gpu": 16}),
    "8 patches of 48x48": ("patch and batch", {"datasets.train.gt_size": 192}),
    "L2": ("loss", {"train.losses": {"l2": 1.0}}),
    "L1 and 0.1 of the frequency term": ("loss", {"train.losses": {"l1": 1.0, "frequency": 0.1}}),
}
"""What is compared: by name, the respect it differs in and the keys that make it so."""


def nested(flat: dict[str, Any]) -> dict[str, Any]:
    """Turn keys with dots into sections."""
    found: dict[str, Any] = {}
    for key, value in flat.items():
        *sections, last = key.split(".")
        place = found
        for section in sections:
            place = place.setdefault(section, {})
        place[last] = value
    return found


def run_name(name: str) -> str:
    """Turn a candidate's name into its run's: the letters and digits of it."""
    return "-".join(re.findall(r"\w+", name))


def config_of(name: str, steps: int, arguments: argparse.Namespace) -> TrainingConfig:
    """Give the run of a candidate."""
    flat = {
        "name": run_name(name),
        "datasets.data_root": str(arguments.data_root),
        "datasets.train.dataroot_gt": [str(arguments.dataset)],
        "datasets.train.cache": "disk",  # decoded once for all
        "datasets.val": [{"dataroot_gt": one} for one in SETS],
        "train.precision": "bfloat16",
        "train.total_iter": steps,
        "val.val_freq": steps,
    }
    return TrainingConfig.model_validate(nested(flat | REFERENCE | CANDIDATES[name][1]))


def steps_for(name: str, arguments: argparse.Namespace) -> int:
    """Measure how many steps a candidate takes in the time of the reference's."""
    reference = next(iter(CANDIDATES))
    if name == reference:
        return int(arguments.steps)
    configs = [config_of(one, arguments.steps, arguments) for one in (reference, name)]
    with engine("cpu", configs[0].train.precision) as accelerator:
        runs = [Steps(config, accelerator) for config in configs]
        seconds = [[one.seconds() for one in runs] for _ in range(TURNS)]
    ours, theirs = (statistics.median(times) for times in zip(*seconds, strict=True))
    return round(arguments.steps * ours / theirs)


class Steps:
    """Steps of a run, on noise instead of images, to see how long they take."""

    def __init__(self, config: TrainingConfig, accelerator: Accelerator) -> None:
        torch.manual_seed(config.manual_seed)
        task = create_task(config, accelerator)
        self.learner = Learner(task.network, config.train, accelerator)
        self.source = task.noise()
        self.recipe = config.train
        self.step = 0
        self.seconds()  # the first steps take longer

    def seconds(self) -> float:
        """Take a few more steps; give the processor's time for one."""
        start = time.process_time()
        for _ in range(TURN):
            batch = self.source.draw(self.step, 0, self.source.batch_size(self.step))
            self.learner.differentiate([batch])
            self.learner.update(self.step, learning_rate(self.step, self.recipe))
            self.step += 1
        return (time.process_time() - start) / TURN


def inference_time(settings: dict[str, Any]) -> float:
    """Time a candidate and the reference, folded, in turns; give the ratio of the medians."""
    models = [_built(nested(REFERENCE)["network_g"]), _built(settings)]
    image = torch.rand(1, 3, SIDE, SIDE).contiguous(memory_format=torch.channels_last)
    times: tuple[list[float], list[float]] = ([], [])
    with torch.inference_mode():
        for _ in range(TURNS):
            for model, own in zip(models, times, strict=True):
                start = time.perf_counter()
                model(image)
                own.append(time.perf_counter() - start)
    return statistics.median(times[1]) / statistics.median(times[0])


def _built(settings: dict[str, Any]) -> Model:
    rest = dict(settings)
    return folded(build_model(rest.pop("type"), rest)).eval()


def run(name: str, arguments: argparse.Namespace) -> dict[str, Any]:
    """Train a candidate and give its row."""
    folder = arguments.experiments / run_name(name)
    settings = nested(REFERENCE | CANDIDATES[name][1])["network_g"]
    resume = (folder / "config.yml").exists()
    if resume:
        steps = read_config(folder / "config.yml")["train"]["total_iter"]
    else:
        steps = steps_for(name, arguments)
    outcome = train(
        config_of(name, steps, arguments),
        folder,
        resume=resume,
    )
    if outcome.signal is not None:
        raise KeyboardInterrupt
    scores = {row["set"]: row for row in read_rows(folder / "log") if "set" in row}
    return {
        "name": name,
        "respect": CANDIDATES[name][0],
        "steps": steps,
        "multiply_adds": round(multiply_adds(_built(settings))),
        "psnr": {one: scores[one]["psnr"] for one in SETS},
        "time": round(inference_time(settings), 2),
    }


def table(rows: list[dict[str, Any]]) -> str:
    """Give the rows as Markdown, respect by respect, the best first after the reference."""
    order = [row for row in rows if not row["respect"]]
    for respect in dict.fromkeys(respect for respect, _ in CANDIDATES.values() if respect):
        own = [row for row in rows if row["respect"] == respect]
        order += sorted(own, key=lambda row: -row["psnr"]["Set14"])
    lines = [
        "| | candidate | multiply-adds | steps | time of inference | Set5 | Set14 |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {row['respect']} | {row['name']} | {row['multiply_adds'] / 1e3:.0f} K "
        f"| {row['steps']:,} | {row['time']:.2f} "
        f"| {row['psnr']['Set5']:.2f} | {row['psnr']['Set14']:.2f} |"
        for row in order
    ]
    return "\n".join(lines)


def keep(rows: list[dict[str, Any]]) -> None:
    """Write all rows at once."""
    text = json.dumps(rows, indent=1) + "\n"
    write_atomically(RESULTS, lambda file: file.write(text.encode()))


def main() -> None:
    """Train what is missing, or print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--dataset", type=Path, help="folder of HR images")
    parser.add_argument("--data-root", type=Path, help="folder that Set5 and Set14 are in")
    parser.add_argument("--steps", type=int, default=1500, help="of the reference")
    parser.add_argument("--only", nargs="*", choices=CANDIDATES, help="names of candidates")
    parser.add_argument("--experiments", type=Path, default=Path("experiments/equal-time"))
    parser.add_argument("--table", action="store_true", help="only print the table")
    parser.add_argument("--times", action="store_true", help="measure times of inference again")
    arguments = parser.parse_args()
    register()
    rows: list[dict[str, Any]] = json.loads(RESULTS.read_text()) if RESULTS.exists() else []
    if arguments.times:
        for row in rows:
            settings = nested(REFERENCE | CANDIDATES[row["name"]][1])["network_g"]
            row["time"] = round(inference_time(settings), 2)
        keep(rows)
    if arguments.table or arguments.times:
        print(table(rows))
        return
    if not (arguments.dataset and arguments.data_root):
        parser.error("--dataset and --data-root are needed, or --table")
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    done = {row["name"] for row in rows}
    for name in CANDIDATES:
        if name in done or not (arguments.only is None or name in arguments.only):
            continue
        rows.append(run(name, arguments))
        keep(rows)
        print(table(rows[-1:]).splitlines()[-1], flush=True)


if __name__ == "__main__":
    main()
