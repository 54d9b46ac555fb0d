"""What every model must do, whatever its slots hold; and the counts the papers give."""

import itertools
from typing import Any

import pytest
import torch
from torch import nn

from srkit.errors import ConfigError
from srkit.inference.upscaler import upscale_tensor
from srkit.layers.attention import ATTENTION
from srkit.layers.blocks import BLOCKS
from srkit.layers.entrances import ENTRANCES
from srkit.layers.heads import HEADS
from srkit.layers.stages import STAGES
from srkit.models import MODELS, PRESETS, build_model, name_of, settings_of
from srkit.models.cost import multiply_adds, parameters
from srkit.models.folding import folded
from srkit.models.lpae import LPAE
from srkit.models.model import Model

SMALL = {"features": 16, "blocks": 1}
CASES: dict[str, tuple[str, dict[str, Any]]] = {
    f"{entrance}-{attention}-{head}-x{scale}": (
        "sr_network",
        {
            **SMALL,
            "entrance": entrance,
            "attention": attention,
            "head": head,
            "scale": scale,
        },
    )
    for entrance, attention, head, scale in itertools.product(
        ENTRANCES, ("none", "se", "haar_gate"), HEADS, (2, 4)
    )
}
# Every entry of a slot by itself; what it computes is tested in its own family.
CASES |= {f"attention-{name}": ("sr_network", {**SMALL, "attention": name}) for name in ATTENTION}
CASES |= {f"block-{name}": ("sr_network", {**SMALL, "block": name}) for name in BLOCKS}
CASES |= {f"stage-{name}": ("sr_network", {**SMALL, "blocks": 3, "stage": name}) for name in STAGES}
CASES["border"] = ("sr_network", {**SMALL, "border": 3, "attention": "haar_gate"})
CASES["antiring"] = ("sr_network", {**SMALL, "border": 3, "antiring": 0.5})
CASES["antiring-x3"] = ("sr_network", {**SMALL, "scale": 3, "antiring": 0.5})
CASES["expansion"] = ("sr_network", {**SMALL, "expansion": 8})
CASES["every-second"] = (
    "sr_network",
    {**SMALL, "blocks": 3, "attention": "haar_gate", "attention_every": 2},
)
CASES["x3"] = ("sr_network", {**SMALL, "scale": 3})
CASES["x8"] = ("sr_network", {**SMALL, "scale": 8})
CASES["gray"] = ("sr_network", {**SMALL, "image_channels": 1})
CASES["lpae"] = ("lpae", {"hidden": 4})
CASES["lpae-3"] = ("lpae", {"hidden": 4, "levels": 3})
CASES["lpsr-x2"] = ("lpsr", {**SMALL, "lpae_hidden": 4})
CASES["lpsr-border"] = ("lpsr", {**SMALL, "lpae_hidden": 4, "border": 3, "antiring": 0.5})
CASES["lpsr-x4"] = ("lpsr", {**SMALL, "lpae_hidden": 4, "scale": 4})
THIN = {"features": 8, "convolutions": 2}
CASES |= {
    f"lpae-srnet-x{scale}": ("lpae_srnet", {"features": 8, "blocks": 1, "scale": scale})
    for scale in (2, 8)
}
CASES |= {f"dwsr-x{scale}": ("dwsr", {**THIN, "scale": scale}) for scale in (2, 3)}
CASES["dwsr-5x5"] = ("dwsr", {**THIN, "first_kernel_size": 5})
CASES |= {f"mwcnn-x{scale}": ("mwcnn", {**THIN, "levels": 2, "scale": scale}) for scale in (2, 3)}
CASES["mwcnn-full-size"] = (
    "mwcnn",
    {**THIN, "convolutions": 3, "levels": 2, "full_size": True, "dilated": True},
)
CASES |= {f"lapsrn-x{scale}": ("lapsrn", {**THIN, "scale": scale}) for scale in (2, 8)}
CASES["ms-lapsrn"] = ("ms_lapsrn", {**THIN, "recursions": 2})


@pytest.fixture(params=CASES)
def model(request: pytest.FixtureRequest) -> Model:
    torch.manual_seed(0)
    built = build_model(*CASES[request.param]).eval()
    for name, parameter in built.named_parameters():
        if name.endswith("bias"):
            parameter.data.abs_()  # no hidden unit may be dead by chance
        if not parameter.any():
            parameter.data.uniform_(
                -0.1, 0.1
            )  # what starts as nothing would hide what is before it
    return built


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (13, 8)])
def test_enlarges_any_size(model: Model, size: tuple[int, int]) -> None:
    channels = model.image_channels
    scale = model.scale
    enlarged = model(torch.rand(1, channels, *size))
    assert enlarged.shape == (1, channels, size[0] * scale, size[1] * scale)
    assert enlarged.isfinite().all()


def test_does_not_mix_images_of_a_batch(model: Model) -> None:
    x = torch.rand(3, model.image_channels, 8, 8)
    torch.testing.assert_close(model(x)[1:2], model(x[1:2]), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_is_finite_on_flat_images(model: Model, value: float) -> None:
    assert model(torch.full((1, model.image_channels, 9, 8), value)).isfinite().all()


def test_passes_gradients_to_every_parameter(model: Model) -> None:
    model(torch.rand(2, model.image_channels, 8, 8)).square().sum().backward()
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            assert parameter.grad is not None, name
            assert parameter.grad.abs().sum() > 0, name


def test_states_its_receptive_field_and_size_multiple(model: Model) -> None:
    """Touch one pixel at every phase of the size multiple and see how far the change goes."""
    model = model.double()
    declared, multiple = model.receptive_field, model.size_multiple
    side = 32 if declared is None else 2 * (declared + multiple + 2)
    scale = model.scale
    x = torch.rand(1, model.image_channels, side, side, dtype=torch.float64)
    before = model(x)
    measured = 0
    for phase in range(multiple):
        at = side // 2 + phase
        touched = x.clone()
        touched[..., at, at] += 1
        changed = (model(touched) - before).abs().sum(dim=(0, 1)) > 1e-11
        rows = changed.any(dim=1).nonzero().flatten() // scale
        measured = max(measured, int((rows - at).abs().max()))
    if declared is None:
        assert measured >= side // 2 - 1  # it reaches the border
    else:
        assert measured <= declared <= measured + max(multiple, 2)


def test_remembers_how_it_was_built(model: Model) -> None:
    again = build_model(name_of(model), settings_of(model))
    again.load_state_dict(model.state_dict())
    x = torch.rand(1, model.image_channels, 5, 6)
    torch.testing.assert_close(again.eval()(x), model(x), atol=0, rtol=0)


def test_every_model_has_a_case() -> None:
    assert {kind for kind, _ in CASES.values()} == set(MODELS)


@pytest.mark.promise
@pytest.mark.parametrize("size", [(1, 1), (37, 50)])
def test_tiled_equals_untiled(model: Model, size: tuple[int, int]) -> None:
    if model.receptive_field is None:
        pytest.skip("looks at the whole image: approximate, and the command line says so")
    image = torch.rand(1, model.image_channels, *size)
    whole = upscale_tensor(model, image, tile=0)
    tiled = upscale_tensor(model, image, tile=16)
    assert (whole - tiled).abs().max() <= 1e-5


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_can_be_built(preset: str) -> None:
    kind, settings = PRESETS[preset]
    assert isinstance(build_model(kind, settings), MODELS[kind][1])


def test_the_autoencoder_has_the_papers_parameters() -> None:
    lpae = build_model("lpae")
    assert isinstance(lpae, LPAE)

    def count(module: nn.Module) -> int:
        return sum(parameter.numel() for parameter in module.parameters())

    # Counted in the paper's public code: 5,523 + 5,523 + 5,859.
    assert count(lpae.approximation_encoder) == 5_523
    assert count(lpae.detail_encoder) == 5_523
    assert count(lpae.decoder) == 5_859
    assert count(lpae) == 16_905
    assert count(build_model("lpae", {"levels": 3})) == 16_905


def test_the_autoencoder_is_affine() -> None:
    torch.manual_seed(0)
    lpae = build_model("lpae", {"levels": 2}).double()
    x, y = torch.rand(2, 1, 3, 12, 10, dtype=torch.float64)
    mixed = lpae(0.3 * x + 0.7 * y)
    torch.testing.assert_close(mixed, 0.3 * lpae(x) + 0.7 * lpae(y), atol=1e-12, rtol=0)


@pytest.mark.parametrize("size", [(1, 1), (7, 5), (16, 24), (13, 30)])
def test_the_autoencoder_halves_a_level(size: tuple[int, int]) -> None:
    lpae = build_model("lpae", {"levels": 3})
    assert isinstance(lpae, LPAE)
    approximation, details = lpae.decompose(torch.rand(1, 3, *size))
    expected = size
    for detail in details:
        assert detail.shape[-2:] == expected
        expected = (-(-expected[0] // 2), -(-expected[1] // 2))
    assert approximation.shape[-2:] == expected
    assert lpae.reconstruct(approximation, details).shape[-2:] == size


def test_lpsr_keeps_its_autoencoder_frozen_and_shares_it_across_octaves() -> None:
    lpsr = build_model("lpsr", {**SMALL, "scale": 4})
    frozen = [name for name, p in lpsr.named_parameters() if not p.requires_grad]
    assert frozen
    assert all(name.startswith("lpae.") for name in frozen)
    assert sum(p.numel() for n, p in lpsr.named_parameters() if n in frozen) == 16_905


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"scale": 5}, "scale must be one of"),
        ({"features": 0}, "features must be at least 1, got 0"),
        ({"blocks": -1}, "blocks must be at least 1, got -1"),
        ({"featurs": 8}, "has no setting 'featurs'"),
        ({"features": "many"}, "features must be of type int, got 'many'"),
        ({"head": "shuffle"}, "unknown head 'shuffle'"),
        ({"attention": "see"}, "unknown attention 'see'"),
        ({"entrance": "har"}, "unknown entrance 'har'"),
    ],
)
def test_a_configuration_that_cannot_be_built_is_refused(
    settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        build_model("sr_network", settings)


def test_an_unknown_model_is_refused() -> None:
    with pytest.raises(ConfigError, match="unknown model 'lapae'") as caught:
        build_model("lapae")
    assert caught.value.hint == "did you mean 'lpae'?"


def test_folding_changes_no_pixel() -> None:
    torch.manual_seed(0)
    wide = build_model("sr_network", {**SMALL, "expansion": 24, "head": "wavelet"}).eval()
    plain = folded(wide)
    assert settings_of(plain) == settings_of(wide) | {"expansion": 0}
    x = torch.rand(1, 3, 9, 11)
    torch.testing.assert_close(plain(x), wide(x), atol=1e-5, rtol=0)
    assert parameters(wide) == parameters(plain) < sum(p.numel() for p in wide.parameters())
    assert multiply_adds(wide) == multiply_adds(plain)
    assert folded(plain) is plain
