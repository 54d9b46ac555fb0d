"""Mistakes people make on the command line, and what it says about each.

CASES is the one list of them. scripts/update_cli_errors.py writes what srkit answers into
tests/data/cli_errors.txt; tests/promises/test_one_line_errors.py holds srkit to it.
"""

import contextlib
import io
import os
import pickle
import re
import shlex
import struct
import sys
import warnings
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from unittest import mock

import tifffile
import torch
from PIL import Image
from skimage import data

from srkit import checkpoint
from srkit.cli.main import run
from srkit.images.image import Samples
from srkit.models import build_classifier, build_model
from srkit.training.config_check import parse_config
from srkit.training.config_file import write_config
from srkit.training.yaml_text import read_yaml

GOLDEN = Path(__file__).resolve().parents[1] / "data" / "cli_errors.txt"

RUN = """
name: mine
scale: 2
datasets:
  train: {dataroot_gt: photos, gt_size: 32, batch_size_per_gpu: 2, cache: memory}
network_g: {type: sr_network, features: 8, blocks: 1}
train: {total_iter: 2, warmup_iter: 0}
"""

# The exit code a command must have, and its words; files are those of `prepare`.
CASES = [
    (code, words.strip())
    for code, block in {
        # A misuse: nothing has been done.
        2: """
        upscal photo.png -o out
        --nope
        upscale
        upscale photo.png
        upscale photo.png -o
        upscale photo.png -o out --scal 2
        upscale absent.png -o out
        upscale empty -o out
        upscale photo.png absent.png -o out
        upscale photo.png -o notes.txt/out
        upscale photo.png -o /proc/out
        upscale photos -o notes.txt
        upscale photos -o out.png
        upscale photo.png -o photo.png
        upscale photo.png -o notes.txt
        upscale photo.png -o out.gif
        upscale photo.png -o out.png -f jpg
        upscale photo.png -o out -n lapwve
        upscale photo.png -o out -n absent.safetensors
        upscale photo.png -o out -n photos
        upscale photo.png -o out -n notes.txt
        upscale photo.png -o out -n lpae.safetensors
        upscale photo.png -o out -n torn.safetensors
        upscale photo.png -o out -n flipped.safetensors
        upscale photo.png -o out -n foreign.safetensors
        upscale photo.png -o out -n weights.pth
        upscale photo.png -o out -n weights.safetensors
        upscale photo.png -o out -s 0
        upscale photo.png -o out -s 1
        upscale photo.png -o out -s 17
        upscale photo.png -o out -s nan
        upscale photo.png -o out -s two
        upscale photo.png -o out -s 2 --width 100
        upscale photo.png -o out --width 0
        upscale photo.png -o out -t -3
        upscale photo.png -o out -t 8
        upscale photo.png -o out -t large
        upscale photo.png -o out --tile-overlap -1
        upscale photo.png -o out --tile-overlap some
        upscale photo.png -o out --quality 0
        upscale photo.png -o out --quality best
        upscale photo.png -o out --precision int8
        upscale photo.png -o out --device gpu
        upscale photo.png -o out --device cuda:99
        upscale photo.png -o out --existing maybe
        upscale photo.png -o out --alpha none
        upscale photo.png -o out --metadata all
        upscale photo.png -o out --max-pixels 0
        upscale photo.png -o taken
        eval
        eval bicubic
        eval bicubic --dataset photos
        eval bicubic --dataset absent -s 2
        eval bicubic --dataset empty -s 2
        eval bicubic --dataset notes.txt -s 2
        eval bicubic --dataset Set5 -s 2
        eval bicubic --dataset Set5 --data-root photos -s 2
        eval bicubic --dataset photos -s 0
        eval bicubic --dataset photos -s 3 --lr small
        eval bicubic --dataset photos -s 2 --lr absent
        eval bicubic --dataset photos --dataset small -s 2 --lr small
        eval bicubic --dataset photos -s 2 --protocol psnr
        eval bicubic --dataset photos -s 2 --csv absent/scores.csv
        eval bicubic --dataset photos -s 2 --csv photos
        eval bicubic --dataset photos -s 2 --lpips-weights absent.safetensors
        eval bicubic --dataset photos -s 2 --lpips-weights sr.safetensors
        eval bicubc --dataset photos -s 2
        eval bicubic lapwave-m --dataset photos
        eval bicubic lapwave-m --dataset photos -s 3
        eval sr.safetensors --dataset photos -s 3
        eval sr.safetensors lpae.safetensors --dataset photos
        eval torn.safetensors --dataset photos
        train
        train photos
        train --dataset absent
        train --dataset empty
        train --dataset notes.txt
        train --config run.yml --dataset small
        train --config run.yml --dataset mixed
        train --dataset photos --model lapwve
        train --dataset photos --model lpsr
        train --dataset photos --set network_g.atention=eca
        train --dataset photos --set network_g.attention=ecaa
        train --dataset photos --set network_g.features=many
        train --dataset photos --set network_g.features=0
        train --dataset photos --scale 5
        train --dataset photos --scale 0
        train --dataset photos --name ../mine
        train --dataset photos --steps 0
        train --dataset photos --steps some
        train --dataset photos --batch-size 0
        train --dataset photos --patch-size -3
        train --dataset photos --patch-size large
        train --dataset photos --learning-rate nan
        train --dataset photos --learning-rate inf
        train --dataset photos --learning-rate -1
        train --dataset photos --seed -1
        train --dataset photos --precision int8
        train --config run.yml --precision float16 --device cpu
        train --config run.yml --device tpu
        train --dataset photos --max-time soon
        train --dataset photos --max-time 0s
        train --config run.yml --lr-folder absent
        train --config run.yml --lr-folder photos
        train --config run.yml --lr-track wild
        train --config run.yml --lr-folder small --lr-folder small
        train --config run.yml --validation absent
        train --config run.yml --validation empty
        train --config run.yml --pretrained absent
        train --config run.yml --pretrained torn.safetensors
        train --config run.yml --pretrained lpae.safetensors
        train --config run.yml --json
        train --dataset photos --resume
        train --dataset photos --resume --name other
        train --config run.yml -o notes.txt
        train --config run.yml -o /proc
        train --config absent.yml
        train --config photos
        train --config nothing.yml
        train --config list.yml
        train --config latin1.yml
        train --config photo.png
        train --config twice.yml
        train --config unsafe.yml
        train --config bomb.yml
        train --config typo.yml
        train --config basicsr.yml
        train --config run.yml --set
        train --config run.yml --set lr
        train --config run.yml --set lr=1e-3
        train --config run.yml --set train.total_itr=5
        train --config run.yml --set train.optim_g.lr=.nan
        train --config run.yml --set train.optim_g=Adam
        train --config run.yml --set train.optim_g.type=adam
        train --config run.yml --set train.scheduler.milestones=[5]
        train --config run.yml --set train.scheduler.eta_min=1
        train --config run.yml --set train.scheduler.gamma=0.1
        train --config run.yml --set train.warmup_iter=2
        train --config run.yml --set datasets.train.use_shift=false
        train --config run.yml --name prepared
        train --config run.yml --set train.losses.l3=1
        train --config run.yml --set train.losses.l1=0
        train --config run.yml --set train.early_stop.patience=3
        train --config run.yml --set train.joint_lpae=true
        train --config run.yml --set datasets.train.gt_size=33
        train --config run.yml --set datasets.train.degradation.type=second
        train --config run.yml --set datasets.train.degradation.jpeg_range=[30,95]
        train --config blurred.yml
        train --config run.yml --set datasets.val.1.dataroot_gt=photos
        train --config run.yml --set datasets.val='[{dataroot_gt: photos}, {dataroot_gt: photos}]'
        train --config run.yml --name begun --resume --seed 5
        train --config run.yml --name begun
        train --task enlarge --dataset photos
        train --task sr --dataset classes --model lpae-small
        train --task classify
        train --task classify --dataset absent
        train --task classify --dataset photos
        train --task classify --dataset labelled
        train --task classify --dataset classes --model lapwave-m
        train --task classify --dataset classes --model lpae-small
        train --task classify --dataset classes --scale 2
        train --task classify --dataset classes --patch-size 32
        train --task classify --dataset classes --validation photos
        train --task classify --dataset classes --set network_g.image_channels=5
        train --task classify --dataset classes --set network_g.classes=[cat]
        train --task classify --dataset classes --set network_g.backbone=small
        train --task classify --dataset classes --set datasets.train.multi_label=maybe
        train --task classify --dataset photos --dry-run
        train --dataset bands
        train --config bands.yml
        classify
        classify photo.png
        classify -n classifier.safetensors
        classify absent.png -n classifier.safetensors
        classify empty -n classifier.safetensors
        classify photo.png -n absent.safetensors
        classify photo.png -n sr.safetensors
        classify photo.png -n torn.safetensors
        classify photo.png -n classifier.safetensors --top-k 0
        classify photo.png -n classifier.safetensors --threshold 1.5
        classify photo.png -n classifier.safetensors --threshold 0.5
        classify photo.png -n classifier.safetensors --device gpu
        upscale photo.png -o out -n classifier.safetensors
        eval classifier.safetensors --dataset photos
        eval sr.safetensors --dataset photos --protocol sr-bands --lr absent
        eval bicubic --dataset bands -s 2
        import-config
        import-config absent.yml
        import-config run.yml
        import-config run.yml -o notes.txt
        import-config basicsr.yml -o absent/run.yml
        models lapwave-m
        demo --port 99999
        demo --port web
        """,
        # Files were refused, the others done.
        1: """
        upscale notes.txt -o out -n sr.safetensors
        upscale damaged.png -o out -n sr.safetensors
        upscale fake.png -o out -n sr.safetensors
        upscale bomb.png -o out -n sr.safetensors
        upscale mixed -o out -n sr.safetensors
        upscale photo.png -o out -n sr.safetensors --max-pixels 100
        upscale photo.png -o out -n sr.safetensors --width 10
        upscale bands -o out -n sr.safetensors
        classify mixed -n classifier.safetensors
        classify bands -n classifier.safetensors
        eval sr.safetensors --dataset bands
        eval bicubic --dataset mixed -s 2
        eval bicubic --dataset tiny -s 2
        """,
        # Nothing is wrong, though there is something to say.
        0: """
        upscale photos -o out -n sr.safetensors
        upscale photo.png -o taken -n sr.safetensors --existing skip
        eval bicubic --dataset photos -s 2
        upscale photo.png -o out -n sr.safetensors -t 16 --tile-overlap 1
        import-config typo.yml
        classify photo.png -n classifier.safetensors
        """,
    }.items()
    for words in block.strip().splitlines()
]


@dataclass(frozen=True)
class Answer:
    """How a command ended."""

    code: object
    stdout: str
    stderr: str
    made: list[Path] = field(default_factory=list)
    """Files and folders it left behind."""


def ask(words: str, *, debug: bool = False) -> Answer:
    """Run a command in this process, as its script does."""
    argv = ["srkit", *(["--debug"] if debug else []), *shlex.split(words)]
    out, err = io.StringIO(), io.StringIO()
    code: object = "not ended"
    with (
        mock.patch.object(sys, "argv", argv),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        warnings.catch_warnings(),
    ):
        try:
            run()
        except SystemExit as ended:
            code = ended.code
    return Answer(code, out.getvalue(), err.getvalue())


def ask_all(folder: Path) -> list[Answer]:
    """Run every command in a folder that `in_folder` made; what each leaves there is removed."""
    found = []
    before = set(folder.rglob("*"))
    for _, words in CASES:
        answer = ask(words)
        made = sorted(set(folder.rglob("*")) - before, reverse=True)  # what is in folders first
        for path in made:
            path.rmdir() if path.is_dir() else path.unlink()
        found.append(replace(answer, made=made))
    return found


def as_text(found: list[Answer], folder: Path) -> str:
    """Give the text of the golden file."""
    blocks = [
        f"$ srkit {words}\nexit {answer.code}\n{answer.stderr}"
        for (_, words), answer in zip(CASES, found, strict=True)
    ]
    text = "\n".join(blocks).replace(str(folder), "FOLDER")
    text = text.replace(str(checkpoint.checkpoints_folder()), "CHECKPOINTS")
    return re.sub("hint: choose auto, .*", "hint: choose auto, DEVICES", text)


@contextlib.contextmanager
def in_folder(folder: Path) -> Iterator[None]:
    """Make the files of the cases in an empty folder, and go there."""
    before = Path.cwd()
    folder.mkdir(exist_ok=True)
    prepare(folder)
    os.chdir(folder)
    try:
        with mock.patch.dict(os.environ):
            for name in ("SRKIT_DATA", "RANK", "WORLD_SIZE"):
                os.environ.pop(name, None)
            yield
    finally:
        os.chdir(before)


def prepare(folder: Path) -> None:
    """Make the files the cases are about."""
    photograph = data.astronaut()
    for name in ("photos", "small", "mixed", "tiny", "taken", "empty"):
        (folder / name).mkdir()
    Image.fromarray(photograph[:40, :60]).save(folder / "photo.png")
    Image.fromarray(photograph[:40, :60]).save(folder / "taken" / "photo.png")
    Image.fromarray(photograph[:2, :2]).save(folder / "tiny" / "a.png")
    for name, top in (("a.png", 100), ("b.png", 200)):
        Image.fromarray(photograph[top : top + 64, 100:180]).save(folder / "photos" / name)
        Image.fromarray(photograph[top : top + 16, 100:120]).save(folder / "small" / name)
    whole = (folder / "photo.png").read_bytes()
    (folder / "damaged.png").write_bytes(whole[: len(whole) // 2])
    (folder / "mixed" / "a.png").write_bytes(whole)
    (folder / "mixed" / "b.png").write_bytes(whole[: len(whole) // 2])
    (folder / "bomb.png").write_bytes(_png(60_000, 60_000))
    (folder / "fake.png").write_text("not an image")
    (folder / "notes.txt").write_text("not an image")
    _labelled(folder, photograph[:40, :60])
    _checkpoints(folder)
    _configurations(folder)


def _labelled(folder: Path, photograph: Samples) -> None:
    """Make a folder of classes, one with a table that is wrong, and an image of five bands."""
    for path in ("classes/cat/a.png", "classes/dog/a.png", "labelled/a.png"):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(photograph).save(folder / path)
    (folder / "labelled" / "labels.csv").write_text("file,labels\na.png,cat;dog\nb.png,cat\n")
    (folder / "bands").mkdir()
    bands = photograph[..., [0, 1, 2, 0, 1]]
    tifffile.imwrite(
        folder / "bands" / "five.tif", bands, photometric="minisblack", planarconfig="contig"
    )


def _png(width: int, height: int) -> bytes:
    """Make a file that claims a size and holds nothing."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        body = kind + content
        return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = [chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(b"")), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def _checkpoints(folder: Path) -> None:
    torch.manual_seed(0)
    for name, kind, settings in (
        ("sr", "sr_network", {"scale": 2, "features": 4, "blocks": 1}),
        ("lpae", "lpae", {"hidden": 2}),
    ):
        path = folder / f"{name}.safetensors"
        checkpoint.save(path, build_model(kind, settings), checkpoint.Card(name=name))
    animals = {"classes": ("cat", "dog"), "depth": 1.0, "width": 0.1}
    classifier = build_classifier("wrn_eca", animals)
    checkpoint.save(folder / "classifier.safetensors", classifier, checkpoint.Card(name="animals"))
    whole = (folder / "sr.safetensors").read_bytes()
    (folder / "torn.safetensors").write_bytes(whole[: len(whole) // 2])
    (folder / "flipped.safetensors").write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    header = b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'
    foreign = struct.pack("<Q", len(header)) + header + bytes(4)
    (folder / "foreign.safetensors").write_bytes(foreign)
    for name in ("weights.pth", "weights.safetensors"):
        (folder / name).write_bytes(pickle.dumps({"params": [0.0]}))


def _configurations(folder: Path) -> None:
    bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n"
        for before, name in zip("abcdefgh", "bcdefghi", strict=True)
    )
    for name, text in {
        "run.yml": RUN,
        "nothing.yml": "# nothing yet\n",
        "list.yml": "- name: mine\n- scale: 2\n",
        "twice.yml": RUN + "scale: 4\n",
        "unsafe.yml": "name: !!python/object/apply:os.system [echo]\n",
        "bomb.yml": bomb,
        "typo.yml": RUN.replace("total_iter", "total_itr"),
        "basicsr.yml": "model_type: SRModel\nnetwork_g: {type: EDSR}\n" + RUN[: RUN.index("netw")],
        "blurred.yml": RUN.replace(
            "cache: memory", "degradation: {type: classical, jpeg_range: [95, 30]}"
        ),
        "bands.yml": RUN.replace("features", "image_channels: 5, features").replace(
            "photos", "bands, degradation: {type: classical}"
        ),
        "experiments/begun/config.yml": write_config(
            parse_config(read_yaml(RUN.replace("mine", "begun"), "begun"))
        ),
        "experiments/begun/training_states/state-00000001.safetensors": "",
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    (folder / "latin1.yml").write_bytes("name: été\n".encode("latin-1"))
