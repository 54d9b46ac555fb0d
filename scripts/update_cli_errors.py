"""Write tests/data/cli_errors.txt: what the command line says about every mistake in the table.

    python scripts/update_cli_errors.py

The table is tests/promises/cli_mistakes.py. Look at the difference before you commit it.
"""

import runpy
import tempfile
from pathlib import Path

TABLE = Path(__file__).resolve().parent.parent / "tests" / "promises" / "cli_mistakes.py"


def main() -> None:
    """Ask everything once, in a folder of its own."""
    table = runpy.run_path(str(TABLE))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        with table["in_folder"](folder):
            text = table["as_text"](table["ask_all"](folder), folder)
    table["GOLDEN"].write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
