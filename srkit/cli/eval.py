"""`srkit eval`: measure models on benchmark sets or folders, under a named protocol."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from srkit.cli.options import AsJson, Device
from srkit.errors import ConfigError

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID
    from torch import nn

    from srkit.evaluation.benchmarks import Dataset
    from srkit.evaluation.evaluate import Result
    from srkit.evaluation.perceptual import Perceptual


def evaluate(
    models: Annotated[
        list[str],
        typer.Argument(
            metavar="MODEL",
            help="Families and names from `srkit models`, files, bicubic or lanczos.",
        ),
    ],
    dataset: Annotated[
        list[str],
        typer.Option(
            help="Set5, Set14, B100, Urban100, Manga109, or a folder of HR images; may be repeated."
        ),
    ],
    data_root: Annotated[
        Path | None,
        typer.Option(envvar="SRKIT_DATA", help="Folder that data sets are found in."),
    ] = None,
    lr: Annotated[
        Path | None,
        typer.Option(help="Folder of LR images [default: made by MATLAB's bicubic]."),
    ] = None,
    scale: Annotated[
        int | None, typer.Option("-s", "--scale", help="Enlargement [default: the models'].")
    ] = None,
    protocol: Annotated[
        str | None,
        typer.Option(
            help="sr-y, sr-rgb, div2k-rgb or sr-bands [default: sr-y, for other bands sr-bands]."
        ),
    ] = None,
    lpips: Annotated[
        bool, typer.Option("--lpips", help="Measure LPIPS (AlexNet) as well.")
    ] = False,
    lpips_weights: Annotated[
        Path | None,
        typer.Option(
            help="AlexNet's features as .safetensors [default: those that ship with srkit]."
        ),
    ] = None,
    csv: Annotated[Path | None, typer.Option(help="Write one line an image to this file.")] = None,
    as_json: AsJson = False,
    device: Device = "auto",
) -> None:
    """Measure PSNR, SSIM and LPIPS of models and of classic filters."""
    import json

    from srkit.evaluation.benchmarks import find_dataset
    from srkit.evaluation.metrics import find_protocol, require_bands
    from srkit.evaluation.tables import to_csv, to_json
    from srkit.inference.device import choose_device

    # Everything that can be wrong is found before the first image is enlarged.
    if protocol is not None:
        find_protocol(protocol)
    datasets = [find_dataset(word, data_root) for word in dataset]
    if lr is not None and len(datasets) != 1:
        raise ConfigError(f"--lr holds the LR images of one set, got {len(datasets)} of --dataset")
    if csv is not None and (csv.is_dir() or not csv.parent.is_dir()):
        raise ConfigError(f"--csv {csv}: not a file in an existing folder")
    chosen = choose_device(device)
    upscalers, scale, bands = _load(models, scale, str(chosen))
    protocol = protocol or ("sr-y" if bands == 3 else "sr-bands")
    require_bands(protocol, bands)
    if bands != 3 and (lpips or lpips_weights):
        raise ConfigError(f"--lpips compares RGB images, not {bands} bands")
    perceptual = _perceptual(lpips_weights, str(chosen)) if lpips or lpips_weights else None
    for found in datasets:
        found.fetch(data_root, say=_say)
        if shortfall := found.shortfall():
            _say(shortfall)
    results = _measure(upscalers, datasets, lr, scale, protocol, perceptual)
    if csv is not None:
        _write(csv, to_csv(results))
    if as_json:
        report = to_json(results, matlab_lr=lr is None)
        typer.echo(json.dumps(report, indent=2, allow_nan=False))
    else:
        _print_table(results, matlab_lr=lr is None)


def _load(
    words: list[str], scale: int | None, device: str
) -> tuple[list[tuple[str, nn.Module | str]], int, int]:
    """Load what the words name, and settle the one scale and the bands that all are measured at."""
    from srkit import checkpoint
    from srkit.evaluation.evaluate import BASELINES
    from srkit.images.naming import display_name
    from srkit.inference.family import choices, family_members

    released = checkpoint.released()
    families = {word: family_members(word) for word in words if word not in BASELINES}
    upscalers: dict[int, tuple[str, nn.Module | str]] = {}
    bands: int | None = None
    # Families of several scales last: the other models may settle which it is.
    for place, word in sorted(enumerate(words), key=lambda one: len(families.get(one[1], ()))):
        if word in BASELINES:
            upscalers[place] = word, word
            continue
        if not families[word] and word not in released and not Path(word).exists():
            known = dict.fromkeys([*BASELINES, *choices(), *released])
            raise checkpoint.unknown(word, list(known), "choose a file or one of")
        loaded = checkpoint.load(_one_of_family(word, families[word], scale), device)
        own = loaded.module.scale
        if scale is not None and own != scale:
            raise ConfigError(f"{word} enlarges by {own}, not by {scale}", hint="one scale a call")
        scale = own
        taken_bands = loaded.module.image_channels
        if bands not in (None, taken_bands):
            raise ConfigError(
                f"{word} takes {taken_bands} bands, the model before it {bands}",
                hint="models of the same bands in a call",
            )
        bands = taken_bands
        # Two files of one run have the same name on their cards: the second goes by its path.
        taken = loaded.card.name in (name for name, _ in upscalers.values())
        upscalers[place] = display_name(word if taken else loaded.card.name), loaded.module
    if scale is None:
        raise ConfigError("--scale is needed: bicubic and lanczos enlarge by any scale")
    if scale < 1:
        raise ConfigError(f"--scale must be at least 1, got {scale}")
    return [upscalers[place] for place in range(len(words))], scale, bands or 3


def _one_of_family(word: str, members: list[str], scale: int | None) -> str:
    """Put the member that enlarges by the scale in the place of a family's name."""
    if not members:
        return word
    if scale is None and len(members) == 1:
        return members[0]
    if f"{word}-x{scale}" not in members:
        lacks = "of several scales" if scale is None else f"without one that enlarges by {scale}"
        hint = f"{'--scale, or ' if scale is None else ''}one of {', '.join(members)}"
        raise ConfigError(f"{word}: a family of models {lacks}", hint=hint)
    return f"{word}-x{scale}"


def _perceptual(weights: Path | None, device: str) -> Perceptual | None:
    """Make LPIPS; without the weights that ship with srkit, say so and measure the rest."""
    from srkit.evaluation.perceptual import Perceptual, shipped_weights

    if weights is None and not shipped_weights().is_file():
        typer.echo(
            f"hint: LPIPS is left out, {shipped_weights()} is not there: "
            "--lpips-weights FILE gives AlexNet's features",
            err=True,
        )
        return None
    return Perceptual(weights, device=device)


def _say(line: str) -> None:
    typer.echo(f"srkit: {line}", err=True)


def _measure(
    upscalers: list[tuple[str, nn.Module | str]],
    datasets: list[Dataset],
    lr: Path | None,
    scale: int,
    protocol: str,
    perceptual: Perceptual | None,
) -> list[Result]:
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import Progress

    from srkit.evaluation.evaluate import evaluate as measure

    console = Console(stderr=True)
    results = []
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bars:
        for dataset in datasets:
            for name, model in upscalers:
                task = bars.add_task(escape(f"{dataset.name}: {name}"), total=None)
                result = measure(
                    model,
                    dataset.folder,
                    scale=scale,
                    protocol=protocol,
                    lr_folder=lr,
                    perceptual=perceptual,
                    name=name,
                    dataset=dataset.name,
                    progress=partial(_advance, bars, task),
                )
                results.append(result)
                bars.remove_task(task)
    return results


def _advance(bars: Progress, task: TaskID, done: int, total: int) -> None:
    bars.update(task, completed=done, total=total)


def _write(path: Path, text: str) -> None:
    from srkit.files import write_atomically

    def write(file: BinaryIO) -> None:
        file.write(text.encode())

    try:
        write_atomically(path, write)
    except OSError as error:
        raise ConfigError(f"--csv {path}: cannot be written: {error.strerror}") from None


def _print_table(results: list[Result], *, matlab_lr: bool) -> None:
    from rich.console import Console

    from srkit.evaluation.tables import caption, to_table

    console = Console()
    table = to_table(results)
    if not console.is_terminal:
        # In files and pipes: no drawing, and no name cut to the width of a screen.
        console = Console(width=1000)
        table.box, table.pad_edge = None, False
    console.print(
        caption(results, matlab_lr=matlab_lr), markup=False, highlight=False, soft_wrap=True
    )
    console.print(table)
