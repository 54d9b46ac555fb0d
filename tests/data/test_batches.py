"""A batch is a pure function of (seed, step, place), drawn from folders and positions by chance."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from skimage import data

from srkit.data.batches import BatchSource
from srkit.data.degradations import create_degradation
from srkit.data.part import Part
from srkit.data.symmetry import turn
from srkit.data.training_set import TrainingSet
from srkit.images.image import Samples
from srkit.transforms.resize import imresize

SCALE = 2
SIZES = ((9, 12), (20, 7), (5, 5))  # 5x8, 16x3 and 1 positions of a patch of 5
BATCH = 6


def repeated(lr: Samples) -> Samples:
    return lr.repeat(SCALE, axis=0).repeat(SCALE, axis=1)


def parts(
    sizes: Sequence[tuple[int, int]] = SIZES, folders: Sequence[int] = (0, 0, 0)
) -> list[Part]:
    """Parts whose HR pixels are their LR pixel repeated, so that a shifted crop shows."""
    random = np.random.default_rng(0)
    made = []
    for folder, size in zip(folders, sizes, strict=True):
        lr = random.integers(0, 256, (*size, 3), dtype=np.uint8)
        made.append(Part(folder=folder, hr=repeated(lr), lr=lr))
    return made


def source(
    *,
    seed: int = 0,
    patch_size: Callable[[int], int] = lambda step: 5,
    of: list[Part] | None = None,
    weights: tuple[float | None, ...] = (None,),
    use_hflip: bool = True,
    use_rot: bool = True,
) -> BatchSource:
    return BatchSource(
        TrainingSet(parts=parts() if of is None else of, weights=weights, images=3, megapixels=0),
        scale=SCALE,
        patch_size=patch_size,
        batch_size=lambda step: BATCH,
        seed=seed,
        use_hflip=use_hflip,
        use_rot=use_rot,
    )


@given(st.integers(0, 2**32 - 1), st.integers(0, 10**7), st.data())
def test_a_patch_is_a_function_of_seed_step_and_place(
    seed: int, step: int, choose: st.DataObject
) -> None:
    start = choose.draw(st.integers(0, BATCH - 1))
    stop = choose.draw(st.integers(start + 1, BATCH))
    drawing = source(seed=seed)
    whole = drawing.draw(step, 0, BATCH)
    drawing.draw(step + 1, 0, 3)  # what is drawn in between does not matter
    part = source(seed=seed).draw(step, start, stop)
    assert torch.equal(part.lr, whole.lr[start:stop])
    assert torch.equal(part.hr, whole.hr[start:stop])


def test_other_seeds_steps_and_places_give_other_patches() -> None:
    patches = [
        source(seed=seed).draw(step, place, place + 1).hr.numpy().tobytes()
        for seed, step, place in ((0, 5, 0), (1, 5, 0), (0, 6, 0), (0, 5, 1), (5, 0, 0), (0, 0, 5))
    ]
    assert len(set(patches)) == len(patches)


def test_lr_and_hr_show_the_same_place_turned_the_same_way() -> None:
    drawing = source()
    for step in range(20):
        lr, hr = drawing.draw(step, 0, BATCH)
        assert torch.equal(lr.repeat_interleave(SCALE, 2).repeat_interleave(SCALE, 3), hr)


def test_has_the_shape_range_and_memory_format_the_model_wants() -> None:
    lr, hr = source().draw(0, 0, BATCH)
    assert lr.shape == (6, 3, 5, 5)
    assert hr.shape == (6, 3, 10, 10)
    for images in (lr, hr):
        assert images.dtype == torch.float32
        assert 0 <= images.min() <= images.max() <= 1
        assert images.is_contiguous(memory_format=torch.channels_last)


def test_levels_become_exactly_what_dividing_by_255_gives() -> None:
    ramp = np.arange(256, dtype=np.uint8).repeat(3).reshape(16, 16, 3)
    drawing = source(
        of=[Part(folder=0, hr=repeated(ramp), lr=ramp)],
        patch_size=lambda step: 16,
        use_hflip=False,
        use_rot=False,
    )
    lr = drawing.draw(0, 0, 1).lr
    assert torch.equal(lr[0, 0].flatten(), torch.arange(256) / 255)


def test_the_patch_size_follows_the_step() -> None:
    drawing = source(patch_size=lambda step: 3 if step < 10 else 5)
    assert drawing.draw(9, 0, 1).lr.shape[-1] == 3
    assert drawing.draw(10, 0, 1).lr.shape[-1] == 5
    assert drawing.draw(9, 0, 1).hr.shape[-1] == 6


def drawn_from(drawing: BatchSource, draws: int, size: int = 5) -> list[int]:
    """Count how often each part was drawn from, finding every patch in it."""
    counts = [0] * len(drawing.training_set.parts)
    windows = [
        np.lib.stride_tricks.sliding_window_view(part.lr, (size, size, 3)).reshape(
            -1, size, size, 3
        )
        for part in drawing.training_set.parts
        if part.lr is not None
    ]
    known = {window.tobytes(): index for index, some in enumerate(windows) for window in some}
    for step in range(draws // BATCH):
        for patch in drawing.draw(step, 0, BATCH).lr:
            samples = (patch.permute(1, 2, 0) * 255).round().numpy().astype(np.uint8)
            turned = (np.ascontiguousarray(turn(samples, symmetry)) for symmetry in range(8))
            counts[next(known[t.tobytes()] for t in turned if t.tobytes() in known)] += 1
    return counts


def require_shares(counts: list[int], shares: Sequence[float]) -> None:
    draws = sum(counts)
    for count, share in zip(counts, shares, strict=True):
        expected = draws * share / sum(shares)
        assert abs(count - expected) < 5 * expected**0.5, (counts, shares)


def test_every_position_of_every_image_is_as_likely() -> None:
    require_shares(drawn_from(source(), 3000), (40, 48, 1))


def test_every_position_of_an_image_is_drawn() -> None:
    drawing = source(of=parts(((6, 7),), (0,)), use_hflip=False, use_rot=False)
    seen = {
        patch.numpy().tobytes() for step in range(40) for patch in drawing.draw(step, 0, BATCH).lr
    }
    assert len(seen) == 2 * 3


def test_folders_are_drawn_from_by_their_weights() -> None:
    drawing = source(of=parts(folders=(0, 0, 1)), weights=(1.0, 3.0))
    # Within the first folder by positions, whatever the weights.
    require_shares(drawn_from(drawing, 3000), (40 / 88, 48 / 88, 3))


def test_no_part_smaller_than_the_patch_is_left_out_or_cut() -> None:
    drawing = source(of=parts(((5, 5), (5, 6)), (0, 0)))
    require_shares(drawn_from(drawing, 600), (1, 2))


@given(st.integers(1, 6), st.integers(1, 6), st.integers(0, 7))
def test_the_symmetries_are_numpys(height: int, width: int, symmetry: int) -> None:
    whole = np.random.default_rng(0).integers(0, 256, (8, 9, 3), dtype=np.uint8)
    patch = whole[1 : 1 + height, 2 : 2 + width]  # rows with gaps between them, as in an image
    rotated = np.rot90(patch, symmetry % 4)
    np.testing.assert_array_equal(
        turn(patch, symmetry), rotated[:, ::-1] if symmetry > 3 else rotated
    )


def test_flips_and_rotations_can_be_switched_off() -> None:
    lr = np.random.default_rng(0).integers(0, 256, (5, 5, 3), dtype=np.uint8)
    only = [Part(folder=0, hr=repeated(lr), lr=lr)]
    for hflip, rot, expected in (
        (False, False, 1),
        (True, False, 2),
        (False, True, 4),
        (True, True, 8),
    ):
        drawing = source(of=only, use_hflip=hflip, use_rot=rot)
        seen = {
            patch.numpy().tobytes()
            for step in range(20)
            for patch in drawing.draw(step, 0, BATCH).lr
        }
        assert len(seen) == expected


def degrading(photograph: Samples, *, scale: int, turning: bool) -> BatchSource:
    """Degrade by MATLAB's bicubic alone, patch by patch."""
    clean = {"type": "classical", "blur_prob": 0, "noise_prob": 0, "jpeg_prob": 0}
    photograph.flags.writeable = False  # as mapped files are
    return BatchSource(
        TrainingSet(
            parts=[Part(folder=0, hr=photograph, lr=None)],
            weights=(None,),
            images=1,
            megapixels=0,
        ),
        scale=scale,
        patch_size=lambda step: 12 if step else 30,
        batch_size=lambda step: BATCH,
        seed=0,
        use_hflip=turning,
        use_rot=turning,
        degradation=create_degradation(clean, scale=scale),
    )


def bicubic_levels(hr: torch.Tensor, scale: int) -> torch.Tensor:
    return (imresize(hr[None], scale=1 / scale)[0].clamp(0, 1) * 255).round()


@pytest.mark.parametrize("scale", [1, 2, 3, 4])
def test_degraded_patches_are_those_of_the_whole_image(scale: int) -> None:
    """Drawn with a margin, they do not show that they were degraded one by one."""
    photograph = np.ascontiguousarray(data.astronaut()[: 36 * scale, 100 : 100 + 30 * scale])
    whole_hr = torch.from_numpy(photograph.copy()).permute(2, 0, 1) / 255
    whole_lr = bicubic_levels(whole_hr, scale)
    drawing = degrading(photograph, scale=scale, turning=False)
    for step in range(3):
        for lr, hr in zip(*drawing.draw(step, 0, BATCH), strict=True):
            size = lr.shape[-1]
            places = [
                (top, left)
                for top in range(36 - size + 1)
                for left in range(30 - size + 1)
                if torch.equal(
                    whole_hr[:, top * scale :, left * scale :][:, : size * scale, : size * scale],
                    hr,
                )
            ]
            ((top, left),) = places
            expected = whole_lr[:, top : top + size, left : left + size]
            assert ((lr * 255).round() - expected).abs().max() <= 1


def test_degraded_patches_are_turned_like_their_hr_patches() -> None:
    photograph = np.ascontiguousarray(data.astronaut()[:144, 100:220])
    drawing = degrading(photograph, scale=4, turning=True)
    inside = slice(3, -3)  # what the cubic's four pixels do not reach from the border
    told_apart = 0.0
    for step in range(3):
        for lr, hr in zip(*drawing.draw(step, 0, BATCH), strict=True):
            levels = (lr * 255).round()
            difference = (levels - bicubic_levels(hr, 4))[:, inside, inside]
            assert difference.abs().max() <= 1
            mirrored = levels.flip(2) - bicubic_levels(hr, 4)
            told_apart = max(told_apart, float(mirrored[:, inside, inside].abs().max()))
    assert told_apart > 50


@pytest.mark.parametrize("kind", ["classical", "second_order"])
def test_degraded_patches_do_not_depend_on_threads(kind: str) -> None:
    photograph = np.ascontiguousarray(data.astronaut()[:128, 100:228])
    drawing = degrading(photograph, scale=2, turning=True)
    drawing.degradation = create_degradation({"type": kind}, scale=2)
    before = torch.get_num_threads()
    drawn = []
    for threads in (1, 2, 3):
        torch.set_num_threads(threads)
        drawn.append(drawing.draw(5, 0, 4))
        assert torch.get_num_threads() == threads
    torch.set_num_threads(before)
    for other in drawn[1:]:
        assert torch.equal(other.lr, drawn[0].lr)
        assert torch.equal(other.hr, drawn[0].hr)
