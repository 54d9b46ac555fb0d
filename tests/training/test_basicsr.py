"""Option files of BasicSR, Real-ESRGAN and traiNNer-redux become configurations of srkit's.

The files in tests/data/option_files are written after the frameworks' own, with their keys.
"""

from pathlib import Path
from typing import Any

import pytest

from srkit.data.degradations.second_order import SecondOrder, TwoRounds
from srkit.errors import ConfigError
from srkit.training.basicsr import Translation, translate
from srkit.training.config import TrainingConfig
from srkit.training.config_file import read_config
from srkit.training.config_words import apply

FILES = Path(__file__).resolve().parents[1] / "data" / "option_files"
NO_GAN = "srkit has no GAN training"
TORCHRUN = "torchrun says how many processes there are"
OWN_WEIGHTS = "srkit starts from its own checkpoints only: path.pretrain_network_g, or --pretrained"
OWN_KIND = "the kind of data follows from dataroot_lq and degradation"
NOTHING_LIKE_IT = "srkit has nothing like it"
METRICS = "PSNR and SSIM are measured, under the protocol sr-y"
MODES = "srkit resizes by area, bilinear or bicubic, each as often"
SIZES = "sizes of kernels are drawn from 7 to blur_kernel_size"
KERNEL_RANGE = "traiNNer-redux goes by kernel_range"
FIRST_BLUR = "srkit's first blur is always there"

LOGGER = {"print_freq": 100, "save_checkpoint_freq": 5000, "use_tb_logger": True}


def trained(*, steps: int, milestone: int) -> dict[str, Any]:
    """Give how BasicSR's and Real-ESRGAN's files have networks trained, in srkit's words."""
    return {
        "total_iter": steps,
        "warmup_iter": 0,
        "optim_g": {"type": "Adam", "lr": 1e-4, "weight_decay": 0, "betas": [0.9, 0.99]},
        "scheduler": {"type": "MultiStepLR", "milestones": [milestone], "gamma": 0.5},
        "losses": {"l1": 1.0},
        "ema_decay": 0.999,
        "clip_grad_norm": 0,
    }


def translated(name: str) -> Translation:
    path = FILES / f"{name}.yml"
    return translate(read_config(path), source=path.name)


def test_basicsr() -> None:
    found = translated("basicsr")
    assert found.config == TrainingConfig.model_validate(
        {
            "name": "201_EDSR_Mx4_f64b16_DIV2K_300k_B16G1",
            "scale": 4,
            "manual_seed": 10,
            "datasets": {
                "train": {
                    "name": "DIV2K",
                    "dataroot_gt": "datasets/DIV2K/DIV2K_train_HR_sub",
                    "dataroot_lq": "datasets/DIV2K/DIV2K_train_LR_bicubic_X4_sub",
                    "gt_size": 192,
                    "use_hflip": True,
                    "use_rot": True,
                    "num_worker_per_gpu": 6,
                    "batch_size_per_gpu": 16,
                },
                "val": [
                    {
                        "name": "Set5",
                        "dataroot_gt": "datasets/Set5/GTmod12",
                        "dataroot_lq": "datasets/Set5/LRbicx4",
                    },
                    {"name": "Set14", "dataroot_gt": "datasets/Set14/GTmod12"},
                ],
            },
            "network_g": {"type": "lapwave-m"},
            "train": trained(steps=300_000, milestone=200_000),
            "val": {"val_freq": 5000},
            "logger": LOGGER,
        }
    )
    assert found.dropped == {
        "model_type": "the model decides how it is trained",
        "num_gpu": TORCHRUN,
        "datasets.train.type": OWN_KIND,
        "datasets.train.meta_info_file": "srkit trains on every image of the folder",
        "datasets.train.filename_tmpl": "LR images are found by the name of their HR image",
        "datasets.train.dataset_enlarge_ratio": "srkit draws patches at random, from all images",
        "datasets.val.type": OWN_KIND,
        "datasets.val_2.type": OWN_KIND,
        "datasets.val_2.io_backend.type": "srkit reads image files",
        "network_g": "EDSR is none of srkit's models, lapwave-m takes its place",
        "path": OWN_WEIGHTS,
        "val.save_img": "crops of every validation are saved",
        "val.pbar": NOTHING_LIKE_IT,
        "val.metrics": METRICS,
        "dist_params": TORCHRUN,
    }


def test_real_esrgan() -> None:
    found = translated("real_esrgan")
    degradation = found.config.datasets.train.degradation
    assert found.config == TrainingConfig.model_validate(
        {
            "name": "train_RealESRGANx4plus_400k_B12G4",
            "scale": 4,
            "datasets": {
                "train": {
                    "name": "DF2K+OST",
                    "dataroot_gt": "datasets/DF2K",
                    "gt_size": 256,
                    "use_hflip": True,
                    "use_rot": False,
                    "num_worker_per_gpu": 5,
                    "batch_size_per_gpu": 12,
                    "degradation": degradation,
                },
            },
            "manual_seed": 0,
            "network_g": {"type": "lapwave-m"},
            "train": trained(steps=400_000, milestone=400_000),
            "logger": LOGGER,
        }
    )
    values = read_config(FILES / "real_esrgan.yml")
    theirs = values | values["datasets"]["train"]
    assert degradation.pop("type") == "second_order"
    assert degradation == {key: theirs[key] for key in degradation}
    # Both rounds and the last filter: everything but the codec, which Real-ESRGAN does not name.
    assert set(degradation) == set(SecondOrder.model_fields) - {"scale", "jpeg_codec"}
    assert found.dropped == {
        "model_type": "the model decides how it is trained",
        "num_gpu": TORCHRUN,
        "l1_gt_usm": "srkit does not sharpen images",
        "percep_gt_usm": "srkit does not sharpen images",
        "gan_gt_usm": "srkit does not sharpen images",
        "queue_size": "srkit degrades every patch by itself",
        "datasets.train.type": OWN_KIND,
        "datasets.train.meta_info": "srkit trains on every image of the folder",
        "datasets.train.gt_size": "patches are cut to the gt_size at the top, 256",
        "datasets.train.dataset_enlarge_ratio": "srkit draws patches at random, from all images",
        "network_g": "RRDBNet is none of srkit's models, lapwave-m takes its place",
        "network_d": NO_GAN,
        "path": OWN_WEIGHTS,
        "train.optim_d": NO_GAN,
        "train.perceptual_opt": "srkit has no VGG loss; train.losses.lpips is the nearest",
        "train.gan_opt": NO_GAN,
        "train.net_d_iters": NO_GAN,
        "train.net_d_init_iters": NO_GAN,
        "dist_params": TORCHRUN,
    }


def test_trainner_redux() -> None:
    found = translated("trainner_redux")
    degradation = found.config.datasets.train.degradation
    assert found.config == TrainingConfig.model_validate(
        {
            "name": "4x_SPAN_OTF",
            "scale": 4,
            "datasets": {
                "train": {
                    "name": "Train Dataset",
                    "dataroot_gt": ["datasets/train/dataset1/hr", "datasets/train/dataset2/hr"],
                    "gt_size": 192,  # lq_size 48 times 4
                    "num_worker_per_gpu": 8,
                    "batch_size_per_gpu": 8,
                    "use_rot": True,
                    "degradation": degradation,
                },
                "val": [
                    {
                        "name": "Val Dataset",
                        "dataroot_gt": "datasets/val/dataset1/hr",
                        "dataroot_lq": "datasets/val/dataset1/lr",
                    },
                    {
                        "name": "Val Dataset-2",
                        "dataroot_gt": "datasets/val/dataset2/hr",
                        "dataroot_lq": "datasets/val/dataset2/lr",
                    },
                ],
            },
            "network_g": {"type": "lapwave-m"},
            "train": {
                "total_iter": 500_000,
                "warmup_iter": 1600,
                "scheduler": {"type": "Constant"},
                "losses": {"charbonnier": 0.5, "l1": 0.1},
                "ema_decay": 0.999,
                "clip_grad_norm": 1,
                "accumulate": 2,
                "precision": "bfloat16",
                "compile": True,
            },
            "val": {"val_freq": 1000},
            "logger": {"print_freq": 100, "save_checkpoint_freq": 1000, "use_tb_logger": True},
        }
    )
    assert degradation["second_blur_prob"] == 0.3  # blur_prob2 there
    assert degradation["noise_range"] == [1, 15]
    assert degradation["blur_kernel_size"] == 17  # the ends of its kernel_range and kernel_range2
    assert degradation["blur_kernel_size2"] == 11
    assert degradation["blur_sigma2"] == [0.2, 1]
    assert found.dropped == {
        "fast_matmul": NOTHING_LIKE_IT,
        "detect_anomaly": NOTHING_LIKE_IT,
        "num_gpu": TORCHRUN,
        "high_order_degradations_debug_limit": "degraded patches are not saved",
        "dataroot_lq_prob": NOTHING_LIKE_IT,
        "lq_usm_radius_range": "srkit does not sharpen images",
        "blur_prob": FIRST_BLUR,
        "resize_mode_list": MODES,
        "resize_mode_prob": MODES,
        "resize_mode_list2": MODES,
        "resize_mode_prob2": MODES,
        "resize_mode_list3": MODES,
        "resize_mode_prob3": MODES,
        "queue_size": "srkit degrades every patch by itself",
        "datasets.train.type": OWN_KIND,
        "datasets.train.kernel_range": SIZES,
        "datasets.train.blur_kernel_size": KERNEL_RANGE,
        "datasets.train.blur_kernel_size2": f"{KERNEL_RANGE}2",
        "datasets.train.kernel_range2": f"{SIZES}2",
        "datasets.train.final_kernel_range": "sizes of the last kernel are drawn from 7 to 21",
        "datasets.val.type": OWN_KIND,
        "network_g": "span is none of srkit's models, lapwave-m takes its place",
        "path": OWN_WEIGHTS,
        "train.ema_power": "the average warms up by itself",
        "train.optim_g": "srkit has no AdanScheduleFree: its own AdamW takes its place",
        "val.save_img": "crops of every validation are saved",
        "val.tile_size": "validation images are enlarged whole",
        "val.tile_overlap": "validation images are enlarged whole",
        "val.metrics_enabled": METRICS,
        "val.metrics": METRICS,
        "train.losses.1": "srkit has no mssimloss",
        "train.losses.2": "its weight is 0",
        "train.losses.3.reduction": "losses are means, and have no settings",
    }


SMALLEST: dict[str, Any] = {
    "scale": 2,
    "datasets": {"train": {"dataroot_gt": "images"}},
    "network_g": {"type": "lapwave-s"},
}


def small(*words: str) -> Translation:
    return translate(apply(SMALLEST, words), source="options.yml")


def test_what_a_file_leaves_out_is_what_its_framework_does() -> None:
    config = small("train.optim_g.type=AdamW").config
    assert config.name == "imported"
    assert config.train.optim_g.betas == (0.9, 0.999)  # torch's, not srkit's
    assert config.train.optim_g.weight_decay == 0.01
    assert config.train.scheduler.type == "Constant"
    assert config.train.ema_decay == config.train.warmup_iter == config.train.clip_grad_norm == 0
    words = ["train.scheduler={type: MultiStepLR, milestones: [5]}", "train.grad_clip=true"]
    config = small("train.optim_g.type=Adam", *words).config
    assert config.train.optim_g.weight_decay == 0
    assert config.train.scheduler.gamma == 0.1
    assert config.train.clip_grad_norm == 1


@pytest.mark.parametrize(
    ("words", "key", "value", "dropped"),
    [
        (["name=my run: ☃"], "name", "my-run-", {"name": "a run's name is a folder's: my-run-"}),
        (["network_g={type: lpae}", "scale=1"], "network_g", {"type": "lpae"}, {}),
        (
            ["network_g={type: lapwave-s, features: 8}"],
            "network_g",
            {"type": "lapwave-s", "features": 8},
            {},
        ),
        (["train.warmup_iter=-1"], "train.warmup_iter", 0, {}),
        (["train.total_iter=\"float('1e5')\""], "train.total_iter", 100_000, {}),
        (["datasets.train.use_flip=false"], "datasets.train.use_hflip", False, {}),
        (["use_amp=true"], "train.precision", "float16", {}),
        (["use_amp=false", "amp_bf16=true"], "train.precision", "float32", {}),
        (
            [
                "train.total_iter=100",
                "train.scheduler={type: CosineAnnealingRestartLR, periods: [100], "
                "restart_weights: [1], eta_min: 1e-7}",
            ],
            "train.scheduler.eta_min",
            1e-7,
            {},
        ),
        (
            [
                "train.total_iter=100",
                "train.scheduler={type: CosineAnnealingRestartLR, periods: [40, 60], "
                "restart_weights: [1, 0.5]}",
            ],
            "train.scheduler.type",
            "CosineAnnealingLR",
            {
                "train.scheduler.periods": "srkit's cosine has no restarts: it is laid over the "
                "whole run",
                "train.scheduler.restart_weights": "srkit's cosine has no restarts",
            },
        ),
        (
            ["train.total_iter=100", "train.scheduler={type: CosineAnnealingLR, T_max: 50}"],
            "train.scheduler.type",
            "CosineAnnealingLR",
            {"train.scheduler.T_max": "srkit's cosine ends with the run, after 100 steps"},
        ),
        (
            ["train.scheduler={type: LinearLR, total_iter: 5}"],
            "train.scheduler.type",
            "CosineAnnealingLR",
            {"train.scheduler": "srkit has no LinearLR: a cosine down to 0 takes its place"},
        ),
        (
            ["datasets.val={name: Real, dataroot_lq: photos}"],
            "datasets.val",
            [],
            {"datasets.val": "srkit validates against HR images, and this set has none"},
        ),
        (
            ["datasets.val.dataroot_gt=Set5", "val.val_enabled=false"],
            "datasets.val",
            [],
            {"datasets.val": "val.val_enabled is false"},
        ),
        (
            ["high_order_degradation=false", "blur_sigma=[0.2, 3]"],
            "datasets.train.degradation",
            {"type": "bicubic"},
            {"blur_sigma": "high_order_degradation: false"},
        ),
        (
            ["high_order_degradation=true", "jpeg_range=[30, 95]", "datasets.train.dataroot_lq=lr"],
            "datasets.train.degradation",
            {"type": "bicubic"},
            {"high_order_degradation": "LR images are given", "jpeg_range": "LR images are given"},
        ),
        (
            ["network_g=null"],
            "network_g",
            {"type": "lapwave-m"},
            {"network_g": "no network is named, lapwave-m takes its place"},
        ),
        (
            ["network_g.type=MSRResNet", "scale=3"],
            "network_g",
            {"type": "lapwave-m", "head": "pixel_shuffle"},
            {"network_g": "MSRResNet is none of srkit's models, lapwave-m takes its place"},
        ),
        (["train.niter=7"], "train.total_iter", 7, {}),
        (["train.niter=7", "train.total_iter=9"], "train.total_iter", 9, {}),
        (["datasets.train.batch_size=3"], "datasets.train.batch_size_per_gpu", 3, {}),
        (["datasets.train.n_workers=5"], "datasets.train.num_worker_per_gpu", 5, {}),
        (["path={pretrain_network_g: null, resume_state: null}"], "scale", 2, {}),
        (["logger.wandb={project: null, resume_id: null}"], "scale", 2, {}),
    ],
)
def test_single_keys(words: list[str], key: str, value: Any, dropped: dict[str, str]) -> None:
    found = small(*words)
    place: Any = found.config.model_dump()
    for part in key.split("."):
        place = place[part]
    assert place == value
    assert found.dropped == dropped
    assert not found.unfit


def test_databases_are_kept_to_be_replaced() -> None:
    found = small(
        "datasets.train.dataroot_gt=[images, DIV2K.lmdb]",
        "datasets.train.dataroot_lq=[small, DIV2K-small.lmdb]",
        "datasets.val={dataroot_gt: Set5, dataroot_lq: Set5-small.lmdb}",
        "datasets.val_2={dataroot_gt: [Set14, BSD100], dataroot_lq: Set14-small.lmdb}",
    )
    train, scored = found.config.datasets.train, found.config.datasets.val
    assert train.dataroot_gt == ["images", "DIV2K.lmdb"]
    assert train.dataroot_lq == ["small", "DIV2K-small.lmdb"]
    assert [one.dataroot_lq for one in scored] == ["Set5-small.lmdb", None, None]
    assert found.dropped == {"datasets.val_2.dataroot_lq": "1 folders for 2 of dataroot_gt"}
    assert found.unfit == dict.fromkeys(
        (
            "datasets.train.dataroot_gt",
            "datasets.train.dataroot_lq",
            "datasets.val.dataroot_lq",
        ),
        "srkit reads no LMDB: give the folder of its images",
    )


# What traiNNer-redux does where its file says only `high_order_degradation: true`, by the defaults
# of traiNNer/utils/redux_options.py at 001f5a3; its blur_prob2 is srkit's second_blur_prob.
KERNELS = ["iso", "aniso", "generalized_iso", "generalized_aniso", "plateau_iso", "plateau_aniso"]
TRAINNER_REDUX: dict[str, Any] = {
    "blur_kernel_size": 17,  # from its kernel_range, [5, 17]
    "kernel_list": KERNELS,
    "kernel_prob": [0.45, 0.25, 0.12, 0.03, 0.12, 0.03],
    "sinc_prob": 0,
    "blur_sigma": [0.2, 2],
    "betag_range": [0.5, 4],
    "betap_range": [1, 2],
    "resize_prob": [0.2, 0.7, 0.1],
    "resize_range": [0.4, 1.5],
    "gaussian_noise_prob": 0,
    "noise_range": [0, 0],
    "poisson_scale_range": [0, 0],
    "gray_noise_prob": 0,
    "jpeg_range": [75, 95],
    "second_blur_prob": 0,
    "blur_kernel_size2": 17,
    "kernel_list2": KERNELS,
    "kernel_prob2": [0.45, 0.25, 0.12, 0.03, 0.12, 0.03],
    "sinc_prob2": 0,
    "blur_sigma2": [0.2, 1],
    "betag_range2": [0.5, 4],
    "betap_range2": [1, 2],
    "resize_prob2": [0.3, 0.4, 0.3],
    "resize_range2": [0.6, 1.2],
    "gaussian_noise_prob2": 0,
    "noise_range2": [0, 0],
    "poisson_scale_range2": [0, 0],
    "gray_noise_prob2": 0,
    "jpeg_range2": [75, 95],
    "final_sinc_prob": 0,
}
PLACELESS = {
    "blur_prob": f"traiNNer-redux's default, 0: {FIRST_BLUR}",
    **{
        f"resize_mode_list{end}": "traiNNer-redux's default, "
        f"[bilinear, bicubic, nearest-exact, lanczos]: {MODES}"
        for end in ("", "2", "3")
    },
    "datasets.train.kernel_range": f"traiNNer-redux's default, [5, 17]: {SIZES}",
}


def degradation_of(found: Translation) -> TwoRounds:
    settings = dict(found.config.datasets.train.degradation)
    assert settings.pop("type") == "second_order"
    return SecondOrder.parse(settings, scale=2)


def test_what_a_file_of_trainner_redux_leaves_out_is_what_it_does() -> None:
    found = small("high_order_degradation=true")
    assert degradation_of(found) == SecondOrder.parse(TRAINNER_REDUX, scale=2)
    assert found.dropped == PLACELESS


def test_a_partly_filled_degradation_of_trainner_redux() -> None:
    train = "datasets.train"
    found = small(
        "high_order_degradation=true",
        "blur_prob=1",
        "blur_prob2=0.5",
        "jpeg_range=[40, 60]",
        f"{train}.kernel_list=[iso]",
        f"{train}.kernel_prob=[1]",
        f"{train}.final_sinc_prob=0.3",
    )
    assert degradation_of(found) == SecondOrder.parse(
        {
            **TRAINNER_REDUX,
            "second_blur_prob": 0.5,
            "jpeg_range": [40, 60],
            "kernel_list": ["iso"],
            "kernel_prob": [1],
            "final_sinc_prob": 0.3,
        },
        scale=2,
    )
    left_out = "traiNNer-redux's default, [5, 17]: "
    assert found.dropped == {
        **{key: why for key, why in PLACELESS.items() if key != "blur_prob"},
        # Second blurs and last sincs are drawn now, so their sizes matter.
        f"{train}.kernel_range2": f"{left_out}{SIZES}2",
        f"{train}.final_kernel_range": f"{left_out}sizes of the last kernel are drawn from 7 to 21",
    }


@pytest.mark.parametrize(
    ("sizes", "largest", "lost"),
    [
        ("[5, 17]", 17, True),
        ("[7, 13]", 13, False),
        ("[3, 5]", 7, True),
        ("[7, 31]", 21, True),
        ("5", 17, True),
    ],
)
@pytest.mark.parametrize("end", ["", "2"])
def test_sizes_of_kernels_for_trainner_redux(
    sizes: str, largest: int, lost: bool, end: str
) -> None:
    train = "datasets.train"
    found = small(
        "high_order_degradation=true",
        f"{train}.kernel_range{end}={sizes}",
        f"{train}.blur_kernel_size{end}=12",
    )
    assert found.config.datasets.train.degradation[f"blur_kernel_size{end}"] == largest
    assert found.dropped[f"{train}.blur_kernel_size{end}"] == f"{KERNEL_RANGE}{end}"
    assert (f"{train}.kernel_range{end}" in found.dropped) is lost


def test_the_numbers_are_real_esrgans_without_the_key_of_trainner_redux() -> None:
    found = small("jpeg_range=[40, 60]")
    assert found.config.datasets.train.degradation == {
        "type": "second_order",
        "jpeg_range": [40, 60],
    }
    assert found.dropped == {}


FAMILIES = (
    "'iso', 'aniso', 'generalized_iso', 'generalized_aniso', 'plateau_iso' or 'plateau_aniso'"
)


@pytest.mark.parametrize("end", ["", "2"])
@pytest.mark.parametrize(
    ("names", "chances", "why_names", "why_chances"),
    [
        (
            "[iso, aniso, skew]",
            "[0.5, 0.3, 0.2]",
            f"must be {FAMILIES}, got 'skew'",
            "kernel_list is not carried over",
        ),
        (
            "[iso, aniso]",
            "[1.5, 1]",
            "kernel_prob is not carried over",
            "must be less than or equal to 1, got 1.5",
        ),
    ],
)
def test_kernels_and_their_chances_go_together(
    names: str, chances: str, why_names: str, why_chances: str, end: str
) -> None:
    train = "datasets.train"
    given = {"kernel_list": names, "kernel_prob": chances, "sinc_prob": "0.2"}
    found = small(*(f"{train}.{key}{end}={value}" for key, value in given.items()))
    assert found.config.datasets.train.degradation == {
        "type": "second_order",
        f"sinc_prob{end}": 0.2,
    }
    assert found.dropped == {
        f"{train}.kernel_list{end}": why_names.replace(" is", f"{end} is"),
        f"{train}.kernel_prob{end}": why_chances.replace(" is", f"{end} is"),
    }


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["datasets={test: {dataroot_lq: x}}"], "options.yml: has no datasets.train, so it is no"),
        (["scale=1"], "options.yml: scale: must be one of 2, 3, 4, 8, got 1"),
        (
            ["datasets.train.gt_size=49"],
            "options.yml: datasets.train.gt_size: an HR patch must be a multiple of the scale 2",
        ),
        (
            ["datasets.train.batch_size_per_gpu=0"],
            "options.yml: datasets.train.batch_size_per_gpu: must be greater than 0, got 0",
        ),
        (
            ["kernel_list=[iso]", "kernel_prob=[0.5, 0.5]"],
            "options.yml: datasets.train.degradation: kernel_prob must have an entry for each of",
        ),
        (["datasets.train={}"], "options.yml: datasets.train.dataroot_gt: is missing"),
    ],
)
def test_what_srkit_could_not_train_is_refused(words: list[str], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        small(*words)
    assert str(caught.value).startswith(message)
