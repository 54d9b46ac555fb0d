"""Train one small network for every entry of every slot, under one budget, and compare them.

    python scripts/ablate.py --dataset DIR --data-root DIR [--max-time 2h]

The reference is a three-slot network: plain entrance, four residual blocks of 32 features, no
attention, pixel-shuffle head, x4. Every other network differs from it in one slot, and in its
width, which is chosen so that its multiply-adds for each LR pixel are as close as possible to the
reference's. Networks that are no combination of slots are made as thin in the same way, and trained
by the losses of their own papers. All see the same patches: same data, seed, optimiser and number
of steps. Entries that pool the whole image are trained in the papers' form.

Results go into docs/ablation.json, a row as soon as it is known; entries that have one are left
out, and an entry that was interrupted goes on where its last state stands, so the script may be
stopped at any time. With every call docs/ablation.md and docs/images/ablation.png are made anew.
PSNR and SSIM are `sr-y`. Time is for a megapixel of result on this machine, as a ratio to the
reference timed in the same minute; memory is what a process grows by while it enlarges a picture of
250 x 250 pixels without tiles (needs Linux). Both suffer when the machine has other work:
`--costs` measures those of all rows again.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from srkit.errors import SrkitError
from srkit.files import write_atomically
from srkit.images import image_files
from srkit.layers.attention import ATTENTION
from srkit.layers.blocks import BLOCKS
from srkit.layers.entrances import ENTRANCES
from srkit.layers.heads import HEADS
from srkit.layers.stages import STAGES
from srkit.models import MODELS, PRESETS, build_model
from srkit.models.cost import multiply_adds, parameters
from srkit.models.holding_lpae import HoldsLPAE
from srkit.models.model import Model
from srkit.training.config import TrainingConfig
from srkit.training.log import read_rows
from srkit.training.loop import train
from srkit.training.pace import parse_duration

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
RESULTS = DOCS / "ablation.json"
REFERENCE: dict[str, Any] = {
    "type": "sr_network",
    "scale": 4,
    "features": 32,
    "blocks": 4,
    "entrance": "plain",
    "block": "residual",
    "stage": "plain",
    "attention": "none",
    "head": "pixel_shuffle",
}
SLOTS: dict[str, Mapping[str, object]] = {
    "attention": ATTENTION,
    "block": BLOCKS,
    "stage": STAGES,
    "entrance": ENTRANCES,
    "head": HEADS,
    "type": {name: model for name, (config, model) in MODELS.items() if hasattr(config, "scale")},
}
TITLES = {"type": "whole networks"}
SPREAD = ("residual", "se", "haar_gate", "ghost")
"""Entries that are trained with three seeds, so that readers see what is noise."""
SEEDS = 3
PATCH = 32  # LR pixels of a side in training; multiply-adds are counted for such an image
WIDTHS = range(8, 129, 8)
SIDE = 250  # LR pixels: a megapixel of result
TURNS = 5
ENOUGH = 20  # seconds: what takes so long need not be timed again
RANGE, CROWD = 1.5, 0.4  # dB below the best that the plot shows, and shows larger
FAST = 10  # and the times that it shows larger
PLACES = tuple((right, up) for up in (3, -9, 10, -17, 18, -25) for right in (5, -5, 30, -30))
"""Where the name of a point may stand, in typographic points from it, the best first."""
SETS = ("Set5", "Set14")


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One network to train."""

    slot: str
    name: str
    seed: int

    @property
    def key(self) -> str:
        """Name it, for folders and rows."""
        return f"{self.slot}-{self.name}-{self.seed}"


def entries() -> Iterator[Entry]:
    """List what is compared: the reference first, then what differs from it in one setting."""
    yield Entry(slot="block", name="residual", seed=0)
    for slot, family in SLOTS.items():
        for name in family:
            if name != REFERENCE[slot]:
                yield Entry(slot=slot, name=name, seed=0)
    for seed in range(1, SEEDS):
        for slot, family in SLOTS.items():
            for name in SPREAD:
                if name in family:
                    yield Entry(slot=slot, name=name, seed=seed)


def settings_of(entry: Entry) -> dict[str, Any]:
    """Give the network's settings, at the width that meets the reference's multiply-adds.

    Raises: SrkitError when no width can be built.
    """
    wanted = multiply_adds(build(REFERENCE), side=PATCH)
    best: tuple[float, dict[str, Any]] | None = None
    refusal: SrkitError | None = None
    for features in WIDTHS:
        settings = settings_at(entry.slot, entry.name, features)
        try:
            distance = abs(multiply_adds(build(settings), side=PATCH) / wanted - 1)
        except SrkitError as error:
            refusal = error
            continue
        if best is None or distance < best[0]:
            best = distance, settings
    if best is None:
        assert refusal is not None
        raise refusal
    return best[1]


def settings_at(slot: str, name: str, features: int) -> dict[str, Any]:
    """Give the settings of a network of so many features that differs from the reference here."""
    others = {"type": name, "scale": REFERENCE["scale"]}
    return (others if slot == "type" else REFERENCE | {slot: name}) | {"features": features}


def preset(model: str) -> str:
    """Give the name that a training configuration has for a model and nothing but its defaults."""
    return next(name for name, (of, changes) in PRESETS.items() if of == model and not changes)


def build(settings: Mapping[str, Any]) -> Model:
    """Build a network from what its configuration says."""
    rest = dict(settings)
    return build_model(rest.pop("type"), rest)


def run(entry: Entry, arguments: argparse.Namespace, seconds: float) -> dict[str, Any] | None:
    """Train an entry; give its row, or None when the time ran out first."""
    settings = settings_of(entry)
    holds_lpae = isinstance(build(settings), HoldsLPAE)
    config = TrainingConfig.model_validate(
        {
            "name": entry.key,
            "manual_seed": entry.seed,
            "datasets": {
                "data_root": arguments.data_root and str(arguments.data_root),
                "train": {
                    "dataroot_gt": [str(arguments.dataset)],
                    "gt_size": PATCH * REFERENCE["scale"],
                    "batch_size_per_gpu": 8,
                    "cache": "disk",  # decoded once for all entries
                },
                "val": [{"dataroot_gt": name} for name in SETS],
            },
            "network_g": settings | {"type": preset(settings["type"])},
            "path": {"pretrain_network_g": "lpae" if holds_lpae else None},
            "train": {
                "total_iter": arguments.steps,
                "optim_g": {"type": "Muon", "lr": 2e-3},
                "precision": arguments.precision,
            },
            "val": {"val_freq": arguments.steps},
        }
    )
    folder = arguments.experiments / entry.key
    outcome = train(
        config,
        folder,
        max_seconds=seconds,
        resume=(folder / "config.yml").exists(),
    )
    if outcome.signal is not None:
        raise KeyboardInterrupt
    if outcome.checkpoint is None:
        return None
    scores = {row["set"]: row for row in read_rows(folder / "log") if "set" in row}
    return {
        "slot": entry.slot,
        "name": entry.name,
        "seed": entry.seed,
        "steps": arguments.steps,
        "precision": arguments.precision,
        "images": len(image_files(arguments.dataset, recursive=True)),
        "features": settings["features"],
        "psnr": {name: scores[name]["psnr"] for name in SETS},
        "ssim": {name: scores[name]["ssim"] for name in SETS},
        **costs(settings),
    }


def costs(settings: dict[str, Any]) -> dict[str, Any]:
    """Count and measure what a network takes."""
    model = build(settings).eval()
    return {
        "parameters": parameters(model),
        "multiply_adds": round(multiply_adds(model, side=PATCH)),
        "tiles": "exact" if model.receptive_field is not None else "approximate",
        "time": round(relative_time(model), 2),
        "memory": peak_memory(settings),
    }


def relative_time(model: Model) -> float:
    """Time a model and the reference in turns; give the ratio of the medians."""
    pair = (model, build(REFERENCE).eval())
    image = torch.rand(1, 3, SIDE, SIDE).contiguous(memory_format=torch.channels_last)
    times: tuple[list[float], list[float]] = ([], [])
    with torch.inference_mode():
        while len(times[0]) < TURNS and sum(times[0]) < ENOUGH:
            for one, own in zip(pair, times, strict=True):
                start = time.perf_counter()
                one(image)
                own.append(time.perf_counter() - start)
    return statistics.median(times[0]) / statistics.median(times[1])


def peak_memory(settings: dict[str, Any]) -> int:
    """Give the MiB that a fresh process grows by while it enlarges a picture."""
    words = [sys.executable, __file__, "--memory-of", json.dumps(settings)]
    return int(subprocess.run(words, capture_output=True, text=True, check=True).stdout)


def print_memory(settings: dict[str, Any]) -> None:
    """Enlarge one picture and print how much the process grew, in MiB."""
    model = build(settings).eval()
    with torch.inference_mode():
        model(torch.rand(1, 3, 8, 8))
        # What getrusage calls the peak is handed down from the process that started this one.
        Path("/proc/self/clear_refs").write_text("5")
        before = _resident_peak()
        model(torch.rand(1, 3, SIDE, SIDE))
    print((_resident_peak() - before) // 1024)


def _resident_peak() -> int:
    """Give the most KiB this process held since that was last cleared."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))


def write(path: Path, text: str) -> None:
    """Write a text file at once."""
    write_atomically(path, lambda file: file.write(text.encode()))


def page(rows: list[dict[str, Any]]) -> str:
    """Give docs/ablation.md: a table a slot, the best first."""
    reference = next((r for r in rows if _key(r) == ("block", "residual")), None)
    trained = rows[0] if rows else {"steps": 0, "images": 0, "precision": "float32"}
    parts = [HEAD.format(spread=_spread(rows), unequal=_unequal(rows), **trained)]
    for slot in SLOTS:
        own = [row for row in rows if row["slot"] == slot and row["seed"] == 0]
        if reference is not None and slot != "block":
            own.append(reference | {"name": REFERENCE[slot]})
        if not own:
            continue
        own.sort(key=lambda row: -row["psnr"]["Set14"])
        parts.append(
            f"\n## {TITLES.get(slot, slot)}\n\n{COLUMNS}\n"
            + "\n".join(_row(row) for row in own)
            + "\n"
        )
    there = {Entry(slot=row["slot"], name=row["name"], seed=row["seed"]) for row in rows}
    missing = [entry.key for entry in entries() if entry not in there]
    if missing:
        parts.append(f"\nNot trained yet: {', '.join(missing)}.\n")
    return "".join(parts)


HEAD = """# Every mechanism in one table

<!-- Written by scripts/ablate.py. -->

One small x4 network an entry, trained alike for {steps:,} steps of 8 patches of 32x32 LR pixels
out of {images} photographs, in {precision}: same data, patches, optimiser (Muon, learning rate
2e-3 falling along a cosine), EMA, L1. AdamW would leave these networks close to the best linear
filter (29.33 dB on Set5) for most of so short a run: with it the reference reached 29.46 dB at a
rate of 1e-3, 29.95 dB at 2e-3.

The reference has a plain entrance, four residual blocks of 32 features and a pixel-shuffle head;
every other network differs from it in one slot, and in its width, so that all cost about the same
multiply-adds for an LR pixel of a patch (attention over a whole larger image costs more). Whole
networks, which are no combination of slots, are made as thin, keep their published depth and are
trained by the losses of their own papers, those that decode with LPAE around the released one.
PSNR and SSIM are `sr-y`; time is a ratio to the reference, run in turns with it; memory is what
enlarging a 250x250 picture without tiles adds to a process.

**What it does not show.** A few minutes of training favour what learns fast; nothing is said about
long training, other tasks or wider networks, for which most of these mechanisms were made. One seed
an entry: {spread}
Gates that begin at one half (SE, ECA and most that pool) halve every block's change at first; in
networks as shallow and runs as short as these that costs more than a gate has time to give back.
The SRNet of LPAE's paper, all ReLU and without a skip from the LR image, dies at this rate: it
gives one gray; at a rate of 5e-4 it reaches 24.66 dB on Set5.
Widths are multiples of 8, so multiply-adds are equal only roughly{unequal}.
Times are those of plain PyTorch operations on a CPU, not of kernels tuned for a mechanism.

![PSNR on Set14 against time](images/ablation.png)
"""
COLUMNS = (
    "| entry | features | parameters | multiply-adds | tiles | Set5 PSNR / SSIM "
    "| Set14 PSNR / SSIM | time | memory, MiB |\n|---|---|---|---|---|---|---|---|---|"
)


def _key(row: dict[str, Any]) -> tuple[str, str]:
    return row["slot"], row["name"]


def _row(row: dict[str, Any]) -> str:
    scores = " | ".join(f"{row['psnr'][name]:.2f} / {row['ssim'][name]:.4f}" for name in SETS)
    return (
        f"| {row['name']} | {row['features']} | {row['parameters']:,} | {row['multiply_adds']:,} "
        f"| {row['tiles']} | {scores} | {row['time']:.2f} | {row['memory']} |"
    )


def _spread(rows: list[dict[str, Any]]) -> str:
    """Say how much three seeds of one entry differ."""
    found: dict[tuple[str, str], list[float]] = {}
    for row in rows:
        found.setdefault(_key(row), []).append(row["psnr"]["Set14"])
    spreads = [
        f"{name} {max(values) - min(values):.2f} dB"
        for (_, name), values in found.items()
        if len(values) >= SEEDS
    ]
    if not spreads:
        return "what another seed would change is not measured yet."
    return f"the largest difference on Set14 between {SEEDS} seeds was {', '.join(spreads)}."


def _unequal(rows: list[dict[str, Any]]) -> str:
    """Name the entries whose multiply-adds are far from the reference's."""
    reference = next((r["multiply_adds"] for r in rows if _key(r) == ("block", "residual")), None)
    if reference is None:
        return ""
    ratios = {row["name"]: row["multiply_adds"] / reference for row in rows}
    far = [f"{name} {ratio:.1f}" for name, ratio in ratios.items() if abs(ratio - 1) > 1 / 8]
    return f" (times the reference's: {', '.join(far)})" if far else ""


def plot(rows: list[dict[str, Any]], path: Path) -> None:
    """Draw PSNR against time, a colour a slot: all, and larger where most of them are."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    single = [row for row in rows if row["seed"] == 0]
    best = max(row["psnr"]["Set14"] for row in single)
    shown = [row for row in single if row["psnr"]["Set14"] > best - RANGE]
    crowd = [row for row in shown if row["psnr"]["Set14"] > best - CROWD and row["time"] < FAST]
    others = [row for row in shown if row not in crowd]
    figure, (near, whole) = plt.subplots(
        2, 1, figsize=(10, 12), height_ratios=(3, 2), layout="constrained"
    )
    for axis, drawn, named in ((near, crowd, crowd), (whole, shown, others)):
        for slot in SLOTS:
            own = [row for row in drawn if row["slot"] == slot]
            axis.plot(
                [row["time"] for row in own],
                [row["psnr"]["Set14"] for row in own],
                "o",
                label=TITLES.get(slot, slot),
            )
        axis.set_xscale("log")
        longest = max((row["time"] for row in drawn), default=1.0)
        ticks = [2**power for power in range(max(1, round(longest)).bit_length())]
        axis.set_xticks(ticks, list(map(str, ticks)))
        axis.minorticks_off()
        axis.margins(x=0.12)
        axis.set_ylabel("PSNR on Set14, dB (sr-y)")
        axis.grid(alpha=0.3)
        _name_points(axis, named)
    near.legend()
    whole.set_xlabel("time of inference, as a ratio to the residual network's")
    below = [row for row in single if row not in shown]
    words = ", ".join(f"{row['name']} {row['psnr']['Set14']:.2f}" for row in below)
    if words:
        whole.text(0.99, 0.02, f"far below: {words}", ha="right", transform=whole.transAxes)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=100)


def _name_points(axis: Any, rows: list[dict[str, Any]]) -> None:
    """Write every name beside its point, where no other name is yet."""
    axis.figure.canvas.draw()
    taken: list[Any] = []
    for row in sorted(rows, key=lambda row: -row["psnr"]["Set14"]):
        point = (row["time"], row["psnr"]["Set14"])
        for right, up in PLACES:
            side = "left" if right >= 0 else "right"
            name = axis.annotate(
                row["name"], point, (right, up), textcoords="offset points", fontsize=8, ha=side
            )
            box = name.get_window_extent()
            if not any(box.overlaps(other) for other in taken):
                break
            name.remove()
        else:
            continue  # in the tables all the same
        taken.append(box)


def main() -> None:
    """Train what is missing, then write the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--dataset", type=Path, help="folder of HR images")
    parser.add_argument("--data-root", type=Path, help="folder that Set5 and Set14 are in")
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--precision", default="bfloat16", help="or float32")
    parser.add_argument("--only", nargs="*", help="names of entries")
    parser.add_argument("--max-time", default="1000h", help="stop after this long, such as 90m")
    parser.add_argument("--experiments", type=Path, default=Path("experiments/ablation"))
    parser.add_argument("--costs", action="store_true", help="measure time and memory again")
    parser.add_argument("--memory-of", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.memory_of:
        print_memory(json.loads(arguments.memory_of))
        return
    rows: list[dict[str, Any]] = json.loads(RESULTS.read_text()) if RESULTS.exists() else []
    for key, value in (("steps", arguments.steps), ("precision", arguments.precision)):
        if any(row[key] != value for row in rows):
            parser.error(f"{RESULTS} has rows of other {key} than {value}: move it away")
    until = time.monotonic() + parse_duration(arguments.max_time)
    done = {(row["slot"], row["name"], row["seed"]) for row in rows}
    for entry in entries():
        wanted = not arguments.only or entry.name in arguments.only
        if not wanted or (entry.slot, entry.name, entry.seed) in done or not arguments.dataset:
            continue
        if time.monotonic() >= until:
            break
        row = run(entry, arguments, until - time.monotonic())
        if row is None:
            break
        rows.append(row)
        write(RESULTS, json.dumps(rows, indent=1) + "\n")
        print(_row(row), flush=True)
    if arguments.costs:
        for row in rows:
            if arguments.only and row["name"] not in arguments.only:
                continue
            row |= costs(settings_at(row["slot"], row["name"], row["features"]))
        write(RESULTS, json.dumps(rows, indent=1) + "\n")
    write(DOCS / "ablation.md", page(rows))
    plot(rows, DOCS / "images" / "ablation.png")


if __name__ == "__main__":
    main()
