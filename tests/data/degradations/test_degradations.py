"""What every degradation must do, whatever it is; then each against what it is said to be."""

import hashlib
import itertools
from typing import Any

import numpy as np
import pytest
import scipy.ndimage
import torch
import torch.nn.functional as F
from skimage import data
from torch import Tensor

from srkit.data.degradations import DEGRADATIONS, Degradation, create_degradation, second_order
from srkit.data.degradations.kernels import bell
from srkit.transforms.resize import imresize

CODECS = ("kornia", "libjpeg")


@pytest.fixture(scope="module")
def image() -> Tensor:
    crop = np.ascontiguousarray(data.chelsea()[60:156, 120:240])
    return torch.from_numpy(crop).permute(2, 0, 1)[None].float() / 255


def create(kind: str, *, scale: int = 4, **settings: Any) -> Degradation:
    found = create_degradation({"type": kind, **settings}, scale=scale)
    assert found is not None
    return found


def run(degradation: Degradation, image: Tensor, seed: int = 0) -> Tensor:
    return degradation(image, generator=np.random.default_rng(seed))


def fingerprint(degradation: Degradation, image: Tensor, seeds: range) -> str:
    whole = b"".join(run(degradation, image, seed).numpy().tobytes() for seed in seeds)
    return hashlib.sha256(whole).hexdigest()


every = pytest.mark.parametrize(("kind", "codec"), list(itertools.product(DEGRADATIONS, CODECS)))


@every
@pytest.mark.parametrize("scale", [1, 2, 3, 4, 8])
def test_gives_levels_of_8_bits_at_the_scale(
    kind: str, codec: str, scale: int, image: Tensor
) -> None:
    degradation = create(kind, scale=scale, jpeg_codec=codec)
    for seed in range(4):
        lr = run(degradation, image, seed)
        assert lr.shape == (1, 3, 96 // scale, 120 // scale)
        assert lr.dtype == torch.float32
        assert 0 <= lr.min() <= lr.max() <= 1
        torch.testing.assert_close(lr * 255, (lr * 255).round(), atol=1e-4, rtol=0)


@every
def test_is_a_function_of_the_generator(kind: str, codec: str, image: Tensor) -> None:
    degradation, again = create(kind, jpeg_codec=codec), create(kind, jpeg_codec=codec)
    before = image.clone()
    assert fingerprint(degradation, image, range(6)) == fingerprint(again, image, range(6))
    assert fingerprint(degradation, image, range(6)) != fingerprint(again, image, range(6, 12))
    assert torch.equal(image, before)


@every
def test_stays_near_what_the_image_shows(kind: str, codec: str, image: Tensor) -> None:
    degradation = create(kind, jpeg_codec=codec)
    clean = imresize(image, scale=1 / 4)
    flat = clean.mean(dim=(2, 3), keepdim=True).expand_as(clean)
    errors = [float((run(degradation, image, n) - clean).square().mean()) for n in range(12)]
    assert max(errors) > 1e-4  # it does something
    assert np.median(errors) < float((flat - clean).square().mean())


@every
@pytest.mark.parametrize("size", [(1, 1), (3, 2)])
def test_takes_the_smallest_patch_with_its_margin(
    kind: str, codec: str, size: tuple[int, int]
) -> None:
    for scale in (1, 2, 3, 4, 8):
        degradation = create(kind, scale=scale, jpeg_codec=codec)
        margin = degradation.margin
        assert margin % scale == 0
        assert degradation.reach <= margin < degradation.reach + scale
        height, width = (scale * side + 2 * margin for side in size)
        hr = torch.rand(1, 3, height, width)
        for seed in range(3):
            assert run(degradation, hr, seed).shape == (1, 3, height // scale, width // scale)


def test_shrinking_a_lot_leaves_less_than_a_kernel(image: Tensor) -> None:
    degradation = create("second_order", resize_range=[0.02, 0.03], resize_prob=[0, 1, 0])
    assert run(degradation, image).shape == (1, 3, 24, 30)


def test_bicubic_is_no_degradation() -> None:
    assert create_degradation({}, scale=2) is None
    assert create_degradation({"type": "bicubic"}, scale=2) is None


NOTHING: dict[str, Any] = {"blur_prob": 0, "noise_prob": 0, "jpeg_prob": 0}


def luma(image: Tensor) -> Tensor:
    return (image * torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)).sum(dim=1)


def levels(image: Tensor) -> Tensor:
    return (image.clamp(0, 1) * 255).round()


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_classical_without_its_parts_is_matlabs_bicubic(image: Tensor, scale: int) -> None:
    lr = run(create("classical", scale=scale, **NOTHING), image)
    assert torch.equal(levels(lr), levels(imresize(image, scale=1 / scale)))


def test_classical_blurs_before_it_shrinks(image: Tensor) -> None:
    only_blur = NOTHING | {
        "blur_prob": 1,
        "blur_kernel_size": 15,
        "kernel_list": ["iso"],
        "kernel_prob": [1],
        "blur_sigma": [1.7, 1.7],
    }
    kernel = bell(15, (1.7, 1.7))
    planes = [scipy.ndimage.correlate(plane, kernel, mode="mirror") for plane in image[0].numpy()]
    expected = imresize(torch.from_numpy(np.stack(planes))[None], scale=1 / 4)
    lr = run(create("classical", **only_blur), image)
    assert (levels(lr) - levels(expected)).abs().max() <= 1


@pytest.mark.parametrize("gray", [0, 1])
def test_classical_adds_noise_to_the_small_image(gray: int) -> None:
    only_noise = NOTHING | {"noise_prob": 1, "noise_range": [8, 8], "gray_noise_prob": gray}
    lr = run(create("classical", **only_noise), torch.full((1, 3, 400, 400), 0.5))
    noise = (lr - 0.5)[0].reshape(3, -1) * 255
    assert float(noise.std()) == pytest.approx(8, rel=0.03)
    assert np.corrcoef(noise.numpy())[0, 1] == pytest.approx(gray, abs=0.05)


def test_classical_compresses_last(image: Tensor) -> None:
    qualities = [5, 20, 60, 95]
    clean = imresize(image, scale=1 / 2)
    errors = []
    for quality in qualities:
        only_jpeg = NOTHING | {"jpeg_prob": 1, "jpeg_range": [quality, quality]}
        lr = run(create("classical", scale=2, **only_jpeg), image)
        errors.append(float((lr - clean).square().mean()))
    assert errors == sorted(errors, reverse=True)
    assert errors[0] > 10 * errors[-1]


QUIET: dict[str, Any] = {
    "kernel_list": ["iso"],
    "kernel_prob": [1],
    "blur_sigma": [0.01, 0.01],
    "sinc_prob": 0,
    "resize_prob": [0, 0, 1],
    "gaussian_noise_prob": 1,
    "noise_range": [0, 0],
    "jpeg_range": [100, 100],
    "second_blur_prob": 0,
    "resize_prob2": [0, 0, 1],
    "gaussian_noise_prob2": 1,
    "noise_range2": [0, 0],
    "jpeg_range2": [100, 100],
    "final_sinc_prob": 0,
}


def test_second_order_without_its_parts_only_shrinks(image: Tensor) -> None:
    degradation = create("second_order", **QUIET)
    ways = {
        "area": F.interpolate(image, scale_factor=1 / 4, mode="area"),
        "bilinear": F.interpolate(image, scale_factor=1 / 4, mode="bilinear"),
        "bicubic": F.interpolate(image, scale_factor=1 / 4, mode="bicubic"),
    }
    seen = set()
    for seed in range(12):
        lr = run(degradation, image, seed)
        errors = {way: float((luma(lr) - luma(made)).square().mean()) for way, made in ways.items()}
        nearest = min(errors, key=errors.__getitem__)
        assert errors[nearest] < 1e-5  # two JPEGs of quality 100, which halve the colours' size
        seen.add(nearest)
    assert seen == set(ways)


def test_second_order_has_the_published_order(
    image: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    for name in ("blur", "resize", "gaussian_noise", "poisson_noise", "jpeg"):
        original = getattr(second_order, name)

        def telling(*args: Any, _name: str = name, _original: Any = original, **rest: Any) -> Any:
            done.append(_name)
            return _original(*args, **rest)

        monkeypatch.setattr(second_order, name, telling)
    degradation = create("second_order")
    counts: dict[str, int] = {}
    runs = 120
    for seed in range(runs):
        done.clear()
        run(degradation, image, seed)
        first, second = done[:4], done[4:]
        assert first[:2] == ["blur", "resize"]
        assert first[2].endswith("noise")
        assert first[3] == "jpeg"
        blurred = second[0] == "blur"
        resized, noise, *end = second[blurred:]
        assert resized == "resize"
        assert noise.endswith("noise")
        assert end in (
            ["jpeg", "resize"],
            ["jpeg", "resize", "blur"],
            ["resize", "jpeg"],
            ["resize", "blur", "jpeg"],
        )
        for event, happened in {
            "second blur": blurred,
            "poisson": first[2] == "poisson_noise",
            "jpeg last": end[-1] == "jpeg",
            "sinc": "blur" in end,
        }.items():
            counts[event] = counts.get(event, 0) + happened
    for event, chance in {
        "second blur": 0.8,
        "poisson": 0.5,
        "jpeg last": 0.5,
        "sinc": 0.8,
    }.items():
        spread = 5 * (runs * chance * (1 - chance)) ** 0.5
        assert abs(counts[event] - runs * chance) < spread, event


def test_second_order_resizes_by_the_factors_asked_for(
    image: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[tuple[int, int]] = []

    def telling(image: Tensor, size: tuple[int, int], mode: str) -> Tensor:
        sizes.append(size)
        return F.interpolate(image, size=size, mode="bilinear")

    monkeypatch.setattr(second_order, "resize", telling)
    for seed in range(40):
        run(create("second_order"), image, seed)
    factors = [(height / 96, height / 24) for height, _ in sizes]
    first = [large for large, _ in factors[0::3]]
    second = [small for _, small in factors[1::3]]
    assert 0.14 < min(first) < 0.4
    assert 1 <= max(first) < 1.51
    assert 0.29 < min(second) < 0.6
    assert 1 < max(second) < 1.21
    assert all(size == (24, 30) for size in sizes[2::3])
