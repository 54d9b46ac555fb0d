"""What `srkit upscale` says on stderr while it works.

On a terminal a bar with rate and time left, and for a single image its line; otherwise a line for
every image. Failures are one line each on both, and nothing but them with --quiet.
"""

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from srkit.images.naming import display_name
from srkit.inference.batch import Done, Refused, Report, Watcher
from srkit.inference.result_names import Job


class Rate(ProgressColumn):
    """Images a second, or seconds an image when that is the easier number."""

    def render(self, task: Task) -> Text:
        speed = task.speed
        if not speed:
            return Text("")
        return Text(f"{speed:.1f} images/s" if speed >= 1 else f"{1 / speed:.1f} s/image")


class Reporter(Watcher):
    """Shows a batch on stderr; a context manager, because a bar must be taken down again."""

    def __init__(self, *, quiet: bool, skips: bool = True) -> None:
        self.quiet = quiet
        self.skips = skips  # whether results that are there are this run's
        console = Console(stderr=True)
        self.bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.completed:.0f}/{task.total:.0f}"),
            TextColumn("{task.fields[tiles]}"),
            Rate(),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=quiet or not console.is_terminal,
        )
        self.finished = 0
        self.written = 0
        self.images = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.bars.stop()
        if isinstance(error, KeyboardInterrupt) and self.images > 1 and not self.quiet:
            done = f"{self.written} done of {self.images}"
            self._say(f"srkit: stopped: {done}{'; --existing skip goes on' if self.skips else ''}")

    def begin(self, images: int) -> None:
        self.images = images
        self.task = self.bars.add_task("", total=images, tiles="")
        self.bars.start()

    def start(self, job: Job) -> None:
        self.bars.update(self.task, description=escape(display_name(job.source.name)), tiles="")

    def tile(self, done: int, total: int) -> None:
        self.bars.update(
            self.task, completed=self.finished + done / total, tiles=f"tile {done}/{total}"
        )

    def done(self, result: Done) -> None:
        self._count()
        self.written += 1
        # A single image's bar is soon gone again; its line stays.
        if (self.bars.disable or self.images == 1) and not self.quiet:
            target, size = display_name(result.target), f"{result.width}x{result.height}"
            self._say(f"{display_name(result.source)} -> {target} ({size})")

    def refused(self, failure: Refused) -> None:
        self._count()
        self._say(f"srkit: {failure.reason}")

    def notice(self, text: str) -> None:
        if not self.quiet:
            self._say(f"srkit: {text}")

    def summarise(self, report: Report) -> None:
        """Count what became of the images, where one line does not say it all."""
        if not self.quiet and (self.images != 1 or report.skipped):
            self._say(report.summary)

    def _count(self) -> None:
        self.finished += 1
        self.bars.update(self.task, completed=self.finished)

    def _say(self, line: str) -> None:
        # As it is: names of files are no markup, and a line stays one line.
        self.bars.console.print(Text(line), soft_wrap=True)
