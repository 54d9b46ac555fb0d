"""Each kind of model minimises what its source says, term by term."""

import pytest
import torch
from torch import Tensor, nn

from srkit.data.batches import Batch
from srkit.errors import ConfigError
from srkit.models import build_model
from srkit.models.lapsrn import ProgressiveModel
from srkit.models.lpae import LPAE
from srkit.models.lpsr import LPSR, Prediction
from srkit.training.losses import LOSSES, charbonnier
from srkit.training.objectives import create_objective
from srkit.transforms.resize import imresize


@pytest.mark.parametrize("levels", [1, 2])
def test_the_autoencoder_s_loss_is_the_papers(levels: int) -> None:
    torch.manual_seed(0)
    model = build_model("lpae", {"levels": levels})
    assert isinstance(model, LPAE)
    x = torch.rand(2, 3, 16, 16)
    c1, d1 = model.approximation_encoder(x), model.detail_encoder(x)

    def halve(image: Tensor) -> Tensor:
        return nn.functional.interpolate(
            image, scale_factor=0.5, mode="bicubic", align_corners=True
        )

    expected = d1.square().mean() + 0.8 * (c1 - halve(x)).square().mean()
    below = c1
    if levels == 2:
        c2, d2 = model.approximation_encoder(c1), model.detail_encoder(c1)
        expected += d2.square().mean() + 0.8 * (c2 - halve(halve(x))).square().mean()
        below = d2 + model.decoder(c2)
    expected += (x - d1 - model.decoder(below)).abs().mean()
    objective = create_objective(model, {})
    torch.testing.assert_close(objective.total(objective(Batch(x, x))), expected)


def test_band_prediction_weighs_the_bands_as_the_paper_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    torch.manual_seed(0)
    model = build_model("lpsr", {"features": 8, "blocks": 1, "scale": 4})
    assert isinstance(model, LPSR)
    hr = torch.rand(1, 3, 16, 16)
    lr = hr[..., ::4, ::4]
    approximation, details = model.lpae.decompose(hr)
    objective = create_objective(model, {})

    def loss() -> Tensor:
        return objective.total(objective(Batch(lr, hr)))

    monkeypatch.setattr(model, "predict", lambda lr: Prediction(approximation, details))
    perfect = model.lpae.reconstruct(approximation, details)
    torch.testing.assert_close(loss(), (perfect - hr).abs().mean())

    off = Prediction(approximation + 0.3, [details[0] + 0.1, details[1] - 0.2])
    monkeypatch.setattr(model, "predict", lambda lr: off)
    # Fine to coarse 1.0 and 0.8 on the details, 1 on the approximation, ten times their sum.
    expected = (model.lpae.reconstruct(*off) - hr).abs().mean() + 10 * (0.3 + 0.1 + 0.8 * 0.2)
    torch.testing.assert_close(loss(), expected)


def test_the_second_stage_trains_the_autoencoder_with_a_thousandth_of_its_loss() -> None:
    torch.manual_seed(0)
    model = build_model("lpsr", {"features": 8, "blocks": 1})
    assert isinstance(model, LPSR)
    batch = Batch(torch.rand(1, 3, 8, 8), torch.rand(1, 3, 16, 16))
    frozen = create_objective(model, {})
    first = frozen(batch)
    frozen.total(first).backward()
    assert all(weight.grad is None for weight in model.lpae.parameters())

    model.lpae.requires_grad_(True)
    joint = create_objective(model, {})
    terms = joint(batch)
    alone = create_objective(model.lpae, {})
    torch.testing.assert_close(terms["lpae"], alone.total(alone(batch)))
    torch.testing.assert_close(joint.total(terms), frozen.total(first) + 0.001 * terms["lpae"])
    joint.total(terms).backward()
    # The encoders learn by their own loss alone, the decoder by the image as well.
    assert all(
        weight.grad is not None and weight.grad.abs().sum() > 0
        for weight in model.lpae.parameters()
    )


@pytest.mark.parametrize("name", ["lapsrn", "ms_lapsrn"])
def test_every_octave_is_compared_with_the_hr_image_at_its_size(name: str) -> None:
    torch.manual_seed(0)
    model = build_model(name, {"features": 8, "convolutions": 1, "scale": 4})
    assert isinstance(model, ProgressiveModel)
    batch = Batch(torch.rand(2, 3, 6, 5), torch.rand(2, 3, 24, 20))
    half, whole = model.progress(batch.lr)
    objective = create_objective(model, {"charbonnier": 1.0, "l2": 0.0})
    terms = objective(batch)
    shrunk = imresize(batch.hr, scale=0.5)
    torch.testing.assert_close(
        terms["charbonnier"], charbonnier(half, shrunk) + charbonnier(whole, batch.hr)
    )
    torch.testing.assert_close(
        terms["l2"], (half - shrunk).square().mean() + (whole - batch.hr).square().mean()
    )
    assert create_objective(model, {}).weights == {"charbonnier": 1.0}


def test_losses_add_up_by_their_weights() -> None:
    torch.manual_seed(0)
    model = build_model("sr_network", {"features": 8, "blocks": 1, "scale": 2})
    batch = Batch(torch.rand(2, 3, 8, 8), torch.rand(2, 3, 16, 16))
    objective = create_objective(model, {"l1": 1.0, "frequency": 0.5, "l2": 0.0})
    terms = objective(batch)
    assert set(terms) == {"l1", "frequency", "l2"}
    torch.testing.assert_close(objective.total(terms), terms["l1"] + 0.5 * terms["frequency"])
    torch.testing.assert_close(terms["l2"], (model(batch.lr) - batch.hr).square().mean())


def test_losses_and_targets_are_float32_whatever_the_network_computes_in(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    torch.manual_seed(0)
    batch = Batch(torch.rand(2, 3, 16, 16), torch.rand(2, 3, 32, 32))
    network = build_model("sr_network", {"features": 8, "blocks": 1, "scale": 2})
    enlarged = torch.rand(2, 3, 32, 32)
    monkeypatch.setattr(network, "forward", lambda lr: enlarged)
    progressive = build_model("lapsrn", {"features": 8, "convolutions": 1, "scale": 2})
    monkeypatch.setattr(progressive, "progress", lambda lr: [batch.lr, enlarged])
    bands = build_model("lpsr", {"features": 8, "blocks": 1, "scale": 2})
    assert isinstance(bands, LPSR)
    guess = Prediction(torch.rand(2, 3, 16, 16), [torch.rand(2, 3, 32, 32)])
    monkeypatch.setattr(bands, "predict", lambda lr: guess)
    for model, names in (
        (network, list(LOSSES)),
        (progressive, ["l1", "ssim"]),
        (bands, ["bands"]),
    ):
        objective = create_objective(model, dict.fromkeys(names, 1.0))
        expected = objective(batch)
        with torch.autocast("cpu", torch.bfloat16):
            terms = objective(batch)
        for name in names:
            assert terms[name].dtype == torch.float32
            assert torch.equal(terms[name], expected[name]), name


def test_a_wrong_loss_is_named() -> None:
    network, lpae = build_model("sr_network", {"features": 8}), build_model("lpae")
    with pytest.raises(ConfigError, match="unknown loss 'L1': choose one of l1, l2"):
        create_objective(network, {"L1": 1.0})
    with pytest.raises(ConfigError, match="unknown loss 'l1': choose one of reconstruction"):
        create_objective(lpae, {"l1": 1.0})
    with pytest.raises(ConfigError, match="one weight must be greater than 0, got "):
        create_objective(network, {"l1": 0.0})
