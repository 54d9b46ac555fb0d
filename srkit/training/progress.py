"""What a run shows on stderr: on a terminal a bar, otherwise a line now and then.

Convention
    On a terminal, validations and sentences stay above the bar, which goes when the run does.
    Elsewhere validations and sentences are lines of their own, and of the losses, or of images
    that are read, at most one in ten seconds; no control characters. NO_COLOR is respected.

The bar is drawn when there is something new, by the process that learnt it: no thread could be
caught drawing when loader workers are forked, or go on drawing over an error.
"""

import math
import time
from collections.abc import Callable, Iterable

from rich.console import Console, RenderableType
from rich.progress import BarColumn, TextColumn
from rich.progress import Progress as Bars
from rich.text import Text

from srkit.images.naming import one_line
from srkit.training.pace import Pace
from srkit.training.score import FORMS, SetScore, briefly
from srkit.training.watch import RunFacts, Watcher
from srkit.training.wording import facts_line, loss_line, score_line

REDRAWN = 0.1
"""Seconds between two drawings of the bar, at least."""
BETWEEN_LINES = 10.0
"""Seconds between two lines about the loss, where there is no bar."""


class Progress(Watcher):
    """Show a run on a console, stderr unless another is given; `close` gives the screen back."""

    def __init__(
        self, console: Console | None = None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._console = console or Console(stderr=True)
        self._clock = clock
        self._bar: _Bar | None = None
        self._drawn = self._printed = -math.inf
        self._read: float | None = None
        self._steps = 0
        self._loss = ""
        self._scores: dict[str, str] = {}
        self._best = ""

    def said(self, line: str) -> None:
        """Print a sentence, above the bar if there is one."""
        # As it is: names of files are no markup, and a line stays one line.
        self._console.print(Text(one_line(line)), soft_wrap=True)

    def warn(self, line: str) -> None:
        """Print a sentence that stands out."""
        self._console.print(Text(f"warning: {one_line(line)}", style="yellow"), soft_wrap=True)

    def reading(self, done: int, total: int) -> None:
        """Draw how many images are read; the bar goes with the last."""
        if done >= total:
            self.close()
        elif self._due():
            self._draw("reading images", done, total)
        elif not self._console.is_interactive:
            now = self._clock()
            if self._read is None:
                self._read = now  # nothing is said of what is soon over
            elif now - self._read >= BETWEEN_LINES:
                self._read = now
                self.said(f"reading images: {done:,} of {total:,}")

    def started(self, facts: RunFacts) -> None:
        """Print what is trained, and draw the bar over the steps."""
        self.close()
        self.said(facts_line(facts))
        self._steps = facts.steps
        self._draw(one_line(facts.name), facts.first_step, facts.steps)

    def stepped(self, step: int, pace: Pace) -> None:
        """Move the bar on."""
        if self._due():
            self._draw(None, step, self._steps, pace.words(step, self._steps))

    def losses(
        self, step: int, total: float, terms: dict[str, float], rate: float, pace: Pace
    ) -> None:
        """Show the loss below the bar, or print a line when the last one is long ago."""
        self._loss = f"loss {total:.5f}  rate {rate:.2e}"
        if self._console.is_interactive or self._clock() - self._printed < BETWEEN_LINES:
            return
        self._printed = self._clock()
        words = pace.words(step, self._steps)
        self.said(f"{loss_line(step, total, terms, rate)}  {words}")

    def scored(self, step: int, score: SetScore, *, best: bool) -> None:
        """Print a validation and keep it below the bar."""
        # The best is the first set's; a resumed run does not say what it was before.
        first = score.set_name == next(iter(self._scores), score.set_name)
        self.said(score_line(step, score, best=best and first))
        if first and best:
            number = f"{score.deciding[1]:{FORMS[score.deciding[0]].brief}}"
            self._best = f" (best {number} at {step:,})"
        shown = f"{one_line(score.set_name)} {briefly(*score.deciding)}"
        words = f"{shown}{self._best if first else ''}"
        self._scores[score.set_name] = words

    def ended(self, step: int, words: str) -> None:
        """Take the bar down and print how the session ended."""
        self.close()
        self.said(f"ended after step {step:,}: {words}")

    def close(self) -> None:
        """Take the bar down, if it is up, and show the cursor again; may be called repeatedly."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def _due(self) -> bool:
        return self._console.is_interactive and self._clock() - self._drawn >= REDRAWN

    def _draw(self, description: str | None, done: int, total: int, pace: str = "") -> None:
        # A terminal that cannot move its cursor gets lines, as a file does.
        if not self._console.is_interactive:
            return
        self._drawn = self._clock()
        if self._bar is None:
            # A new one each time: an old one would draw over what was printed since.
            self._bar = _Bar(self._console)
        below = "  ".join(part for part in (self._loss, *self._scores.values()) if part)
        self._bar.show(description, done, total, pace, below)


class _Bar(Bars):
    """One bar, and a line of numbers below it."""

    def __init__(self, console: Console) -> None:
        self.below = ""
        super().__init__(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=None),
            TextColumn("{task.completed:,.0f}/{task.total:,.0f}"),
            TextColumn("{task.fields[pace]}"),
            console=console,
            auto_refresh=False,
            transient=True,
            expand=True,
            # Worker processes would print through it too; the run itself prints to the console.
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._only = self.add_task("", total=1, pace="")

    def show(self, description: str | None, done: int, total: int, pace: str, below: str) -> None:
        """Draw the bar; None leaves its description as it is."""
        self.below = below
        self.update(self._only, description=description, completed=done, total=total, pace=pace)
        self.start()
        self.refresh()

    def get_renderables(self) -> Iterable[RenderableType]:
        """Draw the numbers, cut off at the edge, below the bar."""
        yield self.make_tasks_table(self.tasks)
        if self.below:
            yield Text(self.below, no_wrap=True, overflow="ellipsis", style="dim")
