"""`srkit train` as a user meets it: a file, options and --set, a dry run, a run, the same again."""

import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from srkit import checkpoint
from srkit.cli.train_command import changes_anything, command_line
from srkit.cli.train_settings import KEYS, Request, configure
from srkit.errors import ConfigError
from srkit.models import MODELS, PRESETS
from srkit.training import estimate
from srkit.training.config import TrainingConfig
from srkit.training.config_file import read_config, write_config
from srkit.training.log import read_rows

Srkit = Callable[..., Any]
SCHEMA = Path(__file__).resolve().parents[2] / "docs" / "training-config.schema.json"
FILE = """
name: tiny
scale: 2
datasets:
  train: {dataroot_gt: images, gt_size: 32, batch_size_per_gpu: 2, cache: memory}
  val: {dataroot_gt: images, name: both}
network_g: {type: sr_network, features: 8, blocks: 1}
train: {total_iter: 6, warmup_iter: 2, optim_g: {lr: 2e-3}}
val: {val_freq: 4}
logger: {print_freq: 1, save_checkpoint_freq: 4}
"""


@pytest.fixture
def file(place: Path) -> Path:
    path = place / "run.yml"
    path.write_text(FILE)
    return path


def configured(
    options: dict[str, Any] | None = None,
    settings: list[str] | None = None,
    config: Path | None = None,
) -> TrainingConfig:
    return configure(
        Request(
            options=options or {},
            settings=settings or [],
            config=config,
            output=Path("experiments"),
            resume=False,
        )
    )


def weights(run: Path) -> dict[str, torch.Tensor]:
    (path,) = (run / "models").glob("*.safetensors")
    return dict(checkpoint.load(path).module.state_dict())


def test_set_overrides_options_and_options_override_the_file(file: Path) -> None:
    assert configured(config=file).train.optim_g.lr == 2e-3
    options = {"--learning-rate": 3e-3, "--steps": 9}
    config = configured(options, ["train.optim_g.lr=4e-3"], file)
    assert config.train.optim_g.lr == 4e-3
    assert config.train.total_iter == 9
    assert config.train.warmup_iter == 2


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--name", "other"),
        ("--scale", 4),
        ("--seed", 7),
        ("--data-root", "sets"),
        ("--dataset", ["a", "b"]),
        ("--lr-folder", ["c"]),
        ("--lr-track", "unknown"),
        ("--batch-size", 3),
        ("--workers", 2),
        ("--pretrained", "lapwave-m-x2"),
        ("--steps", 9),
        ("--learning-rate", 1e-4),
        ("--precision", "bfloat16"),
        ("--compile", True),
        ("--accumulate", 2),
        ("--tensorboard", True),
    ],
)
def test_an_option_is_a_key(file: Path, option: str, value: Any) -> None:
    place: Any = configured({option: value}, config=file).model_dump()
    for part in KEYS[option].split("."):
        place = place[part]
    assert place == value


def test_patch_size_and_validation_are_keys_in_other_units(file: Path) -> None:
    config = configured({"--patch-size": 24, "--validation": ["a", "Set5"]}, config=file)
    assert config.datasets.train.gt_size == 48
    assert [one.dataroot_gt for one in config.datasets.val] == ["a", "Set5"]
    options = {"--dataset": ["a"], "--model": "lapwave-s", "--patch-size": 24, "--scale": 3}
    assert configured(options).datasets.train.gt_size == 72
    autoencoder = {"--dataset": ["a"], "--model": "lpae", "--patch-size": 24}
    assert configured(autoencoder).datasets.train.gt_size == 24
    words = ["datasets.train.gt_size=40"]
    assert configured({"--patch-size": 24}, words, file).datasets.train.gt_size == 40


def test_a_run_is_called_after_its_model_and_scale(place: Path) -> None:
    standard = MODELS[PRESETS["lapwave-m"][0]][0]().scale
    assert configured({"--dataset": ["images"]}).name == f"lapwave-m-x{standard}"
    assert configured({"--dataset": ["a"], "--scale": 2, "--model": "lpsr"}).name == "lpsr-x2"
    assert configured({"--dataset": ["a"], "--model": "lpae"}).name == "lpae"


def test_another_model_leaves_the_settings_of_the_file_s_behind(file: Path) -> None:
    assert configured({"--model": "sr_network"}, config=file).network_g.settings["features"] == 8
    assert configured({"--model": "lpae"}, config=file).network_g.settings == {}
    words = ["network_g.attention=eca", "network_g.features=16"]
    assert configured({"--model": "lapwave-s"}, words, file).network_g.settings == {
        "attention": "eca",
        "features": 16,
    }


def test_div2k_is_validated_on_set5_where_it_is_found(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = configured({"--dataset": ["div2k"]})
    assert config.datasets.val == []
    assert capsys.readouterr().err == (
        "srkit: no validation: Set5 is not under datasets (--data-root DIR, --validation FOLDER, "
        "or DIV2K-valid, which is downloaded)\n"
    )
    (place / "datasets").mkdir()
    (place / "images").rename(place / "datasets" / "Set5")
    assert configured({"--dataset": ["DIV2K"]}).datasets.val[0].dataroot_gt == "Set5"
    assert "srkit: validating on Set5 in datasets" in capsys.readouterr().err
    assert configured({"--dataset": ["DIV2K"]}, ["datasets.val=[]"]).datasets.val == []
    assert capsys.readouterr().err == ""


def test_a_run_keeps_its_configuration_and_its_command(srkit: Srkit, file: Path) -> None:
    words = ["train", "--config", "run.yml", "--steps", "5", "--set", "network_g.attention=eca"]
    done = srkit(*words, "--max-time", "1h")
    assert done.code == 0
    assert done.stdout == "experiments/tiny/models/tiny.safetensors\n"
    run = Path("experiments/tiny")
    kept = read_config(run / "config.yml")
    assert kept["train"]["total_iter"] == 5
    assert kept["network_g"] == {
        "type": "sr_network",
        "features": 8,
        "blocks": 1,
        "attention": "eca",
    }
    assert kept["datasets"]["train"]["num_worker_per_gpu"] == 0  # a default, written out
    (command,) = (run / "command.txt").read_text().splitlines()
    assert command == shlex.join(["srkit", *words])
    assert checkpoint.load(run / "models" / "tiny.safetensors").card.command == command


def test_a_run_repeated_from_its_own_configuration_is_the_same(srkit: Srkit, file: Path) -> None:
    first = ["--dataset", "images", "--model", "sr_network", "--scale", "2", "--patch-size", "16"]
    first += ["--batch-size", "2", "--steps", "6", "--validation", "images", "--name", "tiny"]
    first += ["--set", "network_g.features=8", "--set", "network_g.blocks=1", "--seed", "3"]
    assert srkit("train", *first, "--set", "logger.print_freq=1").code == 0
    again = srkit("train", "--config", "experiments/tiny/config.yml", "-o", "again")
    assert again.code == 0
    ours, theirs = weights(Path("experiments/tiny")), weights(Path("again/tiny"))
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    for name in ("config.yml", "log/log.csv"):
        assert Path("experiments/tiny", name).read_bytes() == Path("again/tiny", name).read_bytes()
    other = srkit("train", "--config", "experiments/tiny/config.yml", "-o", "other", "--seed", "4")
    assert other.code == 0
    assert any(
        not torch.equal(ours[name], one) for name, one in weights(Path("other/tiny")).items()
    )


def test_a_run_goes_on_by_its_name_alone(srkit: Srkit, file: Path) -> None:
    assert srkit("train", "--config", file, "-o", "whole").code == 0
    begun = srkit("train", "--config", file, "--max-time", "0.001s")
    assert begun.code == 0
    assert begun.stdout == ""
    assert "go on with --resume" in begun.stderr
    told = ["train", "--resume", "--name", "tiny", "--set", "logger.save_checkpoint_freq=7"]
    assert srkit(*told, "--max-time", "0.001s").code == 0
    command = Path("experiments/tiny/command.txt").read_text()
    went_on = "srkit train --name tiny --set logger.save_checkpoint_freq=7 --resume"
    assert command.splitlines() == [f"srkit train --config {file}", went_on]
    assert list(Path("experiments/tiny/models").iterdir())  # to be tried
    file.unlink()

    done = srkit("train", "--resume", "--name", "tiny")
    assert done.code == 0
    assert done.stdout == "experiments/tiny/models/tiny.safetensors\n"
    assert Path("experiments/tiny/command.txt").read_text() == command
    assert "--max-time" not in command
    ours, theirs = weights(Path("experiments/tiny")), weights(Path("whole/tiny"))
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)
    rows = [read_rows(Path(folder, "tiny/log")) for folder in ("experiments", "whole")]
    assert rows[0] == rows[1]

    changed = srkit("train", "--resume", "--name", "tiny", "--seed", "5")
    assert changed.code == 2
    assert changed.stderr == (
        "srkit: experiments/tiny: cannot resume with manual_seed 5, the run has 0\n"
        "hint: choose another --name for a new run; --pretrained "
        "experiments/tiny/models/tiny.safetensors starts it from this one's weights\n"
    )


def test_a_run_goes_on_where_its_sets_were_found(srkit: Srkit, file: Path) -> None:
    sets = Path("sets")
    sets.mkdir()
    Path("images").rename(sets / "Set5")
    words = ["--config", file, "--dataset", "sets/Set5", "--validation", "Set5"]
    done = srkit("train", *words, "--data-root", sets, "--max-time", "0.001s")
    assert done.code == 0, done.stderr
    resume = ("train", "--resume", "--name", "tiny")
    assert srkit(*resume, "--max-time", "0.001s").code == 0
    sets.rename("moved")
    sets.mkdir()
    (sets / "Set5").symlink_to(Path("moved/Set5").resolve())  # to train on
    done = srkit(*resume, "--data-root", "moved")
    assert done.code == 0, done.stderr


def test_other_images_do_not_go_by_what_a_file_says_of_its_own(file: Path) -> None:
    mine = "{dataroot_gt: [images], name: mine, dataroot_lq: [lr], weights: [2]}"
    words = [f"datasets.train={mine}"]
    file.write_text(write_config(configured(settings=words, config=file)))
    for roots, name in ((["a", "b"], None), (["images"], "mine")):  # the same ones are its own
        found = configured({"--dataset": roots}, config=file).datasets.train
        assert (found.dataroot_gt, found.name) == (roots, name)
        assert (found.dataroot_lq is None) == (found.weights is None) == (name is None)
    file.write_text(FILE.replace("dataroot_gt: images, gt", "name: mine, dataroot_gt: images, gt"))
    assert configured({"--dataset": ["images"]}, config=file).datasets.train.name == "mine"
    found = configured({"--dataset": ["a"], "--lr-folder": ["b"]}, config=file).datasets.train
    assert found.dataroot_lq == ["b"]


def test_a_track_is_that_of_both_halves_of_div2k() -> None:
    options = {"--dataset": ["DIV2K"], "--lr-track": "unknown"}
    sets = {"--validation": ["DIV2K-valid", "Set5"]}
    config = configured(options | sets)
    assert [one.lr_track for one in config.datasets.val] == ["unknown", None]
    assert configured(sets | {"--dataset": ["a"]}).datasets.val[0].lr_track is None


def test_resuming_names_the_runs_there_are(srkit: Srkit, place: Path) -> None:
    for name in ("edsr-x4", "lapwave-x2", "lapwave-x4"):
        folder = place / "experiments" / name
        folder.mkdir(parents=True)
        (folder / "config.yml").write_text("name: x")
    done = srkit("train", "--resume", "--name", "lapwav-x4")
    assert (done.code, done.stdout) == (2, "")
    assert done.stderr == (
        "srkit: --resume: there is no run in experiments/lapwav-x4\n"
        "hint: runs in experiments: lapwave-x4, lapwave-x2, edsr-x4\n"
    )


def test_a_dry_run_says_what_a_run_would_take_and_writes_nothing(srkit: Srkit, file: Path) -> None:
    before = sorted(Path().rglob("*"))
    done = srkit("train", "--config", file, "--dry-run", "--json")
    assert (done.code, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    assert found["name"] == "tiny"
    assert (found["scale"], found["steps"], found["images"]) == (2, 6, 2)
    (stage,) = found["stages"]
    assert (stage["patches"], stage["patch_size"]) == (2, 16)
    assert found["memory"] > 2**20
    assert found["seconds"] == pytest.approx(6 / stage["steps_per_second"])
    per_pixel = found["multiply_adds"]
    assert found["multiply_adds_per_output_megapixel"] == pytest.approx(per_pixel * 1e6 / 4)

    table = srkit("train", "--config", file, "--dry-run").stdout
    rows = dict(line.split("  ", 1) for line in table.splitlines())
    rows = {label.strip(): value.strip() for label, value in rows.items()}
    assert rows["run"] == "tiny, sr_network, x2"
    assert rows["parameters"] == f"{found['parameters']:,}"
    assert rows["HR images"] == "2"
    assert rows["decoded images"] == f"{found['decoded'] / 2**20:.0f} MiB"
    assert rows["pace"].endswith(" steps/s, on noise drawn as images are")
    assert "not downloaded yet" not in rows
    assert rows["a step"] == "2 patches of 16x16 LR pixels"
    assert sorted(Path().rglob("*")) == before

    assert srkit("train", "--config", file).code == 0
    assert (
        sum(one.numel() for one in weights(Path("experiments/tiny")).values())
        == (found["parameters"])
    )


def test_a_dry_run_says_what_a_run_would_download(srkit: Srkit, file: Path) -> None:
    before = sorted(Path().rglob("*"))
    words = ["--dataset", "DIV2K", "--validation", "DIV2K-valid", "--dry-run"]
    table = srkit("train", "--config", file, *words).stdout
    rows = dict(re.split("  +", line, maxsplit=1) for line in table.splitlines())
    assert (rows["HR images"], rows["validation images"]) == ("800", "DIV2K-valid (100)")
    assert rows["not downloaded yet"] == "DIV2K_train_HR, DIV2K_valid_HR"
    assert rows["decoded images"] == "unknown until they are downloaded"
    assert sorted(Path().rglob("*")) == before


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--pretrained", "absent"], "absent: neither a file nor a released model"),
        (["--validation", "absent"], "absent: no such folder"),
        (["--dataset", "absent"], "absent: no such folder, and no data set srkit knows"),
        (["--dataset", "."], None),
        (
            ["--set", "datasets.train.degradation.type=awful"],
            "--set datasets.train.degradation.type: unknown degradation 'awful'",
        ),
        (["--set", "train.losses.l3=1"], "--set train.losses.l3: train.losses: unknown loss 'l3'"),
        (
            ["--set", "network_g.attention=ecaa"],
            "--set network_g.attention: network_g: unknown attention 'ecaa'",
        ),
        (["--scale", "5"], "--scale: must be one of 2, 3, 4, 8, got 5"),
        (
            ["--scale", "3", "--set", "network_g.head=wavelet"],
            "--scale: the wavelet head enlarges by powers of two, got scale 3",
        ),
        (["--set", "datasets.train.gt_size=33"], "--set datasets.train.gt_size: an HR patch must"),
        (["--patch-size", "4000"], "2 of 2 images cannot be trained on"),
        (
            ["--lr-folder", "images", "--set", "datasets.train.degradation.type=classical"],
            "--set datasets.train.degradation.type: datasets.train: LR images are given, and",
        ),
        (["--json"], None),
    ],
)
def test_a_dry_run_finds_the_mistakes_that_a_run_would(
    srkit: Srkit, file: Path, words: list[str], message: str | None
) -> None:
    done = srkit("train", "--config", file, "--dry-run", *words)
    assert done.code == (0 if message is None else 2)
    assert done.stderr.startswith("" if message is None else f"srkit: {message}")


def test_json_belongs_to_a_dry_run(srkit: Srkit, file: Path) -> None:
    done = srkit("train", "--config", file, "--json")
    assert done.code == 2
    assert done.stderr == "srkit: --json prints what --dry-run finds\nhint: --dry-run --json\n"


def test_the_schema_is_the_one_that_is_shipped(srkit: Srkit) -> None:
    done = srkit("train", "--schema")
    assert (done.code, done.stderr) == (0, "")
    assert done.stdout == SCHEMA.read_text(encoding="utf-8"), "run scripts/update_docs.py"


@pytest.mark.parametrize("error", [torch.OutOfMemoryError("CUDA out of memory"), MemoryError()])
@pytest.mark.parametrize(
    ("batch", "hint"),
    [
        (6, "--batch-size 3 --accumulate 4 is the same step in halves"),
        (3, "a smaller --batch-size or --patch-size takes less"),
    ],
)
def test_too_little_memory_is_one_line(
    srkit: Srkit,
    file: Path,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    batch: int,
    hint: str,
) -> None:
    def refuse(*given: Any, **named: Any) -> None:
        raise error

    monkeypatch.setattr(estimate, "estimate", refuse)
    words = ["--batch-size", str(batch), "--accumulate", "2", "--dry-run"]
    done = srkit("train", "--config", file, *words)
    assert (done.code, done.stdout) == (2, "")
    assert done.stderr == f"srkit: not enough memory for {batch} patches at once\nhint: {hint}\n"


def test_a_command_is_kept_without_what_concerns_one_session() -> None:
    words = ["train", "--dataset", "my images", "--max_time", "2h", "--resume", "--max-time=1h"]
    assert command_line([*words, "-s", "2"]) == "srkit train --dataset 'my images' -s 2"


@pytest.mark.parametrize(
    ("launched", "begins"),
    [
        ({"WORLD_SIZE": "1", "LOCAL_WORLD_SIZE": "1"}, "srkit train"),
        ({"WORLD_SIZE": "2"}, "torchrun --nproc-per-node 2 -m srkit train"),
        (
            {"WORLD_SIZE": "8", "LOCAL_WORLD_SIZE": "4"},
            "torchrun --nnodes 2 --nproc-per-node 4 -m srkit train",
        ),
    ],
)
def test_a_command_says_how_many_processes_it_was(
    launched: dict[str, str], begins: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in launched.items():
        monkeypatch.setenv(name, value)
    assert command_line(["train", "--seed", "3"]) == f"{begins} --seed 3"


@pytest.mark.parametrize(
    ("words", "changes"),
    [
        (["--name", "a", "-o", "runs", "--device", "cpu", "--max-time", "1h"], False),
        (["--name=a", "--output=runs", "-oruns", "--debug"], False),
        (["--name", "a", "--workers", "1"], True),
        (["--name", "a", "--set", "logger.use_tb_logger=true"], True),
    ],
)
def test_what_a_resumed_run_was_told_is_told_from_which_it_is(
    words: list[str], changes: bool
) -> None:
    assert changes_anything(["train", "--resume", *words]) is changes


def test_there_must_be_images(place: Path) -> None:
    with pytest.raises(ConfigError, match="there are no images to train on") as caught:
        configured()
    assert caught.value.hint == "--dataset DIV2K, or a folder of HR images"
