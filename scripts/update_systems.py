"""Write docs/systems.md: every published system, the parts of srkit that are it, file and test.

    python scripts/update_systems.py

Which part belongs to which system stands below; where a part's code is, what tests it and what it
reached in the comparison is looked up. tests/test_docs.py fails where the page is not current.
"""

import inspect
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from srkit.layers.attention import ATTENTION, TEMPORAL_ATTENTION
from srkit.layers.attention.bridge import BridgeGate
from srkit.layers.blocks import BLOCKS
from srkit.layers.entrances import ENTRANCES
from srkit.layers.heads import HEADS
from srkit.layers.stages import STAGES
from srkit.models import CLASSIFIERS, MODELS, PRESETS

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "systems.md"
RESULTS = ROOT / "docs" / "ablation.json"
FAMILIES: Mapping[str, Mapping[str, Any]] = {
    "attention": ATTENTION,
    "temporal attention": TEMPORAL_ATTENTION,
    "gate": {"bridge": BridgeGate},
    "block": BLOCKS,
    "stage": STAGES,
    "entrance": ENTRANCES,
    "head": HEADS,
    "model": {name: model for name, (_, model) in MODELS.items()},
    "classifier": {name: model for name, (_, model) in CLASSIFIERS.items()},
    "configuration": {name: MODELS[model][1] for name, (model, _) in PRESETS.items()},
}
NAMED = ("model", "classifier", "configuration")
"""Slots whose entries tests call by their names."""
SURVEYED = "cbam srm gct fca soca sk split condconv dynamic_conv highway simam triplet coordinate"
SYSTEMS: dict[str, dict[str, str]] = {
    "WaveNet-C, wavelet channel attention (arXiv 2211.02695)": {
        "attention": "wavenet_c wavelet_bands"
    },
    "Attention mechanisms in computer vision: a survey (arXiv 2111.07624)": {
        "attention": f"{SURVEYED} strip lka non_local",
        "temporal attention": "frame frame_similarity",
    },
    "CAT, collaborating channel and spatial attention (arXiv 2212.06335)": {"attention": "cat"},
    "SDA-xNet, selective depth attention (arXiv 2209.10327)": {"stage": "sda"},
    "GhostNet (arXiv 1911.11907)": {"block": "ghost"},
    "C-Ghost and G-Ghost (arXiv 2201.03297)": {"block": "ghost", "stage": "g_ghost"},
    "BA-Net, bridge attention (arXiv 2112.04150)": {"gate": "bridge", "block": "bridge"},
    "WRN-B4-ECA (arXiv 2111.09451)": {"classifier": "wrn_eca", "attention": "eca"},
    "MogaNet (arXiv 2211.03295)": {"block": "moga"},
    "ECA-Net (arXiv 1910.03151)": {"attention": "eca"},
    "LPAE (arXiv 2208.12484)": {
        "model": "lpae lpsr lpae_srnet",
        "classifier": "lpae_classifier",
    },
    "DA2-Net, diverse and adaptive attention (arXiv 2111.13157)": {"attention": "da2"},
    "GCNet (arXiv 1904.11492)": {"attention": "gc"},
    "CMT (arXiv 2107.06263)": {"block": "cmt"},
    "SENet (arXiv 1709.01507)": {"attention": "se"},
    "Wavelets and Laplacian pyramids in super-resolution (surveyed in arXiv 2209.13131)": {
        "head": "wavelet laplacian",
        "entrance": "haar",
        "model": "dwsr mwcnn lapsrn ms_lapsrn",
    },
    "HaloNet (arXiv 2103.12731)": {"block": "halo"},
    "Wave-ViT (arXiv 2207.04978)": {"block": "wavelets", "configuration": "wavevit-sr"},
    "Res2Net (arXiv 1904.01169)": {"block": "res2net"},
}
HEAD = """# Published systems in srkit

<!-- Written by scripts/update_systems.py. -->

Each row is a paper; its parts are names that `srkit train` takes in a network's settings, so that
any of them can be combined, trained and measured, but for the temporal ones, which are for bursts,
and the gate of the block `bridge`, which are there in Python. What is srkit's own in a part, what
was reconstructed because no code was published, and which options give the paper's form, stands at
the top of its file. The last column is PSNR on Set14, x4, in the [comparison](ablation.md) of all
parts under one small budget. A dash stands where that comparison has nothing to compare: for
autoencoders, classifiers and attention over bursts, for a gate and a configuration whose block has
its own row, and for what is not yet trained.

| paper | part | file | tests | comparison |
|---|---|---|---|---|
"""
TAIL = """
Not from one of these papers: attention `none` and `haar_gate`, blocks `convolution` and
`residual`, stage `plain`, entrance `plain`, head `pixel_shuffle`; their files name what they go
back to.
"""


def main() -> None:
    """Write the page."""
    for path, text in documents().items():
        path.write_text(text, encoding="utf-8")


def documents() -> dict[Path, str]:
    """Give the text that the page should have."""
    scores = {}
    if RESULTS.exists():
        for row in json.loads(RESULTS.read_text(encoding="utf-8")):
            if row["seed"] == 0:
                place = "whole-networks" if row["slot"] == "type" else row["slot"]
                score = f"[{row['psnr']['Set14']:.2f} dB](ablation.md#{place})"
                scores[row["slot"], row["name"]] = score
    rows = []
    for paper, parts in SYSTEMS.items():
        shown = paper
        for slot, names in parts.items():
            for name in names.split():
                key = "type" if slot == "model" else slot
                score = scores.get((key, name), "-")
                rows.append(_row(shown, slot, name, score))
                shown = ""
    return {PAGE: HEAD + "\n".join(rows) + "\n" + TAIL}


def _row(paper: str, slot: str, name: str, score: str) -> str:
    part = inspect.unwrap(FAMILIES[slot][name])
    file = Path(inspect.getfile(part)).resolve().relative_to(ROOT)
    module = ".".join(file.with_suffix("").parts)
    tests = _tests(module, name, slot)
    linked = [f"[{path.name}](../{path.as_posix()})" for path in tests]
    files = f"[{file.as_posix()}](../{file.as_posix()})"
    return f"| {paper} | {slot} `{name}` | {files} | {', '.join(linked)} | {score} |"


def _tests(module: str, name: str, slot: str) -> list[Path]:
    """Find the tests that import a part, themselves or by a helper beside them, or name a model.

    Else those of its whole family.
    """
    found = []
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        own = path.read_text(encoding="utf-8")
        texts = [own, *(other.read_text(encoding="utf-8") for other in _helpers(path))]
        named = slot in NAMED and path.parent.name in ("models", "training") and f'"{name}"' in own
        if named or any(f"{module} import" in text for text in texts):
            found.append(path.relative_to(ROOT))
    return found or [Path("tests") / "layers" / f"test_{slot}s.py"]


def _helpers(path: Path) -> list[Path]:
    """List the modules of the same folder that a test imports, and those that they import."""
    found: list[Path] = []
    for name in re.findall(r"^from \.(\w+) import", path.read_text(encoding="utf-8"), re.MULTILINE):
        helper = path.parent / f"{name}.py"
        found += [helper, *_helpers(helper)]
    return found


if __name__ == "__main__":
    main()
