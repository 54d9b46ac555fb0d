"""The single damages against scipy, Pillow and statistics."""

import io

import kornia.enhance
import kornia.filters
import numpy as np
import pytest
import scipy.ndimage
import torch
from PIL import Image
from skimage import data
from torch import Tensor

from srkit.data.degradations.kernels import bell
from srkit.data.degradations.operations import (
    BLOCK,
    Codec,
    blur,
    gaussian_noise,
    jpeg,
    poisson_noise,
    resize,
)

CODECS: list[Codec] = ["kornia", "libjpeg"]


def generator(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.fixture(scope="module")
def image() -> Tensor:
    crop = np.ascontiguousarray(data.astronaut()[:150, 150:310])
    return torch.from_numpy(crop).permute(2, 0, 1)[None].float() / 255


def psnr(a: Tensor, b: Tensor) -> float:
    return -10 * float((a - b).square().mean().log10())


def test_blur_is_scipys_correlation(image: Tensor) -> None:
    kernel = bell(11, (3.0, 1.0), 0.7)
    kernel[2, 9] += 0.1  # not symmetric, so that a turned kernel shows
    blurred = blur(image, kernel)
    for channel in range(3):
        plane = image[0, channel].double().numpy()
        expected = scipy.ndimage.correlate(plane, kernel, mode="mirror")
        np.testing.assert_allclose(blurred[0, channel].numpy(), expected, atol=1e-5)


def test_blur_takes_images_smaller_than_its_kernel() -> None:
    flat = torch.full((1, 3, 2, 5), 0.25)
    torch.testing.assert_close(blur(flat, bell(21, (2.0, 2.0))), flat)


def test_kornia_filters_and_compresses(image: Tensor, monkeypatch: pytest.MonkeyPatch) -> None:
    def no(*args: object, **options: object) -> Tensor:
        raise NotImplementedError

    monkeypatch.setattr(kornia.filters, "filter2d", no)
    with pytest.raises(NotImplementedError):
        blur(image, bell(3, (1.0, 1.0)))
    monkeypatch.setattr(kornia.enhance, "jpeg_codec_differentiable", no)
    with pytest.raises(NotImplementedError):
        jpeg(image, 50, "kornia", generator=generator())


def test_resizing_by_area_takes_means_of_blocks(image: Tensor) -> None:
    small = resize(image, (50, 40), "area")
    blocks = image.reshape(1, 3, 50, 3, 40, 4).mean(dim=(3, 5))
    torch.testing.assert_close(small, blocks)


@pytest.mark.parametrize("mode", ["area", "bilinear", "bicubic"])
def test_resizing_keeps_a_flat_image(mode: str) -> None:
    flat = torch.full((1, 3, 9, 14), 0.3)
    torch.testing.assert_close(resize(flat, (4, 21), mode), torch.full((1, 3, 4, 21), 0.3))


@pytest.mark.parametrize("sigma", [0.0, 1.0, 15.0])
@pytest.mark.parametrize("gray", [False, True])
def test_gaussian_noise_has_the_deviation_asked_for(sigma: float, gray: bool) -> None:
    flat = torch.full((1, 3, 200, 200), 0.5)
    noise = (gaussian_noise(flat, sigma, gray=gray, generator=generator()) - flat) * 255
    samples = noise[0].reshape(3, -1)
    assert float(samples.std()) == pytest.approx(sigma, rel=0.02, abs=1e-6)
    assert abs(float(samples.mean())) <= 5 * sigma / 200
    if sigma:
        between = np.corrcoef(samples.numpy())[0, 1]
        assert between == pytest.approx(1 if gray else 0, abs=0.025)


def stripes(levels: int) -> Tensor:
    """As many columns as there are levels, from black to white."""
    row = torch.arange(levels).mul(255 / (levels - 1)).round() / 255
    return row.expand(1, 3, 1500, levels).contiguous()


@pytest.mark.parametrize(("levels", "photons"), [(256, 256), (17, 32), (4, 4)])
@pytest.mark.parametrize("scale", [1.0, 2.5])
def test_poisson_noise_grows_with_the_light(levels: int, photons: int, scale: float) -> None:
    clean = stripes(levels)
    noisy = poisson_noise(clean, scale, gray=False, generator=generator())
    noise = ((noisy - clean) / scale)[0].double().flatten(0, 1)
    light = clean[0, 0, 0].double()
    # Counts of a mean of n photons have variance n; the image is 1 where there are `photons`.
    torch.testing.assert_close(noise.var(dim=0), light / photons, rtol=0.15, atol=1e-12)
    assert float(noise.mean().abs()) < 5 / (photons * noise.numel()) ** 0.5
    assert bool((noise[:, 0] == 0).all())


def test_gray_poisson_noise_is_equal_in_all_channels(image: Tensor) -> None:
    gray = poisson_noise(image, 1.0, gray=True, generator=generator())
    noise = gray - image
    torch.testing.assert_close(noise[:, 0], noise[:, 2], atol=1e-6, rtol=0)
    colour = poisson_noise(image, 1.0, gray=False, generator=generator())
    assert not torch.allclose((colour - image)[:, 0], (colour - image)[:, 2])


def pillows(image: Tensor, quality: int, corner: tuple[int, int]) -> Tensor:
    """Compress by Pillow, with blocks beginning above and left of the image."""
    (top, left), (height, width) = corner, image.shape[-2:]
    samples = (image[0].permute(1, 2, 0).numpy() * 255).round().astype(np.uint8)
    bottom, right = -(top + height) % 16, -(left + width) % 16
    whole = np.pad(samples, ((top, bottom), (left, right), (0, 0)), "edge")
    file = io.BytesIO()
    Image.fromarray(whole).save(file, "JPEG", quality=quality, subsampling="4:2:0")
    decoded = np.asarray(Image.open(file), np.float32)[top : top + height, left : left + width]
    return torch.from_numpy(decoded / 255).permute(2, 0, 1)[None]


@pytest.mark.parametrize("quality", [10, 50, 75, 95])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_jpeg_is_pillows(image: Tensor, quality: int, seed: int) -> None:
    corner = tuple(int(side) for side in generator(seed).integers(BLOCK, size=2))
    theirs = pillows(image, quality, (corner[0], corner[1]))
    ours = jpeg(image, quality, "libjpeg", generator=generator(seed))
    assert psnr(ours, theirs) > 55
    smooth = jpeg(image, quality, "kornia", generator=generator(seed))
    better = psnr(smooth, image) - psnr(theirs, image)
    assert -0.05 < better < 1.0
    assert psnr(smooth, theirs) > psnr(smooth, image)


@pytest.mark.parametrize("codec", CODECS)
def test_jpeg_keeps_more_the_higher_its_quality(image: Tensor, codec: Codec) -> None:
    kept = [
        psnr(jpeg(image, quality, codec, generator=generator()), image)
        for quality in (1, 5, 15, 30, 50, 70, 85, 95, 100)
    ]
    assert kept == sorted(kept)
    assert kept[-1] > 35


@pytest.mark.parametrize("codec", CODECS)
def test_jpeg_blocks_begin_anywhere(image: Tensor, codec: Codec) -> None:
    lines = set()
    for seed in range(40):
        gray = jpeg(image, 5, codec, generator=generator(seed))[0].mean(dim=0)
        steps = gray.diff(dim=1).abs().mean(dim=0)  # step i lies between columns i and i + 1
        strengths = torch.stack([steps[start::8].mean() for start in range(8)])
        lines.add(int(strengths.argmax()))
    assert lines == set(range(8))


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("size", [(1, 1), (7, 33), (16, 16)])
def test_jpeg_takes_any_size(codec: Codec, size: tuple[int, int]) -> None:
    flat = torch.full((1, 3, *size), 0.4)
    coded = jpeg(flat, 90, codec, generator=generator())
    torch.testing.assert_close(coded, flat, atol=2 / 255, rtol=0)
