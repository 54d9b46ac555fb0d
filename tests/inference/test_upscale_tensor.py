"""Tiled equals untiled, and a tile that fails is never passed over."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from srkit.errors import ConfigError, SrkitError
from srkit.inference.tile_runner import Tiling, Traits
from srkit.inference.upscaler import upscale_tensor

from .networks import Convolutions, Repeat, Strided, WholeImage

EXACT = 1e-5
NETWORKS = {
    "x2": Convolutions(scale=2),
    "x3": Convolutions(scale=3, depth=2),
    "x4": Convolutions(scale=4, depth=6),
    "gray": Convolutions(scale=2, channels=1),
    "strided": Strided(),
}


def picture(height: int, width: int, channels: int = 3, seed: int = 0) -> Tensor:
    return torch.rand(1, channels, height, width, generator=torch.Generator().manual_seed(seed))


def untiled(network: nn.Module, image: Tensor) -> Tensor:
    with torch.no_grad():
        enlarged: Tensor = network(image).clamp(0, 1)
    return enlarged


@pytest.mark.parametrize("name", NETWORKS)
@settings(deadline=None, max_examples=20)
@given(height=st.integers(1, 40), width=st.integers(1, 40), tile=st.integers(6, 24))
def test_tiled_equals_untiled(name: str, height: int, width: int, tile: int) -> None:
    network = NETWORKS[name]
    image = picture(height, width, Traits.of(network).image_channels, seed=41 * height + width)
    tiled = upscale_tensor(network, image, tile=tile)
    assert (tiled - untiled(network, image)).abs().max() <= EXACT


@pytest.mark.parametrize("tile", [None, 0, 1, 7, 1000])
def test_every_way_to_say_the_tile_gives_the_same(tile: int | None) -> None:
    image = picture(11, 23)
    tiled = upscale_tensor(NETWORKS["x2"], image, tile=tile)
    assert (tiled - untiled(NETWORKS["x2"], image)).abs().max() <= EXACT


def test_a_halo_one_pixel_short_would_be_noticed() -> None:
    image = picture(40, 40)
    network = NETWORKS["x2"]
    short = upscale_tensor(network, image, tiling=Tiling(tile=10, halo=3))
    assert (short - untiled(network, image)).abs().max() > 10 * EXACT


def test_tiles_off_the_grid_of_a_strided_network_would_be_noticed() -> None:
    network = Strided()
    network.size_multiple = 1
    image = picture(40, 40)
    tiled = upscale_tensor(network, image, tile=9)
    assert (tiled - untiled(network, image)).abs().max() > 10 * EXACT


def test_a_large_image_is_tiled_without_being_asked() -> None:
    network = Repeat()
    image = picture(600, 500)
    assert torch.equal(upscale_tensor(network, image), untiled(Repeat(), image))
    assert len(network.shapes) == 6
    assert max(side for shape in network.shapes for side in shape) <= 256


def test_results_are_clamped() -> None:
    network = Repeat(hook=lambda _, x: 3 * x - 1)
    enlarged = upscale_tensor(network, picture(8, 8))
    assert enlarged.min() == 0
    assert enlarged.max() == 1


def test_an_image_does_not_depend_on_its_batch() -> None:
    batch = torch.cat([picture(20, 30, seed=seed) for seed in range(3)])
    together = upscale_tensor(NETWORKS["x2"], batch, tile=16)
    for index in range(3):
        alone = upscale_tensor(NETWORKS["x2"], batch[index : index + 1], tile=16)
        assert torch.equal(together[index : index + 1], alone)


def test_the_result_can_be_trained_through() -> None:
    enlarged = upscale_tensor(NETWORKS["x2"], picture(4, 4).requires_grad_())
    assert not enlarged.requires_grad
    (enlarged * torch.ones(1, requires_grad=True)).sum().backward()


def test_the_network_gets_its_modes_back() -> None:
    network = nn.Sequential(nn.Dropout(0.9), Convolutions())
    for name in ("scale", "image_channels", "receptive_field", "size_multiple"):
        setattr(network, name, getattr(network[1], name))
    network.train()
    network[1].eval()
    image = picture(12, 12)
    enlarged = upscale_tensor(network, image)
    assert (enlarged - untiled(network[1], image)).abs().max() <= EXACT
    assert [network.training, network[0].training, network[1].training] == [True, True, False]


def test_progress_counts_over_the_whole_batch() -> None:
    seen: list[tuple[int, int]] = []
    batch = torch.cat([picture(20, 30), picture(20, 30)])
    upscale_tensor(NETWORKS["x2"], batch, tile=10, progress=lambda *at: seen.append(at))
    assert {total for _, total in seen} == {12}
    assert sorted(seen) == seen
    assert {done for done, _ in seen} == set(range(13))


def test_bands_that_do_not_match_are_refused() -> None:
    with pytest.raises(ConfigError, match="the image has 4 bands, the model takes 3"):
        upscale_tensor(NETWORKS["x2"], picture(4, 4, 4))


@pytest.mark.parametrize("failing", range(1, 10))
def test_a_failed_tile_fails_the_image(failing: int) -> None:
    def fail(call: int, _: Tensor) -> None:
        if call == failing:
            raise RuntimeError("the machine is on fire")

    with pytest.raises(RuntimeError, match="on fire"):
        upscale_tensor(Repeat(hook=fail), picture(96, 96), tile=32)


@pytest.mark.parametrize("failing", [1, 5, 9])
@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory"),
        # word for word from torch 2.14 on Linux, for torch.empty(10**15)
        RuntimeError(
            "[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate "
            "memory: you tried to allocate 4000000000000000 bytes. Error code 12 (Cannot "
            "allocate memory)"
        ),
        MemoryError(),
    ],
    ids=["cuda", "cpu", "numpy"],
)
def test_out_of_memory_halves_the_tile(failing: int, error: Exception) -> None:
    def fail(call: int, _: Tensor) -> None:
        if call == failing:
            raise error

    network, image, said = Repeat(hook=fail), picture(192, 192), list[str]()
    enlarged = upscale_tensor(network, image, tile=64, notice=said.append)
    assert torch.equal(enlarged, untiled(Repeat(), image))
    assert said == ["not enough memory: trying again with tiles of 32 pixels"]
    assert len(network.shapes) == failing + 36


def test_the_tile_that_cannot_be_halved_any_more_fails() -> None:
    def fail(_: int, x: Tensor) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    network, said = Repeat(hook=fail), list[str]()
    with pytest.raises(SrkitError, match="not enough memory, even for tiles of 32 pixels"):
        upscale_tensor(network, picture(100, 256), tile=0, notice=said.append)
    assert [max(shape) for shape in network.shapes] == [256, 128, 64, 32]
    assert len(said) == 3


def test_a_real_allocation_failure_is_out_of_memory() -> None:
    def fail(_: int, x: Tensor) -> Tensor | None:
        if x.shape[-1] > 40:
            torch.empty(10**15)
        return None

    image = picture(64, 64)
    enlarged = upscale_tensor(Repeat(hook=fail), image, tile=64, notice=lambda _: None)
    assert torch.equal(enlarged, untiled(Repeat(), image))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_result_that_is_not_finite_fails(value: float) -> None:
    def spoil(call: int, x: Tensor) -> Tensor:
        changed = x.clone()
        if call == 4:
            changed[0, 1, 3, 5] = value
        return changed

    with pytest.raises(SrkitError, match="not finite in the tile at row 16, column 16"):
        upscale_tensor(Repeat(hook=spoil), picture(32, 32), tile=16)


class Overflowing(nn.Module):
    """Goes through numbers that float32 holds and float16 does not, where the image is bright."""

    scale, image_channels, receptive_field, size_multiple = 1, 1, 0, 1

    def __init__(self) -> None:
        super().__init__()
        self.up, self.down = nn.Conv2d(1, 1, 1, bias=False), nn.Conv2d(1, 1, 1, bias=False)
        nn.init.constant_(self.up.weight, 2.0**15)
        nn.init.constant_(self.down.weight, 2.0**-17)

    def forward(self, x: Tensor) -> Tensor:
        down: Tensor = self.down(self.up(4 * x))
        return down


def test_a_tile_that_overflows_in_half_precision_is_run_again_in_float32() -> None:
    image, said = torch.full((1, 1, 8, 24), 0.25), list[str]()
    image[..., 8:16] = 0.75
    tiling = Tiling(tile=8, precision="float16")
    enlarged = upscale_tensor(Overflowing(), image, tiling=tiling, notice=said.append)
    assert torch.equal(enlarged, image)
    assert said == ["float16 overflowed in a tile, which is run again in float32"]


@pytest.mark.parametrize("precision", ["float16", "bfloat16"])
def test_half_precision_is_close(precision: str) -> None:
    image = picture(24, 24)
    tiling = Tiling(precision=precision)  # type: ignore[arg-type]
    enlarged = upscale_tensor(NETWORKS["x2"], image, tiling=tiling)
    difference = (enlarged - untiled(NETWORKS["x2"], image)).abs().max()
    assert enlarged.dtype == torch.float32
    assert 0 < difference < 0.02


def test_a_network_of_the_whole_image_is_exact_only_without_tiles() -> None:
    network, image = WholeImage(), picture(120, 120)
    whole = untiled(network, image)
    assert (upscale_tensor(network, image, tile=0) - whole).abs().max() <= EXACT
    assert (upscale_tensor(network, image, tile=40) - whole).abs().max() > 10 * EXACT
    assert Tiling(tile=0).is_exact(network)
    assert not Tiling().is_exact(network)


def test_a_network_of_the_whole_image_is_not_cut_against_the_users_word() -> None:
    class Greedy(WholeImage):
        def forward(self, x: Tensor) -> Tensor:
            raise torch.OutOfMemoryError("CUDA out of memory")

    with pytest.raises(SrkitError, match="not enough memory for the whole image") as caught:
        upscale_tensor(Greedy(), picture(100, 100), tile=0)
    assert caught.value.hint == "--tile 512 accepts that"


@pytest.mark.parametrize(("tile", "halo"), [(-1, None), (None, -1)])
def test_negative_numbers_are_refused(tile: int | None, halo: int | None) -> None:
    with pytest.raises(ConfigError, match="must be at least 0, got -1"):
        Tiling(tile=tile, halo=halo)
