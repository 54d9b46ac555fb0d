"""`srkit models`: what can be used at once, and what can be trained."""

from typing import Annotated

import typer

from srkit.cli.options import AsJson


def models(
    attention: Annotated[
        bool, typer.Option("--attention", help="List the attention mechanisms instead.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List the released models with their scores, and the models that can be trained."""
    if attention:
        _attention(as_json)
        return
    import json
    import sys
    from dataclasses import asdict

    from rich.console import Console
    from rich.table import Table

    from srkit.checkpoint import read_header, released
    from srkit.models import CLASSIFIER_PRESETS, CLASSIFIERS, PRESETS
    from srkit.training.score import FORMS, briefly

    headers = {name: read_header(path) for name, path in released().items()}
    if as_json:
        found = {name: asdict(h) | {"path": str(h.path)} for name, h in headers.items()}
        trainable = {"trainable": list(PRESETS), "classifiers": list(CLASSIFIER_PRESETS)}
        typer.echo(json.dumps({"released": found} | trainable, indent=2))
        return
    table = Table("model", "scale", "scores", "what it is", title="Released models")
    for name, header in headers.items():
        scores = ", ".join(
            f"{score['set']} {briefly(key, score[key])} ({score['protocol']})"
            for score in header.card.scores
            for key in [key for key in FORMS if key in score][:1]
        )
        scale = "" if header.model in CLASSIFIERS else f"x{header.config.get('scale', 1)}"
        table.add_row(name, scale, scores, header.card.summary)
    # A pipe has no width of its own: leave the rows whole.
    console = Console() if sys.stdout.isatty() else Console(width=200)
    console.print(table)
    console.print(f"To train: {', '.join(PRESETS)}")
    console.print(f"To train as classifiers: {', '.join(CLASSIFIER_PRESETS)}")


def _attention(as_json: bool) -> None:
    import json
    import sys
    from dataclasses import asdict

    from rich.console import Console
    from rich.table import Table

    from srkit.layers.catalogue import CHANNELS, catalogue

    mechanisms = catalogue()
    if as_json:
        typer.echo(json.dumps([asdict(one) for one in mechanisms], indent=2))
        return
    title = f"Attention mechanisms, and their parameters for {CHANNELS} channels"
    table = Table(
        "name", "category", "scope", "parameters", "setting", "what it is", "source", title=title
    )
    for one in mechanisms:
        scope = "global, or a window" if one.local_form else one.scope
        setting = "for bursts" if one.slot == "burst" else f"network_g.{one.slot}"
        cells = one.name, one.category, scope, f"{one.parameters:,}", setting, one.title, one.source
        table.add_row(*cells)
    console = Console() if sys.stdout.isatty() else Console(width=350)
    console.print(table)
