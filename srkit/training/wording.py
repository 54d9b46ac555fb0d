"""How what a run does is said to people, the same in its log and on the screen."""

from srkit.images.naming import one_line
from srkit.training.score import FORMS, SetScore
from srkit.training.watch import RunFacts


def count_of(parameters: int, trained: int) -> str:
    """Give how many parameters a checkpoint has, and how many are trained for it.

    >>> count_of(18_428, 168_972), count_of(96_120, 96_120)
    ('18,428 (168,972 while it is trained)', '96,120')
    """
    more = f" ({trained:,} while it is trained)" if trained != parameters else ""
    return f"{parameters:,}{more}"


def facts_line(facts: RunFacts) -> str:
    """Say what is about to be trained, on what and from where."""
    where = facts.device if facts.processes == 1 else f"{facts.processes} x {facts.device}"
    images = "image" if facts.images == 1 else "images"
    parts = [
        f"{facts.name}: {facts.model}, {count_of(facts.parameters, facts.trained_parameters)} "
        "parameters",
        f"{where}, {facts.precision}",
        f"{facts.images:,} {images}, {facts.megapixels:,.2f} megapixels of {facts.data}",
        f"resumed after step {facts.first_step:,} of {facts.steps:,}"
        if facts.resumed
        else f"{facts.steps:,} steps",
    ]
    if facts.taken:
        parts.append(facts.taken)
    return one_line("; ".join(parts))


def loss_line(step: int, total: float, terms: dict[str, float], rate: float) -> str:
    """Say the mean loss, its terms where there are several, and the learning rate."""
    line = f"step {step:,}  loss {total:.5f}"
    if len(terms) > 1:
        line += f" ({', '.join(f'{name} {value:.5f}' for name, value in terms.items())})"
    return f"{line}  rate {rate:.2e}"


def score_line(step: int, score: SetScore, *, best: bool) -> str:
    """Say a validation under its protocol."""
    line = f"step {step:,}  {one_line(score.set_name)} {score.protocol}"
    for name, value in score.numbers.items():
        line += f"  {FORMS[name].label} {value:{FORMS[name].read}}"
    return f"{line}  best so far" if best else line
