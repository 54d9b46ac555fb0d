"""Run a model over an image tile by tile: the one loop everything that is enlarged goes through.

The image and the result stay where the caller keeps them, files' own 8 or 16 bits included: a tile
is read as floats, run, and handed back. A tile that fails ends the loop with an exception, so that
no result with a hole is ever used. Out of memory is the exception to that: the whole image starts
again with tiles of half the size, because going on from the middle would make the result depend
on how much memory was free.
"""

# Shapes: B batch (here 1), K image channels, H W height and width in LR pixels, s scale.

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from srkit.errors import ConfigError, SrkitError
from srkit.inference.device import Precision, arithmetic, dtype_of
from srkit.inference.tiling import Region, Tile, choose_tile, plan_tiles

# For models that see the whole image: no halo is wide enough, this one hides most seams.
APPROXIMATE_HALO = 32
# Halving stops here; below it a tile is nearly all halo.
SMALLEST_TILE = 32

Read = Callable[[Region], Tensor]
"""Give the LR pixels of a region, (1, K, height, width), floating, in [0, 1]."""
Write = Callable[[Region, Tensor], None]
"""Take the HR pixels of a region, (1, K, height, width), float32 on the CPU, within [0, 1]."""
Progress = Callable[[int, int], None]
"""Called with the number of tiles done and of all tiles."""
Notice = Callable[[str], None]
"""Called with one line about what went otherwise than asked."""


@dataclass(frozen=True)
class Traits:
    """What a model states about itself; see `srkit.models`."""

    scale: int
    image_channels: int
    receptive_field: int | None
    size_multiple: int

    @classmethod
    def of(cls, model: nn.Module) -> "Traits":
        return cls(
            *(
                getattr(model, name)
                for name in ("scale", "image_channels", "receptive_field", "size_multiple")
            )
        )

    @property
    def halo(self) -> int:
        return APPROXIMATE_HALO if self.receptive_field is None else self.receptive_field


@dataclass(frozen=True, kw_only=True)
class Tiling:
    """How an image is cut and computed.

    Raises: ConfigError for a negative tile or halo and an unknown precision.
    """

    tile: int | None = None
    """Side of a tile's core in LR pixels; None = chosen by the image's size, 0 = whole image."""
    halo: int | None = None
    """Pixels around a core; None = the model's receptive field, 32 where that is the image."""
    precision: Precision = "auto"

    def __post_init__(self) -> None:
        for name, value in (("tile", self.tile), ("halo", self.halo)):
            if value is not None and value < 0:
                raise ConfigError(f"{name} must be at least 0, got {value}")
        dtype_of(self.precision)

    def halo_for(self, model: nn.Module) -> int:
        return Traits.of(model).halo if self.halo is None else self.halo

    def side_for(self, model: nn.Module, height: int, width: int) -> int:
        """Say how large the tiles of an image of (height, width) may be."""
        if self.tile is None:
            return choose_tile(height, width, halo=self.halo_for(model))
        return self.tile or max(height, width)

    def plan(self, model: nn.Module, height: int, width: int, side: int) -> list[Tile]:
        multiple = Traits.of(model).size_multiple
        halo = self.halo_for(model)
        return plan_tiles(height, width, tile=side, halo=halo, multiple=multiple)

    def is_exact(self, model: nn.Module) -> bool:
        """Say whether tiles give what the whole image would."""
        field = Traits.of(model).receptive_field
        return self.tile == 0 or (field is not None and self.halo_for(model) >= field)


def run_tiles(
    model: nn.Module,
    size: tuple[int, int],
    read: Read,
    write: Write,
    *,
    tiling: Tiling,
    progress: Progress | None = None,
    notice: Notice = warnings.warn,
) -> None:
    """Enlarge an image of `size` (height, width) from `read` to `write`.

    The model may be on any device; it is run in evaluation mode, whatever mode it is in.
    Raises: SrkitError when a result is not finite, or when even the smallest tile does not fit in
        memory; whatever the model, `read` and `write` raise.
    """
    side = tiling.side_for(model, *size)
    multiple = Traits.of(model).size_multiple
    while True:
        tiles = tiling.plan(model, *size, side)
        try:
            with _evaluating(model):
                for done, tile in enumerate(tiles):
                    if progress is not None:
                        progress(done, len(tiles))
                    enlarged = _run(model, read(tile.padded), tile, tiling, notice)
                    write(tile.core.scaled(Traits.of(model).scale), enlarged)
            if progress is not None:
                progress(len(tiles), len(tiles))
            return
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
        # Outside the handler, where the traceback no longer keeps the tile's tensors alive.
        smaller = min(side, max(size)) // 2
        if smaller < max(SMALLEST_TILE, multiple):
            raise SrkitError(f"not enough memory, even for tiles of {side} pixels")
        if tiling.tile == 0 and Traits.of(model).receptive_field is None:
            raise SrkitError(
                "not enough memory for the whole image, and this model's tiles are approximate",
                hint="--tile 512 accepts that",
            )
        side = smaller
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        approximate = "" if tiling.is_exact(model) else ", which is approximate"
        notice(f"not enough memory: trying again with tiles of {side} pixels{approximate}")


def is_out_of_memory(error: BaseException) -> bool:
    """Tell running out of memory from every other error."""
    # torch's CPU and MPS allocators raise a plain RuntimeError; the words are all there is.
    words = ("can't allocate memory", "not enough memory", "out of memory")
    return isinstance(error, (MemoryError, torch.OutOfMemoryError)) or (
        isinstance(error, RuntimeError) and any(word in str(error).lower() for word in words)
    )


def _run(model: nn.Module, lr_BKHW: Tensor, tile: Tile, tiling: Tiling, notice: Notice) -> Tensor:
    """Enlarge one padded tile and cut its core out of the result."""
    weights = next(model.parameters(), lr_BKHW)
    device, dtype = weights.device, dtype_of(tiling.precision)
    lr_BKHW = lr_BKHW.to(device, weights.dtype)
    if device.type == "cpu":
        # Measured on 2 cores with 64 features: 2.5 instead of 3.6 us a pixel in tiles of 256.
        lr_BKHW = lr_BKHW.contiguous(memory_format=torch.channels_last)
    core = tile.core.within(tile.padded).scaled(Traits.of(model).scale)

    with arithmetic(device, dtype):
        enlarged_BKHW: Tensor = model(lr_BKHW)[..., core.rows, core.columns]
    if dtype != torch.float32 and not _finite(enlarged_BKHW):
        notice(f"{tiling.precision} overflowed in a tile, which is run again in float32")
        with arithmetic(device, torch.float32):
            enlarged_BKHW = model(lr_BKHW)[..., core.rows, core.columns]
    if not _finite(enlarged_BKHW):
        raise SrkitError(
            "the model's result is not finite in the tile at "
            f"row {tile.core.top}, column {tile.core.left}"
        )
    return enlarged_BKHW.to("cpu", torch.float32).clamp(0, 1)


def _finite(x: Tensor) -> bool:
    # One value that is not finite makes the sum so: a seventh of the time of looking at each.
    return bool(x.sum(dtype=torch.float32).isfinite())


@contextmanager
def _evaluating(model: nn.Module) -> Iterator[None]:
    """Run in evaluation mode and give every part of the model its own mode back."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training
