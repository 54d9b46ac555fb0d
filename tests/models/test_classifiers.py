"""What every classifier must do; and the counts and formulas of the published ones."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from srkit import checkpoint
from srkit.checkpoint import Card
from srkit.errors import CheckpointError, ConfigError
from srkit.layers.attention.efficient_channel import EfficientChannelAttention
from srkit.layers.backbones import BACKBONES
from srkit.layers.same_padding import SameConvolution
from srkit.layers.standardisation import Standardisation
from srkit.models import (
    CLASSIFIER_PRESETS,
    CLASSIFIERS,
    build_classifier,
    build_model,
    name_of,
    settings_of,
)
from srkit.models.classifier import Classifier
from srkit.models.compound_scaling import Scaled, compound_scaling
from srkit.models.lpae_classifier import LPAEClassifier
from srkit.models.wrn_eca import WRNECA, WRNECAConfig

THREE = {"classes": ("cat", "dog", "été")}
THIN = {**THREE, "depth": 1.0, "width": 0.3, "image_size": 32}
CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "lpae-small": (
        "lpae_classifier",
        {**THREE, "backbone": "small", "features": 8, "image_size": 13, "lpae_hidden": 4},
    ),
    "lpae-resnet50": (
        "lpae_classifier",
        {**THREE, "backbone": "resnet50", "features": 4, "image_size": 32, "lpae_hidden": 4},
    ),
    "wrn": ("wrn_eca", THIN),
    "wrn-deep": ("wrn_eca", {**THIN, "depth": 1.8}),
    "wrn-global": ("wrn_eca", {**THIN, "image_size": 7, "pooling": "global"}),
    "wrn-bands": ("wrn_eca", {**THIN, "image_channels": 12, "multi_label": True}),
}


def names(count: int) -> tuple[str, ...]:
    return tuple(f"class {number}" for number in range(count))


def count(module: nn.Module) -> int:
    return sum(weight.numel() for weight in module.parameters())


def preset(name: str, **settings: Any) -> Classifier:
    """Build a classifier as published, without memory for its weights."""
    kind, own = CLASSIFIER_PRESETS[name]
    with torch.device("meta"):
        return build_classifier(kind, {**own, **settings})


def giga_multiply_adds(module: nn.Module, channels: int, side: int) -> float:
    counter = FlopCounterMode(display=False)
    with counter, torch.no_grad():
        module.eval()(torch.empty(1, channels, side, side, device="meta"))
    return counter.get_total_flops() / 2e9


@pytest.fixture(params=CASES)
def classifier(request: pytest.FixtureRequest) -> Classifier:
    torch.manual_seed(0)
    return build_classifier(*CASES[request.param]).eval()


def images(classifier: Classifier, number: int = 2) -> Tensor:
    side = classifier.image_size
    return torch.rand(number, classifier.image_channels, side, side)


def test_gives_a_score_for_each_class(classifier: Classifier) -> None:
    x = images(classifier)
    scores, heads = classifier(x), classifier.heads(x)
    assert scores.shape == (2, 3)
    assert scores.isfinite().all()
    torch.testing.assert_close(scores, sum(heads) / len(heads))


def test_gives_probabilities(classifier: Classifier) -> None:
    x = images(classifier)
    chances, scores = classifier.probabilities(x), classifier(x)
    if classifier.multi_label:
        expected = 1 / (1 + (-scores).exp())
    else:
        expected = scores.exp() / scores.exp().sum(dim=1, keepdim=True)
    torch.testing.assert_close(chances, expected)
    assert ((chances > 0) & (chances < 1)).all()


def test_does_not_mix_images_of_a_batch(classifier: Classifier) -> None:
    x = images(classifier, 3)
    torch.testing.assert_close(classifier(x)[1:2], classifier(x[1:2]), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_is_finite_on_flat_images(classifier: Classifier, value: float) -> None:
    assert classifier(torch.full_like(images(classifier, 1), value)).isfinite().all()


def test_passes_gradients_to_every_parameter(classifier: Classifier) -> None:
    classifier.train()(images(classifier, 4)).square().sum().backward()
    for name, parameter in classifier.named_parameters():
        if parameter.requires_grad:
            assert parameter.grad is not None, name
            assert parameter.grad.abs().sum() > 0, name


def test_remembers_how_it_was_built(classifier: Classifier, tmp_path: Path) -> None:
    again = build_classifier(name_of(classifier), settings_of(classifier))
    again.load_state_dict(classifier.state_dict())
    x = images(classifier)
    torch.testing.assert_close(again.eval()(x), classifier(x), atol=0, rtol=0)
    path = tmp_path / "classifier.safetensors"
    checkpoint.save(path, classifier, Card(name="classifier"))
    loaded = checkpoint.load_classifier(path)
    assert loaded.module.classes == ("cat", "dog", "été")
    assert loaded.model == checkpoint.read_header(path).model == name_of(classifier)
    torch.testing.assert_close(loaded.module(x), classifier(x), atol=0, rtol=0)
    with pytest.raises(CheckpointError, match="a classifier, which makes no image") as caught:
        checkpoint.load(path)
    assert caught.value.hint == "srkit classify"


def test_every_classifier_has_a_case() -> None:
    assert {kind for kind, _ in CASES.values()} == set(CLASSIFIERS)


def test_a_model_that_enlarges_is_no_classifier() -> None:
    with pytest.raises(CheckpointError, match="not a classifier") as caught:
        checkpoint.load_classifier("lapwave-m-x2")
    assert caught.value.hint == "srkit upscale"


@pytest.mark.parametrize("name", CLASSIFIER_PRESETS)
def test_every_preset_can_be_built(name: str) -> None:
    kind, _ = CLASSIFIER_PRESETS[name]
    assert type(preset(name, **THREE)) is CLASSIFIERS[kind][1]


@pytest.mark.parametrize(
    ("name", "bands", "side", "parameters"),
    [
        # Counted in the published code, for BigEarthNet's 19 classes.
        ("wrn-b4-eca", 10, 90, 984_313),
        ("wrn-b4-eca", 12, 90, 984_601),
        # The same rule with EfficientNet-B4's factors.
        ("wrn-b4-eca-dw", 10, 110, 2_106_457),
    ],
)
def test_wrn_b4_eca_has_the_published_parameters(
    name: str, bands: int, side: int, parameters: int
) -> None:
    network = preset(name, image_channels=bands, classes=names(19), multi_label=True)
    assert count(network) == parameters
    assert network.image_size == side


def test_wrn_b4_eca_costs_as_much_as_published() -> None:
    network = preset("wrn-b4-eca", image_channels=10, classes=names(19))
    assert giga_multiply_adds(network, 10, 90) == pytest.approx(1.088, abs=5e-4)


def test_the_backbones_are_those_of_the_published_networks() -> None:
    with torch.device("meta"):
        vgg, resnet = (
            nn.Sequential(
                backbone := BACKBONES[name](3, 64, 224),
                BACKBONES[name].create_head(backbone.outputs, 1000),
            )
            for name in ("vgg16", "resnet50")
        )
    assert count(vgg) == 138_365_992  # torchvision's vgg16_bn
    # torchvision's resnet50, without the norms of stem and shortcuts, with a bias for each of the
    # outputs of its convolutions.
    shortcuts = 256 + 512 + 1024 + 2048
    outputs = 64 + 3 * 2 * 64 + 3 * 256 + 4 * 2 * 128 + 4 * 512 + 6 * 2 * 256 + 6 * 1024
    outputs += 3 * 2 * 512 + 3 * 2048 + shortcuts
    assert count(resnet) == 25_557_032 - 2 * (64 + shortcuts) + outputs


@pytest.mark.parametrize(
    ("name", "side", "classes", "plain", "cost"),
    [
        # Measured on the published code: the backbone alone, and LPAE's classifier.
        ("vgg16", 224, 1000, 15.47, 5.48),
        ("resnet50", 224, 1000, 3.86, 1.82),
        ("vgg16", 128, 6, 5.06, 1.80),
        ("resnet50", 128, 6, 1.26, 0.575),
    ],
)
def test_lpaes_classifier_costs_a_third_of_its_backbone(
    name: str, side: int, classes: int, plain: float, cost: float
) -> None:
    with torch.device("meta"):
        backbone = BACKBONES[name](3, 64, side)
        alone = nn.Sequential(backbone, BACKBONES[name].create_head(backbone.outputs, classes))
    assert giga_multiply_adds(alone, 3, side) == pytest.approx(plain, abs=5e-3)
    network = preset(f"lpae-{name}", classes=names(classes), image_size=side)
    assert giga_multiply_adds(network, 3, side) == pytest.approx(cost, abs=5e-3)


@pytest.mark.parametrize(("name", "millions"), [("vgg16", 150.2), ("resnet50", 29.6)])
def test_lpaes_classifier_has_the_papers_parameters(name: str, millions: float) -> None:
    assert count(preset(f"lpae-{name}", classes=names(1000))) / 1e6 == pytest.approx(
        millions, abs=0.05
    )


def test_lpaes_classifier_keeps_its_autoencoder_frozen() -> None:
    network = build_classifier(*CASES["lpae-small"])
    assert isinstance(network, LPAEClassifier)
    frozen = {name for name, weight in network.named_parameters() if not weight.requires_grad}
    assert frozen == {f"lpae.{name}" for name, _ in network.lpae.named_parameters()}


def test_lpaes_classifier_sees_approximation_and_detail() -> None:
    """The first head knows nothing of the detail, the second all."""
    torch.manual_seed(0)
    network = build_classifier(*CASES["lpae-small"]).eval()
    assert isinstance(network, LPAEClassifier)
    x = images(network)
    before = network.heads(x)
    with torch.no_grad():
        for weight in network.detail.parameters():
            weight.add_(0.1)
    after = network.heads(x)
    assert torch.equal(before[0], after[0])
    assert not torch.allclose(before[1], after[1])


def tensorflows(image_HW: Any, kernel_KK: Any, stride: int) -> Any:
    """Convolve by the rule of TensorFlow's documentation of `padding="same"`, pixel by pixel."""
    sides, starts = [], []
    for side in image_HW.shape:
        size = kernel_KK.shape[0]
        along = max(size - stride, 0) if side % stride == 0 else max(size - side % stride, 0)
        sides.append(math.ceil(side / stride))
        starts.append(along // 2)
    out = np.zeros(sides)
    for y in range(sides[0]):
        for x in range(sides[1]):
            for i in range(kernel_KK.shape[0]):
                for j in range(kernel_KK.shape[1]):
                    row, column = y * stride + i - starts[0], x * stride + j - starts[1]
                    if 0 <= row < image_HW.shape[0] and 0 <= column < image_HW.shape[1]:
                        out[y, x] += image_HW[row, column] * kernel_KK[i, j]
    return out


@pytest.mark.parametrize("kernel_size", [1, 3])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("size", [(1, 1), (6, 6), (7, 6), (5, 9)])
def test_pads_as_tensorflow_does(size: tuple[int, int], stride: int, kernel_size: int) -> None:
    torch.manual_seed(0)
    layer = SameConvolution(1, 1, kernel_size, stride=stride)
    x = torch.rand(1, 1, *size)
    expected = tensorflows(x[0, 0].numpy(), layer.weight[0, 0].detach().numpy(), stride)
    np.testing.assert_allclose(layer(x)[0, 0].detach().numpy(), expected, atol=1e-6)


def test_the_published_pooling_leaves_out_the_last_rows() -> None:
    network = WRNECA(WRNECAConfig(classes=names(3), image_channels=232))
    network.stem = network.stages = nn.Sequential()
    x = torch.rand(2, 232, 23, 23)
    torch.testing.assert_close(network(x), network.head(x[..., :16, :16].mean(dim=(2, 3))))


def test_attention_with_a_bias_is_kerass() -> None:
    torch.manual_seed(0)
    attention = EfficientChannelAttention(8, bias=True)
    x = torch.rand(2, 8, 3, 4)
    taps, bias = attention.mix.weight, attention.mix.bias
    gate = F.conv1d(x.mean(dim=(2, 3))[:, None], taps, bias, padding=1).sigmoid()
    torch.testing.assert_close(attention(x), x * gate[:, 0, :, None, None])
    assert count(attention) == count(EfficientChannelAttention(8)) + 1


def test_bands_are_standardised() -> None:
    layer = Standardisation(3)
    x = torch.rand(4, 3, 5, 5)
    torch.testing.assert_close(layer(x), x, atol=0, rtol=0)
    x[:, 2] = 0.25  # never changes
    layer.adapt(x.mean(dim=(0, 2, 3)).tolist(), x.std(dim=(0, 2, 3), correction=0).tolist())
    y = layer(x)
    torch.testing.assert_close(y.mean(dim=(0, 2, 3)), torch.zeros(3), atol=1e-5, rtol=0)
    torch.testing.assert_close(
        y.std(dim=(0, 2, 3), correction=0), torch.tensor([1.0, 1, 0]), atol=1e-5, rtol=0
    )


@pytest.mark.parametrize(
    ("phi", "factors", "expected"),
    [
        (0, (1.4, 1.8, 1.4), (1, (32, 64, 128), 60)),
        (1, (1.4, 1.8, 1.4), (1, (56, 116, 232), 90)),
        (1, (1.8, 1.4, 1.8), (3, (44, 88, 180), 110)),
        # By hand: 10 * 1.2^3 = 17.28; (17.28 - 4) // 6 = 2, times 1.728; 32 * 1.331 = 42.6;
        # 60 * 1.15^3 = 91.25.
        (3, (1.2, 1.1, 1.15), (3, (44, 84, 172), 100)),
    ],
)
def test_scales_as_the_table_says(
    phi: float, factors: tuple[float, float, float], expected: tuple[int, tuple[int, ...], int]
) -> None:
    depth, width, resolution = factors
    blocks, widths, side = expected
    assert compound_scaling(phi, depth=depth, width=width, resolution=resolution) == Scaled(
        blocks=blocks, widths=widths, image_size=side
    )


@pytest.mark.parametrize(
    ("kind", "settings", "message"),
    [
        ("wrn_eca", {}, "classes must have 2 names or more, got 0"),
        ("wrn_eca", {"classes": ("cat",)}, "classes must have 2 names or more, got 1"),
        ("wrn_eca", {"classes": (), "multi_label": True}, "classes must have 1 names or more"),
        ("wrn_eca", {"classes": ("cat", "cat")}, "names that are all different"),
        ("wrn_eca", {"classes": ("cat", "")}, "names that are all different and not empty"),
        ("wrn_eca", {"classes": "cat"}, "classes must be a list of names, got 'cat'"),
        ("wrn_eca", {"classes": [1, 2]}, "classes must be a list of names"),
        ("wrn_eca", {**THREE, "pooling": "all"}, "unknown pooling 'all'"),
        ("wrn_eca", {**THREE, "image_size": 28}, "image_size must be at least 29"),
        ("wrn_eca", {**THREE, "depth": 0.5}, "leaves stages without blocks"),
        ("wrn_eca", {**THREE, "width": -1.0}, "width must be greater than 0"),
        ("wrn_eca", {**THREE, "phi": True}, "phi must be of type float, got True"),
        ("wrn_eca", {**THREE, "featurs": 3}, "has no setting 'featurs'"),
        ("lpae_classifier", {**THREE, "backbone": "vgg"}, "unknown backbone 'vgg'"),
        ("lpae_classifier", {**THREE, "features": 6}, "must be a multiple of 4, got 6"),
        ("lpae_classifier", {**THREE, "image_size": 30}, "vgg16 needs images of 16 pixels"),
        ("lpae", {**THREE}, "unknown classifier 'lpae'"),
    ],
)
def test_a_configuration_that_cannot_be_built_is_refused(
    kind: str, settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        build_classifier(kind, settings)


def test_a_classifier_is_no_model() -> None:
    with pytest.raises(ConfigError, match="unknown model 'wrn_eca'"):
        build_model("wrn_eca", THREE)
