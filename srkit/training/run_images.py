"""The images a run is trained on, read and ready to draw batches from; or noise in their place."""

from pathlib import Path

from accelerate import Accelerator

from srkit.data.batches import BatchSource
from srkit.data.datasets import TrainingFolder, fetch_folders, find_folders
from srkit.data.degradations import Degradation
from srkit.data.part import Part, noise
from srkit.data.survey import Survey, survey_folders
from srkit.data.training_set import TrainingSet, load_training_set
from srkit.training.config import TrainingConfig
from srkit.training.engine import share_images
from srkit.training.patches import PatchPlan
from srkit.training.watch import Watcher


def open_images(
    config: TrainingConfig,
    plan: PatchPlan,
    degradation: Degradation | None,
    engine: Accelerator,
    *,
    scale: int,
    bands: int,
    data_root: Path | None,
    prepared: Path,
    watcher: Watcher,
) -> BatchSource:
    """Find, or download, and read the training images, of so many bands.

    Decoded ones may be kept in `prepared`.

    Raises: DataError and ImageError naming what cannot be used.
    """
    images = config.datasets.train
    with engine.local_main_process_first():  # what it downloads and prepares, the others find
        folders = _find(config, scale, data_root)
        fetch_folders(folders, data_root, say=watcher.said)
        training_set = load_training_set(
            folders,
            scale=scale,
            patch_size=max(plan.sizes),
            bands=bands,
            needs_lr=degradation is None,
            cache=images.cache,
            cache_folder=prepared,
            shared=share_images(engine, images.num_worker_per_gpu),
            progress=watcher.reading,
        )
    return _source(training_set, config, plan, degradation, scale=scale)


def survey_images(
    config: TrainingConfig,
    plan: PatchPlan,
    degradation: Degradation | None,
    *,
    scale: int,
    bands: int,
    data_root: Path | None,
) -> Survey:
    """Find the training images without reading or downloading them.

    Raises: DataError and ConfigError as `find_folders` and `survey_folders`.
    """
    return survey_folders(
        _find(config, scale, data_root),
        scale=scale,
        patch_size=max(plan.sizes),
        bands=bands,
        needs_lr=degradation is None,
        data_root=data_root,
    )


def noise_images(
    config: TrainingConfig,
    plan: PatchPlan,
    degradation: Degradation | None,
    *,
    scale: int,
    bands: int,
) -> BatchSource:
    """Give one image of noise, from which batches are drawn as they are from images."""
    side = 2 * max(plan.sizes)
    lr, hr = (
        noise(length, length, bands, seed=config.manual_seed) for length in (side, side * scale)
    )
    part = Part(folder=0, hr=hr, lr=lr if degradation is None else None)
    images = TrainingSet(
        parts=[part], weights=(None,), images=1, megapixels=part.height * part.width / 1e6
    )
    return _source(images, config, plan, degradation, scale=scale)


def _find(config: TrainingConfig, scale: int, data_root: Path | None) -> list[TrainingFolder]:
    images = config.datasets.train
    return find_folders(
        images.dataroot_gt,
        lr=images.dataroot_lq,
        weights=images.weights,
        lr_track=images.lr_track,
        sub_image_size=images.sub_image_size,
        scale=scale,
        data_root=data_root,
    )


def _source(
    training_set: TrainingSet,
    config: TrainingConfig,
    plan: PatchPlan,
    degradation: Degradation | None,
    *,
    scale: int,
) -> BatchSource:
    images = config.datasets.train
    return BatchSource(
        training_set,
        scale=scale,
        patch_size=plan.size,
        batch_size=plan.patches,
        seed=config.manual_seed,
        use_hflip=images.use_hflip,
        use_rot=images.use_rot is not False,
        degradation=degradation,
    )
