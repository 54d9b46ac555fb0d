"""The report of a run stands alone: one page, nothing fetched, nothing run, nothing left out."""

import math
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from srkit.checkpoint import load_network
from srkit.errors import TrainingError
from srkit.training.config import TrainingConfig
from srkit.training.curves import Curve, chart
from srkit.training.log import RunLog
from srkit.training.loop import train
from srkit.training.report import write_report
from srkit.training.strips import Strips
from srkit.training.validation import Score
from srkit.training.watch import RunFacts, Watcher
from srkit.training.wording import facts_line

Configure = Callable[..., TrainingConfig]
VOID = {"meta", "img", "br", "polyline", "circle", "line"}


class Page(HTMLParser):
    """Collect the tags of a page, and check that each is closed in its place."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self._open: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))
        self.close()
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self._open and data.strip():
            self.words.append(data.strip())

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture(scope="module")
def run(configure: Configure, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "run"
    config = configure({"train.losses": {"l1": 1.0, "frequency": 0.1}})
    pictures = Strips(folder / "visualization", step=0)
    train(config, folder, command="srkit train --name 'a <b>'", watch=pictures)
    write_report(folder)
    return folder


def test_the_page_asks_for_nothing_and_runs_nothing(run: Path) -> None:
    page = Page(run / "report.html")
    assert not {tag for tag, _ in page.tags} & {"script", "link", "iframe", "object", "base", "a"}
    for _, attributes in page.tags:
        for key, value in attributes.items():
            assert not key.startswith("on")
            if key in ("src", "href", "srcset", "data", "action"):
                assert value is not None
                assert value.startswith("data:image/png;base64,")
    text = re.sub(r"base64,[^\"]*", "", (run / "report.html").read_text())
    assert "://" not in text
    assert not re.search(r"url\(|@import", text)
    (policy,) = [meta for meta in page.all("meta") if "http-equiv" in meta]
    assert "default-src 'none'" in str(policy["content"])


def test_the_page_tells_all_of_a_run(run: Path) -> None:
    page = Page(run / "report.html")
    text = "\n".join(page.words)
    assert "lapwave-s x2; finished after 12 steps" in text
    assert "srkit train --name 'a <b>'" in page.words
    assert (run / "config.yml").read_text().strip() in page.words
    assert {"Parameters", "Trained on", "Optimizer", "Validated on"} <= set(page.words)
    assert "1 x l1, 0.1 x frequency" in page.words
    charts = page.all("svg")
    assert len(charts) == 4  # loss, rate, PSNR and SSIM of one set
    assert all(svg["role"] == "img" and "at step" in str(svg["aria-label"]) for svg in charts)
    # Two images, after the first and the last validation.
    pictures = page.all("img")
    assert len(pictures) == 4
    assert "cat after 12 steps" in str(pictures[2]["alt"])
    table = [words for words in page.words if re.fullmatch(r"\d+\.\d{3} / 0\.\d{4}", words)]
    assert len(table) == 2


def test_the_page_can_be_made_again(run: Path) -> None:
    before = (run / "report.html").read_bytes()
    (run / "report.html").unlink()
    assert write_report(run) == run / "report.html"
    assert (run / "report.html").read_bytes() == before


def test_a_run_without_validation_has_a_report(configure: Configure, tmp_path: Path) -> None:
    train(configure({"datasets.val": []}), tmp_path / "run")
    page = Page(tmp_path / "run" / "report.html")
    assert len(page.all("svg")) == 2
    assert "Samples" not in page.words
    assert "Validations" not in page.words


def test_a_session_that_was_stopped_has_a_report(configure: Configure, tmp_path: Path) -> None:
    train(configure(), tmp_path / "run", max_seconds=0)
    page = Page(tmp_path / "run" / "report.html")
    assert "lapwave-s x2; stopped after 1 of 12 steps, --resume goes on" in page.words
    assert not page.all("svg")  # the first line of the log would be at step 3


def test_damaged_states_leave_the_log_to_report(configure: Configure, tmp_path: Path) -> None:
    train(configure(), tmp_path / "run")
    for state in (tmp_path / "run" / "training_states").iterdir():
        state.write_bytes(b"")
    write_report(tmp_path / "run")
    assert "finished after 12 steps" in (tmp_path / "run" / "report.html").read_text()


def test_names_are_no_markup(configure: Configure, tmp_path: Path) -> None:
    train(configure({"datasets.val": []}), tmp_path / "run")
    log = RunLog(tmp_path / "run" / "log", step=12)
    name = "<script>\"&'</script>"
    log.scored(12, Score(set_name=name, protocol="sr-y", psnr=30, ssim=math.nan), best=True)
    log.close()
    write_report(tmp_path / "run")
    page = Page(tmp_path / "run" / "report.html")
    assert not page.all("script")
    assert f"{name}: PSNR in dB (sr-y)" in "".join(page.words)
    assert "30.000 / -" in page.words


def test_a_folder_without_a_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"no run here"):
        write_report(tmp_path)
    assert not list(tmp_path.iterdir())


def drawn(*values: float, **options: Any) -> ElementTree.Element:
    points = [(100 * (index + 1), value) for index, value in enumerate(values)]
    text = chart("Loss", [Curve(name="loss", points=points)], form=".4g", **options)
    return ElementTree.fromstring(text)  # noqa: S314 - our own, and it checks the form


def places(figure: ElementTree.Element) -> list[tuple[float, float]]:
    (line,) = figure.iter("polyline")
    pairs = (pair.split(",") for pair in line.attrib["points"].split())
    return [(float(left), float(top)) for left, top in pairs]


def test_a_logarithmic_axis_gives_every_decade_the_same_height() -> None:
    figure = drawn(1.0, 0.1, 0.01, log=True)
    (_, first), (_, second), (_, third) = places(figure)
    assert second - first == pytest.approx(third - second, abs=0.2)
    ticks = [text.text for text in figure.iter("text")]
    assert {"0.01", "0.1", "1"} <= set(ticks)


@pytest.mark.parametrize(
    "values",
    [
        (0.5,),
        (0.5, 0.5, 0.5),
        (0.0,),
        (0.0, 0.0),
        (-3.0, 2.0),
        (1e-9, 1e9),
        (0.5000001, 0.5),
        (math.nan, 0.5, math.inf),
        (31.2, 31.21),
        (1e-30, 2e-30),
        (123456.0, 234567.0),
    ],
)
@pytest.mark.parametrize("log", [False, True])
def test_any_numbers_lie_inside_the_picture(values: tuple[float, ...], log: bool) -> None:
    figure = drawn(*values, log=log, peak=True)
    finite = [value for value in values if math.isfinite(value)]
    points = places(figure)
    assert len(points) == len(finite)
    assert all(64 <= left <= 540 and 30 <= top <= 220 for left, top in points)
    order = sorted(range(len(finite)), key=lambda index: finite[index])
    heights = [points[index][1] for index in order]
    assert heights == sorted(heights, reverse=True)
    ticks = [text for text in figure.iter("text") if text.get("text-anchor") == "end"]
    assert 2 <= len(ticks) <= 30


def test_nothing_finite_is_no_chart() -> None:
    assert chart("Loss", [], form=".4g") == ""
    assert chart("Loss", [Curve(name="loss", points=[(1, math.nan)])], form=".4g") == ""


def test_a_long_curve_is_thinned_and_keeps_its_mean() -> None:
    values = [float(index % 2) for index in range(10_000)]
    figure = drawn(*values)
    points = places(figure)
    assert 200 <= len(points) <= 400
    assert not list(figure.iter("circle"))
    assert all(top == pytest.approx(125, abs=12) for _, top in points)


def test_the_highest_is_marked() -> None:
    figure = drawn(30.0, 32.0, 31.0, peak=True)
    assert "best 32 at 200" in [text.text for text in figure.iter("text")]
    titles = [title.text for title in figure.iter("title")]
    assert titles == ["loss: 30 at step 100", "loss: 32 at step 200", "loss: 31 at step 300"]


def test_parameters_are_those_of_the_checkpoint(configure: Configure, tmp_path: Path) -> None:
    network = {"type": "sr_network", "features": 8, "blocks": 1, "block": "convolution"}
    config = configure({"network_g": network | {"expansion": 16}, "train.total_iter": 1})
    said: list[RunFacts] = []

    class Listener(Watcher):
        def started(self, facts: RunFacts) -> None:
            said.append(facts)

    outcome = train(config, tmp_path / "run", watch=Listener())
    kept = load_network(str(outcome.checkpoint)).module
    released = sum(weight.numel() for weight in kept.parameters())
    (facts,) = said
    assert facts.parameters == released < facts.trained_parameters
    both = f"{released:,} ({facts.trained_parameters:,} while it is trained)"
    assert f"sr_network, {both} parameters" in facts_line(facts)
    words = Page(tmp_path / "run" / "report.html").words
    assert f"{released:,}" in words
    assert both in words
