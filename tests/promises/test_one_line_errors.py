"""C1: a mistake on the command line is answered in one line and a hint, never with a traceback.

Exit codes: 2 for a misuse, 1 when files were refused, 0 otherwise. What is said is in
tests/data/cli_errors.txt, word for word; scripts/update_cli_errors.py writes that file.
"""

from pathlib import Path

import pytest

from .cli_mistakes import CASES, GOLDEN, Answer, as_text, ask, ask_all, in_folder

pytestmark = pytest.mark.promise
WORDS = [words for _, words in CASES]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mistakes")


@pytest.fixture(scope="module")
def answers(folder: Path) -> dict[str, Answer]:
    with in_folder(folder):
        return dict(zip(WORDS, ask_all(folder), strict=True))


def test_every_command_is_in_the_table() -> None:
    assert len(set(WORDS)) == len(WORDS) >= 40
    commands = {words.split()[0] for words in WORDS}
    assert commands >= {"upscale", "eval", "train", "classify", "import-config", "models", "demo"}


def test_what_is_said_is_what_was_agreed(answers: dict[str, Answer], folder: Path) -> None:
    found = as_text(list(answers.values()), folder).split("\n\n")
    agreed = GOLDEN.read_text(encoding="utf-8").split("\n\n")
    changed = [block for block in found if block not in agreed]
    assert not changed, "run scripts/update_cli_errors.py and look at the difference"
    assert found == agreed


@pytest.mark.parametrize(("code", "words"), CASES)
def test_a_mistake_is_one_line_and_a_hint(
    answers: dict[str, Answer], code: int, words: str
) -> None:
    answer = answers[words]
    assert answer.code == code, answer.stderr
    assert "Traceback" not in answer.stderr
    lines = answer.stderr.splitlines()
    told = [line for line in lines if line.startswith("srkit: ")]
    if code == 1:
        assert len(told) == 1
    if code == 2:
        assert lines[:1] == told
        # Each of several images has a line of its own.
        rest = [line for line in lines[1:] if not line.startswith("  ")]
        assert len(rest) <= 1
        assert all(line.startswith("hint: ") for line in rest)
        assert answer.stdout == ""
        assert answer.made == []


@pytest.mark.parametrize(
    "words",
    [
        "upscale photo.png",
        "upscale photo.png -o out -n torn.safetensors",
        "eval bicubic --dataset absent -s 2",
        "eval bicubic --dataset mixed -s 2",
        "train --config typo.yml",
        "train --config run.yml -o notes.txt",
    ],
)
def test_debug_shows_where_and_says_and_exits_the_same(
    answers: dict[str, Answer], folder: Path, words: str
) -> None:
    with in_folder(folder / words.replace("/", "-")):
        answer = ask(words, debug=True)
    traceback, separator, rest = answer.stderr.partition("\nsrkit: ")
    assert traceback.startswith("Traceback (most recent call last):")
    assert "cli/main.py" in traceback
    assert f"srkit: {rest}" == answers[words].stderr
    assert separator
    assert answer.code == answers[words].code
