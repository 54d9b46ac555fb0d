"""Weights go from one model to another where name and shape agree."""

from pathlib import Path

import pytest
import torch

from srkit import checkpoint
from srkit.errors import ConfigError
from srkit.models import build_model
from srkit.training.transfer import start_from, transfer


def test_starts_from_the_body_of_another_scale() -> None:
    source = build_model("sr_network", {"features": 8, "blocks": 1, "scale": 2})
    target = build_model("sr_network", {"features": 8, "blocks": 1, "scale": 4})
    head = target.state_dict()["head.predict.weight"].clone()
    taken = transfer(source, target)
    assert "body.0.first.weight" in taken
    assert "head.predict.weight" not in taken
    assert torch.equal(
        target.state_dict()["body.0.first.weight"], source.state_dict()["body.0.first.weight"]
    )
    assert torch.equal(target.state_dict()["head.predict.weight"], head)


def test_over_parametrised_convolutions_take_and_give_plain_kernels() -> None:
    torch.manual_seed(0)
    plain = {"features": 8, "blocks": 1, "entrance": "plain", "block": "convolution"}
    source = build_model("sr_network", plain)
    wide = build_model("sr_network", {**plain, "expansion": 64})
    assert set(transfer(source, wide)) == set(source.state_dict())
    x = torch.rand(1, 3, 9, 7)
    torch.testing.assert_close(wide(x), source(x), atol=1e-5, rtol=0)
    again = build_model("sr_network", plain)
    assert set(transfer(wide, again)) == set(again.state_dict())
    torch.testing.assert_close(again(x), source(x), atol=1e-5, rtol=0)
    narrow = build_model("sr_network", {**plain, "expansion": 4})
    with pytest.raises(ConfigError, match=r"expansion must be at least 8 .* got 4"):
        transfer(source, narrow)


def test_lpsr_takes_the_weights_of_an_autoencoder() -> None:
    lpae = build_model("lpae")
    lpsr = build_model("lpsr", {"features": 8, "blocks": 1})
    assert len(transfer(lpae, lpsr)) == len(lpae.state_dict())
    assert torch.equal(
        lpsr.state_dict()["lpae.decoder.0.weight"], lpae.state_dict()["decoder.0.weight"]
    )


def test_an_lpsr_without_a_trained_autoencoder_is_refused(tmp_path: Path) -> None:
    lpsr = build_model("lpsr", {"features": 8, "blocks": 1})
    with pytest.raises(ConfigError, match="an LPSR decodes with a trained LPAE") as caught:
        start_from(None, lpsr)
    assert caught.value.hint == "--pretrained lpae"
    path = tmp_path / "thin.safetensors"
    checkpoint.save(path, build_model("lpae", {"hidden": 8}), checkpoint.Card(name="thin"))
    with pytest.raises(ConfigError, match="of 16 hidden channels"):
        start_from(str(path), lpsr)


def test_a_pretrained_model_of_another_kind_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "lpae.safetensors"
    checkpoint.save(path, build_model("lpae"), checkpoint.Card(name="lpae"))
    network = build_model("sr_network", {"features": 8, "blocks": 1})
    with pytest.raises(ConfigError, match="shares no kernel with this model"):
        start_from(str(path), network)
