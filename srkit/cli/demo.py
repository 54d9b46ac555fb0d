"""`srkit demo`: the page in the browser. It lives in app.py, the only file that imports gradio."""

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Annotated

import typer

from srkit.errors import SrkitError
from srkit.startup import ending_at_once


def demo(
    port: Annotated[
        int | None,
        typer.Option(
            min=1, max=65535, help="Port to listen on [default: 7860, or the next free one]."
        ),
    ] = None,
    open_browser: Annotated[
        bool, typer.Option("--open", help="Open the page in the browser.")
    ] = False,
) -> None:
    """Show the demo in the browser, at an address of this machine only, until Ctrl-C."""
    load_app().main(port=port, open_browser=open_browser)


def load_app() -> ModuleType:
    """Import app.py, which is in the package when installed and beside it in a checkout.

    Raises: SrkitError when it is in neither place.
    """
    package = Path(__file__).resolve().parent.parent
    for path in (package / "app.py", package.parent / "app.py"):
        if path.is_file():
            spec = importlib.util.spec_from_file_location("srkit_app", path)
            assert spec is not None, "a file that ends in .py can be imported"
            assert spec.loader is not None
            app = importlib.util.module_from_spec(spec)
            with ending_at_once():
                spec.loader.exec_module(app)
            return app
    raise SrkitError("app.py, the demo, is not installed along with srkit")
