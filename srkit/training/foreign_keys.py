"""Keys of BasicSR's option files and of its children's that srkit has no place for, and why.

An entry stands for the key and all below it.
"""

import re
from collections.abc import Mapping
from typing import Any

_NO_GAN = "srkit has no GAN training"
_DRAWN = "srkit draws patches at random, from all images"
_TORCHRUN = "torchrun says how many processes there are"
_NAMES = "LR images are found by the name of their HR image"
_ALL_IMAGES = "srkit trains on every image of the folder"
_OWN_KIND = "the kind of data follows from dataroot_lq and degradation"
_WEIGHTS = "srkit starts from its own checkpoints only: path.pretrain_network_g, or --pretrained"
_SHARPENED = "srkit does not sharpen images"
_MODES = "srkit resizes by area, bilinear or bicubic, each as often"

REASONS: Mapping[str, str] = {
    "model_type": "the model decides how it is trained",
    "num_gpu": _TORCHRUN,
    "dist_params": _TORCHRUN,
    "network_d": _NO_GAN,
    "gt_usm": _SHARPENED,
    "l1_gt_usm": _SHARPENED,
    "percep_gt_usm": _SHARPENED,
    "gan_gt_usm": _SHARPENED,
    "lq_usm": _SHARPENED,
    "lq_usm_radius_range": _SHARPENED,
    "queue_size": "srkit degrades every patch by itself",
    "use_channels_last": "srkit always does",
    "high_order_degradations_debug": "degraded patches are not saved",
    "high_order_degradations_debug_limit": "degraded patches are not saved",
    "resize_mode_list": _MODES,
    "resize_mode_prob": _MODES,
    "resize_mode_list2": _MODES,
    "resize_mode_prob2": _MODES,
    "resize_mode_list3": _MODES,
    "resize_mode_prob3": _MODES,
    "blur_prob": "srkit's first blur is always there",
    "jpeg_prob": "srkit's JPEG compression is always there",
    "jpeg_prob2": "srkit's JPEG compression is always there",
    "datasets.train.type": _OWN_KIND,
    "datasets.train.io_backend": "srkit reads image files",
    "datasets.train.meta_info": _ALL_IMAGES,
    "datasets.train.meta_info_file": _ALL_IMAGES,
    "datasets.train.filename_tmpl": _NAMES,
    "datasets.train.use_shuffle": _DRAWN,
    "datasets.train.dataset_enlarge_ratio": _DRAWN,
    "datasets.train.prefetch_mode": "num_worker_per_gpu prepares batches ahead",
    "datasets.train.num_prefetch_queue": "num_worker_per_gpu prepares batches ahead",
    "datasets.train.pin_memory": "num_worker_per_gpu prepares batches ahead",
    "datasets.train.kernel_range": "sizes of kernels are drawn from 7 to blur_kernel_size",
    "datasets.train.kernel_range2": "sizes of kernels are drawn from 7 to blur_kernel_size2",
    "datasets.train.final_kernel_range": "sizes of the last kernel are drawn from 7 to 21",
    "path": _WEIGHTS,
    "path.resume_state": "--resume goes on with a run",
    "path.pretrain_network_d": _NO_GAN,
    "path.strict_load_d": _NO_GAN,
    "path.param_key_d": _NO_GAN,
    "train.optim_d": _NO_GAN,
    "train.gan_opt": _NO_GAN,
    "train.net_d_iters": _NO_GAN,
    "train.net_d_init_iters": _NO_GAN,
    "train.perceptual_opt": "srkit has no VGG loss; train.losses.lpips is the nearest",
    "train.ema_power": "the average warms up by itself",
    "val.save_img": "crops of every validation are saved",
    "val.metrics": "PSNR and SSIM are measured, under the protocol sr-y",
    "val.metrics_enabled": "PSNR and SSIM are measured, under the protocol sr-y",
    "val.tile_size": "validation images are enlarged whole",
    "val.tile_overlap": "validation images are enlarged whole",
    "logger.wandb": "srkit writes CSV, JSON, a report and TensorBoard's files",
    "logger.save_checkpoint_format": "checkpoints are safetensors",
}

# What srkit does in any case: with this value nothing is lost.
SAME: Mapping[str, Any] = {
    "use_channels_last": True,
    "high_order_degradations_debug": False,
    "lq_usm": False,
    "gt_usm": False,
    "l1_gt_usm": False,
    "blur_prob": 1,
    "jpeg_prob": 1,
    "jpeg_prob2": 1,
    "datasets.train.use_shuffle": True,
    "datasets.train.io_backend.type": "disk",
    "val.val_enabled": True,
    "val.metrics_enabled": True,
    "val.tile_size": 0,
    "logger.save_checkpoint_format": "safetensors",
}

NOTHING_LIKE_IT = "srkit has nothing like it"


def reason_for(key: str) -> str:
    """Say why a key has no place, by its own entry or the nearest section's.

    >>> reason_for("train.gan_opt.gan_type")
    'srkit has no GAN training'
    """
    parts = canonical(key).split(".")
    for length in range(len(parts), 0, -1):
        found = REASONS.get(".".join(parts[:length]))
        if found is not None:
            return found
    return NOTHING_LIKE_IT


def canonical(key: str) -> str:
    """Give the key it is listed under: validation sets are described as the training set is.

    >>> canonical("datasets.val_1.type")
    'datasets.train.type'
    """
    return re.sub(r"^datasets\.val[^.]*\.", "datasets.train.", key)
