"""SRNet predicts what LPAE's decoder needs, and draws noise only when it is told to."""

from typing import Any

import pytest
import torch

from srkit.errors import ConfigError
from srkit.models import build_model
from srkit.models.lpae_srnet import LPAESRNet, WideningBlock

SMALL: dict[str, Any] = {"features": 8, "blocks": 1}


def _built(**settings: Any) -> LPAESRNet:
    torch.manual_seed(0)
    model = build_model("lpae_srnet", {**SMALL, **settings})
    assert isinstance(model, LPAESRNet)
    return model


def test_a_block_adds_to_what_is_widened_and_takes_the_positive_part() -> None:
    torch.manual_seed(0)
    x = torch.randn(1, 3, 6, 5)
    for block in (WideningBlock(3, 3), WideningBlock(3, 5)):
        changed = block.change[2](block.change[0](x).clamp(min=0))
        skipped = x if changed.shape[1] == 3 else block.skip(x)
        torch.testing.assert_close(block(x), (changed + skipped).clamp(min=0))
    assert not list(WideningBlock(3, 3).skip.parameters())


def test_the_bands_are_as_large_as_the_autoencoder_s() -> None:
    model = _built(scale=8)
    hr = torch.rand(1, 3, 40, 56)
    approximation, details = model.lpae.decompose(hr)
    predicted = model.predict(torch.rand(1, 3, 5, 7))
    assert predicted.approximation.shape == approximation.shape
    assert [one.shape for one in predicted.details] == [one.shape for one in details]


def test_without_noise_the_network_sees_the_image_twice() -> None:
    model = _built()
    lr = torch.rand(1, 3, 5, 7)
    features = model.body(torch.cat((lr, lr), dim=1))
    torch.testing.assert_close(model.predict(lr).approximation, model.approximation(features))
    torch.testing.assert_close(model.train()(lr), model.eval()(lr), atol=0, rtol=0)


def test_noise_is_drawn_from_the_seed_and_only_while_training() -> None:
    model, quiet = _built(noise=0.1), _built()
    lr = torch.rand(1, 3, 5, 7)
    torch.testing.assert_close(model.eval()(lr), quiet.eval()(lr), atol=0, rtol=0)
    model.train()
    drawn = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        drawn.append(model(lr))
    torch.testing.assert_close(drawn[0], drawn[1], atol=0, rtol=0)
    assert not torch.equal(drawn[0], drawn[2])

    torch.manual_seed(1)
    noisy = lr + 0.1 * torch.randn(lr.shape)
    features = model.body(torch.cat((lr, noisy), dim=1))
    torch.manual_seed(1)
    torch.testing.assert_close(model.predict(lr).approximation, model.approximation(features))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"features": 10}, "features must be a multiple of 4, got 10"),
        ({"noise": -0.1}, r"noise must be at least 0 and finite, got -0\.1"),
        ({"noise": float("nan")}, "noise must be at least 0 and finite, got nan"),
        ({"noise": "some"}, "noise must be of type float, got 'some'"),
        ({"scale": 3}, "scale must be one of 2, 4, 8, got 3"),
    ],
)
def test_what_cannot_be_built_is_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        build_model("lpae_srnet", settings)


def test_a_whole_number_is_a_number() -> None:
    assert _built(noise=0).config.noise == 0
