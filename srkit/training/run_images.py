"""The images a run is trained on, read and ready to draw batches from."""

from pathlib import Path

from accelerate import Accelerator

from srkit.data.batches import BatchSource
from srkit.data.datasets import resolve_folders
from srkit.data.degradations import Degradation
from srkit.data.training_set import load_training_set
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
        folders = resolve_folders(
            images.dataroot_gt,
            lr=images.dataroot_lq,
            weights=images.weights,
            lr_track=images.lr_track,
            sub_image_size=images.sub_image_size,
            scale=scale,
            data_root=data_root,
            say=watcher.said,
        )
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
