"""The released models: cards that tell the truth, sizes that can be shipped, tiles without seams.

Set5 and Set14 are not part of the project, so of a card's scores the one on scikit-image's
photographs is recomputed.
"""

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw
from skimage import data

import srkit
from srkit.checkpoint import Checkpoint, released
from srkit.data.pairs import bicubic
from srkit.evaluation.metrics import measure
from srkit.images import to_tensor
from srkit.inference.upscaler import upscale_tensor
from srkit.models.lpae import LPAE
from srkit.transforms.resize import imresize_uint8

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "checkpoints" / "README.md").read_text(encoding="utf-8")
TABLE = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.fixture(params=sorted(released()))
def model(request: pytest.FixtureRequest) -> Checkpoint:
    return srkit.load(request.param)


def test_the_card_is_complete_and_in_the_readme(model: Checkpoint) -> None:
    card = model.card
    assert card.name == model.path.stem
    assert card.summary
    assert card.licence == "Apache-2.0"
    assert card.data
    assert card.command.startswith("srkit train ")
    named = [word for word in card.command.split() if word.startswith("scripts/")]
    assert named
    assert all((ROOT / word).is_file() for word in named)
    assert card.steps > 0
    assert {score["set"] for score in card.scores} >= {"Set5", "Set14"}
    for score in card.scores:
        assert f"{score['psnr']:.2f}" in README
        assert score["protocol"] in README
    assert model.sha256 in README


def test_the_readme_tells_what_the_card_does(model: Checkpoint) -> None:
    if model.module.scale == 1:
        pytest.skip("the README's table is of models that enlarge")
    scale = model.module.scale
    family = model.card.name.removesuffix(f"-x{scale}")
    rows = re.findall(rf"^\| x{scale} \| \**{family}\** \|(.*)$", TABLE, re.MULTILINE)
    cells = [cell.strip(" *") for cell in rows[0].split("|")]
    told = {score["set"]: score for score in model.card.scores}
    assert cells[1:3] == [
        f"{told[name]['psnr']:.2f} / {told[name]['ssim']:.4f} / {told[name]['lpips']:.4f}"
        for name in ("Set5", "Set14")
    ]


def test_a_score_on_the_card_is_what_the_model_reaches(model: Checkpoint) -> None:
    (told,) = (score for score in model.card.scores if score["set"] == "scikit-image")
    scale = model.module.scale
    found = []
    for name in ("astronaut", "chelsea", "coffee"):
        image = getattr(data, name)()
        height, width = (side // scale * scale for side in image.shape[:2])
        hr = np.ascontiguousarray(image[:height, :width])
        lr = imresize_uint8(hr, 1 / scale)
        enlarged = upscale_tensor(model.module, to_tensor(lr), tile=0)
        prediction = (enlarged[0].permute(1, 2, 0) * 255).round().numpy().astype(np.uint8)
        found.append(measure(prediction, hr, scale=scale, protocol=told["protocol"]).psnr)
    assert np.mean(found) == pytest.approx(told["psnr"], abs=0.01)


def test_is_small_enough_to_ship(model: Checkpoint) -> None:
    assert model.path.stat().st_size < 4_000_000


@pytest.mark.parametrize("photograph", ["astronaut", "chelsea", "coffee"])
def test_beats_bicubic_on_photographs_it_was_not_trained_on(
    model: Checkpoint, photograph: str
) -> None:
    scale = model.module.scale
    if scale == 1:
        pytest.skip("an autoencoder does not enlarge")
    hr = getattr(data, photograph)()[40:280, 120:408]
    lr = imresize_uint8(np.ascontiguousarray(hr), 1 / scale)
    ours = srkit.upscale(lr, model=model.card.name)
    theirs = bicubic(lr, scale)
    gain = (
        measure(ours, hr, scale=scale, protocol="sr-y").psnr
        - measure(theirs, hr, scale=scale, protocol="sr-y").psnr
    )
    assert gain > 0.4


@pytest.mark.parametrize("size", [(40, 40), (41, 41), (40, 43)])
def test_a_flat_colour_stays_flat_up_to_the_border(
    model: Checkpoint, size: tuple[int, int]
) -> None:
    if model.module.scale == 1:
        pytest.skip("LPAE's zero padding, which is the paper's, shows at the border")
    orange = torch.tensor([230.0, 140.0, 30.0])[:, None, None] / 255
    enlarged = upscale_tensor(model.module, orange.expand(1, 3, *size))
    assert (enlarged - orange).abs().max() * 255 < 8


def test_leaves_no_echo_beside_the_lines_of_a_drawing(model: Checkpoint) -> None:
    """Where the four LR pixels around a pixel are white, it is, however hard the lines near it."""
    scale = model.module.scale
    if scale == 1:
        pytest.skip("an autoencoder does not enlarge")
    drawing = Image.new("RGB", (40, 40), "white")
    draw = ImageDraw.Draw(drawing)
    for end in range(0, 40, 9):
        draw.line((0, 39, end, 0), fill="black")
    draw.ellipse((18, 18, 36, 36), outline="black")
    lr = np.asarray(drawing)
    ours = srkit.upscale(lr, model=model.card.name)
    black = lr[..., 0] == 0
    inked = black[1:, 1:] | black[:-1, 1:] | black[1:, :-1] | black[:-1, :-1]
    half = scale // 2  # between the centres of the first and the second pixel
    near = np.kron(inked, np.ones((scale, scale), bool))
    inside = ours[half : half + near.shape[0], half : half + near.shape[1]]
    assert (~near).mean() > 0.3
    assert (inside[~near] == 255).all()
    assert inside[near].min() == 0


def test_an_autoencoder_reconstructs_photographs(model: Checkpoint) -> None:
    if not isinstance(model.module, LPAE):
        pytest.skip("a model that enlarges")
    image = np.ascontiguousarray(data.astronaut()[40:281, 120:409])
    levels = model.module.config.levels
    back = srkit.decompose(image, model.card.name, levels=levels).reconstruct()
    pixels = (back[0].permute(1, 2, 0).clamp(0, 1) * 255).round().numpy().astype(np.uint8)
    assert measure(pixels, image, scale=1, protocol="sr-rgb").psnr > 40
    approximation = srkit.decompose(image, model.card.name).approximation
    half = to_tensor(imresize_uint8(image, 0.5))
    assert (approximation - half).square().mean() < 10 ** (-30 / 10)  # 30 dB apart at most


@pytest.mark.promise
@pytest.mark.parametrize("size", [(1, 1), (2, 37), (61, 64), (97, 83)])
@pytest.mark.parametrize("tile", [16, 33, 64])
def test_tiled_equals_untiled(model: Checkpoint, size: tuple[int, int], tile: int) -> None:
    generator = torch.Generator().manual_seed(size[0] * tile)
    image = torch.rand(1, 3, *size, generator=generator)
    whole = upscale_tensor(model.module, image, tile=0)
    tiled = upscale_tensor(model.module, image, tile=tile)
    assert (whole - tiled).abs().max() <= 1e-5


def test_the_lpips_features_are_not_a_model() -> None:
    assert "lpips-alexnet" not in released()
