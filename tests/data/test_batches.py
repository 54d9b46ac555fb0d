"""A batch is a pure function of (seed, step)."""

import numpy as np
import torch

from srkit.data.batches import BatchSource, turn
from srkit.data.pairs import Pair

SCALE = 2


def source(*, seed: int = 0, patch_size: int = 5, batch_size: int = 6) -> BatchSource:
    """Pairs whose HR pixels are their LR pixel repeated, so that a shifted crop shows."""
    random = np.random.default_rng(0)
    pairs = []
    for height, width in ((9, 12), (20, 7), (5, 5)):
        lr = random.integers(0, 256, (height, width, 3), dtype=np.uint8)
        hr = lr.repeat(SCALE, axis=0).repeat(SCALE, axis=1)
        pairs.append(Pair(name=f"{height}x{width}", scale=SCALE, hr=hr, lr=lr))
    return BatchSource(pairs, scale=SCALE, patch_size=patch_size, batch_size=batch_size, seed=seed)


def test_equal_seed_and_step_give_equal_batches() -> None:
    first, again = source().draw(7), source().draw(7)
    assert torch.equal(first.lr, again.lr)
    assert torch.equal(first.hr, again.hr)


def test_another_step_or_seed_gives_another_batch() -> None:
    batch = source().draw(7)
    assert not torch.equal(batch.lr, source().draw(8).lr)
    assert not torch.equal(batch.lr, source(seed=1).draw(7).lr)


def test_lr_and_hr_show_the_same_place_turned_the_same_way() -> None:
    for step in range(20):
        lr, hr = source().draw(step)
        repeated = lr.repeat_interleave(SCALE, dim=2).repeat_interleave(SCALE, dim=3)
        assert torch.equal(repeated, hr)


def test_has_the_shape_range_and_memory_format_the_model_wants() -> None:
    lr, hr = source().draw(0)
    assert lr.shape == (6, 3, 5, 5)
    assert hr.shape == (6, 3, 10, 10)
    assert lr.dtype == torch.float32
    assert 0 <= lr.min() <= lr.max() <= 1
    assert lr.is_contiguous(memory_format=torch.channels_last)


def test_every_position_of_every_image_is_drawn_about_equally() -> None:
    batches = source(patch_size=5, batch_size=1)
    # 5x8 positions in the first image, 16x3 in the second, 1 in the third.
    shares = {pair.name: 0 for pair in batches.pairs}
    draws = 2000
    for step in range(draws):
        patch = (batches.draw(step).lr[0].permute(1, 2, 0) * 255).round().numpy().astype(np.uint8)
        for pair in batches.pairs:
            windows = np.lib.stride_tricks.sliding_window_view(pair.lr, (5, 5, 3))
            turned = [turn(patch, symmetry) for symmetry in range(8)]
            if any((windows == t).all(axis=(-1, -2, -3)).any() for t in turned):
                shares[pair.name] += 1
    for name, positions in (("9x12", 40), ("20x7", 48), ("5x5", 1)):
        expected = draws * positions / 89
        assert abs(shares[name] - expected) < 5 * expected**0.5


def test_the_eight_symmetries_differ_and_keep_the_pixels() -> None:
    patch = np.arange(27, dtype=np.uint8).reshape(3, 3, 3)
    turned = {turn(patch, symmetry).tobytes() for symmetry in range(8)}
    assert len(turned) == 8
    assert all(sorted(pixels) == sorted(patch.tobytes()) for pixels in turned)
