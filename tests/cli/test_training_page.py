"""The commands of docs/training.md are run as they stand, each for two steps of small patches."""

import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from srkit.training.loop import train

Srkit = Callable[..., Any]
PAGE = (Path(__file__).resolve().parents[2] / "docs" / "training.md").read_text(encoding="utf-8")
SHORT = ["--steps", "2", "--patch-size", "16", "--batch-size", "1"]


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def test_its_commands_run_one_after_the_other(srkit: Srkit, place: Path) -> None:
    for name in ("my_images", "my_validation"):
        (place / name).symlink_to("images")
    trained = set()
    for line in "".join(blocks("sh")).splitlines():
        # torchrun starts in every process what is started here in one.
        words = shlex.split(re.sub(r"^torchrun .* -m srkit", "srkit", line))
        assert words.pop(0) == "srkit"
        done = srkit(*words, *SHORT)
        assert done.code == 0, done.stderr
        if "--dry-run" not in words:
            name = words[words.index("--name") + 1]
            assert (place / "experiments" / name / "models" / f"{name}.safetensors").exists()
            trained.add(name)
            assert ("finished already" in done.stderr) == ("--resume" in words)
    assert len(trained) > 6


def test_its_python_trains(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (place / "my_images").symlink_to("images")

    def short(config: Any, folder: Path, watch: Any) -> None:
        values = config.model_dump()
        values["train"] |= {"total_iter": 1, "warmup_iter": 0}
        values["datasets"]["train"] |= {"gt_size": 32, "batch_size_per_gpu": 1}
        train(type(config).model_validate(values), folder, watch=watch)

    monkeypatch.setattr("srkit.training.loop.train", short)
    (program,) = blocks("python")
    exec(compile(program, "docs/training.md", "exec"), {})  # noqa: S102 - our own page
    assert (place / "experiments/from-python/models/from-python.safetensors").exists()
