"""Cutting images into parts: every pixel in exactly one of them."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from srkit.data.part import Part, cut


@given(st.data(), st.integers(1, 4), st.integers(1, 8), st.integers(0, 60))
def test_every_pixel_is_in_exactly_one_part(
    choose: st.DataObject, scale: int, smallest: int, size: int
) -> None:
    height, width = (choose.draw(st.integers(smallest, 30)) for _ in range(2))
    # Every pixel's value is its place.
    lr = np.arange(height * width * 3, dtype=np.uint16).reshape(height, width, 3)
    hr = lr.repeat(scale, axis=0).repeat(scale, axis=1)
    places = np.arange(hr.size, dtype=np.uint16).reshape(hr.shape)
    whole = Part(folder=7, hr=places, lr=lr)
    parts = list(cut(whole, size, scale=scale, smallest=smallest))
    for samples, found in (
        (places, [part.hr for part in parts]),
        (lr, [part.lr for part in parts if part.lr is not None]),
    ):
        together = np.concatenate([part.ravel() for part in found])
        assert sorted(together) == samples.ravel().tolist()
    for part in parts:
        assert part.folder == 7
        assert part.lr is not None
        assert min(part.lr.shape[:2]) >= smallest
        assert (part.height, part.width) == (scale * part.lr.shape[0], scale * part.lr.shape[1])
        np.testing.assert_array_equal(  # the LR part shows the place of the HR part
            hr[np.isin(places, part.hr)].reshape(part.hr.shape)[::scale, ::scale], part.lr
        )
    for sides in ({part.height for part in parts}, {part.width for part in parts}):
        assert max(sides) - min(sides) <= scale


@given(st.integers(1, 3000), st.integers(10, 600))
def test_parts_have_about_the_size_asked_for(side: int, size: int) -> None:
    whole = Part(folder=0, hr=np.zeros((side, 1, 3), np.uint8), lr=None)
    heights = [part.height for part in cut(whole, size, scale=1, smallest=1)]
    assert len(heights) == max(1, round(side / size))
    if len(heights) > 1:
        assert 2 / 3 * size - 1 <= min(heights)
        assert max(heights) <= 4 / 3 * size + 1


def test_size_0_leaves_images_whole() -> None:
    whole = Part(folder=0, hr=np.zeros((90, 60, 3), np.uint8), lr=None)
    (part,) = cut(whole, 0, scale=3, smallest=1)
    assert part.hr.shape == (90, 60, 3)
