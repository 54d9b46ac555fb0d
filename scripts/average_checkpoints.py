"""Average the weights of checkpoints that were trained on from the same one.

    python scripts/average_checkpoints.py A.safetensors B.safetensors ... -o OUT.safetensors
        [--shares 3 1 ...]

Networks that part from common weights and are trained further in different ways mostly lie in one
basin, and what is in the middle of them is better than each (Wortsman et al., "Model soups:
averaging weights of multiple fine-tuned models improves accuracy without increasing inference
time", ICML 2022, https://arxiv.org/abs/2203.05482). All count alike, so that nothing is chosen by a
score, unless `--shares` says how much each counts: it goes from one's strengths to the other's. The
card is the first one's, with the steps and hours of all.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import torch

from srkit import checkpoint
from srkit.errors import SrkitError
from srkit.models import settings_of


def main() -> None:
    """Average and save."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("checkpoints", type=Path, nargs="+")
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--shares", type=float, nargs="+", help="of each [default: alike]")
    arguments = parser.parse_args()
    shares = torch.tensor(arguments.shares or [1.0] * len(arguments.checkpoints))
    if len(shares) != len(arguments.checkpoints) or not (shares > 0).all():
        parser.error("--shares: one positive number for each checkpoint")
    first, *others = [checkpoint.load(path) for path in arguments.checkpoints]
    for other in others:
        if settings_of(other.module) != settings_of(first.module):
            raise SrkitError(f"{other.path}: is not built as {first.path} is")
    states = [one.module.state_dict() for one in (first, *others)]
    first.module.load_state_dict(
        {
            name: torch.einsum(
                "n,n...->...", shares / shares.sum(), torch.stack([state[name] for state in states])
            )
            for name in states[0]
        }
    )
    cards = [one.card for one in (first, *others)]
    card = replace(
        first.card,
        steps=sum(card.steps for card in cards),
        hours=round(sum(card.hours for card in cards), 3),
    )
    checkpoint.save(arguments.output, first.module, card)


if __name__ == "__main__":
    main()
