"""What a training run is made of: the keys of its YAML file.

Keys are those of BasicSR's option files and its children's, where srkit has the same thing; `gt`
is the HR image and `lq` the LR image there. The whole configuration of a run is written beside it,
and a run repeated from that file is the same run.
"""

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from srkit.training import defaults


def _listed(value: Any) -> Any:
    """Let one entry stand for a list of one."""
    return value if isinstance(value, list | tuple) or value is None else [value]


def standard_warmup(steps: int) -> int:
    """Give the steps of warm-up of a run that says nothing about them."""
    return min(defaults.WARMUP, steps // 5)


class MismatchError(ValueError):
    """Values that do not go together, with what would."""

    def __init__(self, message: str, *, hint: str | None) -> None:
        super().__init__(message)
        self.hint = hint


Beta: TypeAlias = Annotated[float, Field(ge=0, lt=1)]
Several: TypeAlias = Annotated[list[str], BeforeValidator(_listed), Field(min_length=1)]


class Section(BaseModel):
    """A part of the configuration: unknown keys and values that are not finite are refused."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True
    )


BICUBIC = "bicubic"
"""The degradation that is made ahead, and may be given as LR images instead."""


class TrainingImages(Section):
    """`datasets.train`: the images, how patches are cut, and how LR patches are made of them."""

    name: str | None = None
    """What to call the data in the model's card; the folder's name when not given."""
    dataroot_gt: Several
    """Folders of HR images, searched recursively, or DIV2K; for classifiers, of labelled images."""
    dataroot_lq: Annotated[list[str | None], BeforeValidator(_listed)] | None = None
    """Folders of LR images, one for each of `dataroot_gt`; made from the HR images when absent, or
    null in the list."""
    weights: list[Annotated[float, Field(gt=0)]] | None = None
    """How often each folder is drawn from; by its number of pixels when absent."""
    lr_track: str | None = None
    """DIV2K's official LR images: bicubic, unknown, x8, mild, difficult or wild."""
    gt_size: int | None = Field(default=None, gt=0)
    """Side of an HR patch; 48 LR pixels when absent."""
    batch_size_per_gpu: int = Field(default=defaults.BATCH_SIZE, gt=0)
    """Patches a process takes at once; a step has that times processes times `accumulate`."""
    num_worker_per_gpu: int = Field(default=0, ge=0)
    """Processes that prepare batches ahead; 0 prepares them in the training process."""
    use_hflip: bool = True
    """Mirror half of the patches."""
    use_rot: bool | None = None
    """Turn patches by multiples of 90 degrees; absent: yes, but not for classifiers."""
    use_shift: bool = True
    """Classifiers: shift images by up to an eighth of their side, mirrored at the border."""
    multi_label: bool | None = None
    """Classifiers: whether an image can have several classes; absent: if there is a labels.csv."""
    cache: Literal["auto", "memory", "disk"] = "auto"
    """Where decoded images are kept; auto: memory, for one process and up to half of the free."""
    sub_image_size: int | None = Field(default=None, ge=0)
    """Side of the parts HR images are cut into once; 0 leaves them whole. Absent: 480 for DIV2K."""
    degradation: dict[str, Any] = {"type": BICUBIC}
    """How LR images are made: a `type` of srkit.data.degradations and its settings."""

    @model_validator(mode="after")
    def _one_for_each(self) -> "TrainingImages":
        for key in ("dataroot_lq", "weights"):
            value = getattr(self, key)
            if value is not None and len(value) != len(self.dataroot_gt):
                raise MismatchError(
                    f"{key} must have an entry for each of dataroot_gt's {len(self.dataroot_gt)}, "
                    f"has {len(value)}",
                    hint="null stands for a folder whose LR images are to be made"
                    if key == "dataroot_lq"
                    else None,
                )
        if self.lr_track is not None and self.dataroot_lq is not None:
            raise ValueError("give lr_track or dataroot_lq, not both")
        given = self.lr_track is not None or any(self.dataroot_lq or [])
        if given and self.degradation.get("type", BICUBIC) != BICUBIC:
            raise MismatchError(
                "LR images are given, and a degradation to make others",
                hint="leave out degradation, or dataroot_lq and lr_track",
            )
        return self


class ValidationImages(Section):
    """An entry of `datasets.val`: a set that models are scored on while they train."""

    name: str | None = None
    """What to call it; the folder's name when not given."""
    dataroot_gt: str
    """A folder of HR images, or of labelled ones, or a benchmark by name, or DIV2K-valid."""
    dataroot_lq: str | None = None
    """A folder of LR images; made by MATLAB's bicubic when absent."""
    lr_track: str | None = None
    """Of DIV2K-valid: its official LR images, as those of `datasets.train`."""

    @model_validator(mode="after")
    def _one_kind(self) -> "ValidationImages":
        if self.lr_track is not None and self.dataroot_lq is not None:
            raise ValueError("give lr_track or dataroot_lq, not both")
        return self


class Datasets(Section):
    """`datasets`: the images to train on and to be scored on."""

    data_root: str | None = None
    """The folder that data sets are found in by name, or put in; `datasets` when absent."""
    train: TrainingImages
    val: Annotated[list[ValidationImages], BeforeValidator(_listed)] = []
    """Sets that models are scored on while they train; the first decides which is best."""


class Network(BaseModel):
    """`network_g`: a model by name; all other keys are settings of that model."""

    model_config = ConfigDict(frozen=True, extra="allow", use_attribute_docstrings=True)

    type: str
    """A name that `srkit models` lists as trainable, as a network that enlarges or classifies."""

    @property
    def settings(self) -> dict[str, Any]:
        """Give what differs from the model's own defaults."""
        return dict(self.__pydantic_extra__ or {})


class Start(Section):
    """`path`: where weights come from."""

    pretrain_network_g: str | None = None
    """A checkpoint (name or file) whose tensors of the same name and shape the run starts from."""


class Optimizer(Section):
    """`train.optim_g`: the optimiser, as torch has it."""

    type: Literal["AdamW", "Adam", "Muon"] = "AdamW"
    """AdamW takes `weight_decay` off the weights, Adam adds it to the gradient. Muon turns the
    steps of kernels so that all directions count alike; the rest is AdamW."""
    lr: float = Field(default=defaults.LEARNING_RATE, gt=0)
    """The highest learning rate."""
    weight_decay: float = Field(default=0.0, ge=0)
    """How strongly weights are drawn to 0."""
    betas: tuple[Beta, Beta] = (0.9, 0.99)
    """How slowly the means of the gradient and of its square follow it."""


PREPARED = "prepared"
"""The folder of decoded images, which lies among those of runs."""

SCHEDULERS_OF = {
    "eta_min": ("CosineAnnealingLR", "OneCycleLR"),
    "milestones": ("MultiStepLR",),
    "gamma": ("MultiStepLR",),
    "pct_start": ("OneCycleLR",),
}


class Scheduler(Section):
    """`train.scheduler`: how the learning rate falls from its highest."""

    type: Literal["CosineAnnealingLR", "MultiStepLR", "OneCycleLR", "Constant"] = (
        "CosineAnnealingLR"
    )
    """The curve; a cosine goes down once, to the last step."""
    eta_min: float = Field(default=0.0, ge=0)
    """Lowest rate (cosine and one-cycle)."""
    milestones: list[Annotated[int, Field(gt=0)]] = []
    """Steps at which the rate is multiplied by `gamma` (multi-step)."""
    gamma: float = Field(default=0.5, gt=0, le=1)
    """Factor at each of `milestones`."""
    pct_start: float = Field(default=0.3, gt=0, lt=1)
    """Part of the run in which the rate rises (one-cycle)."""

    @model_validator(mode="after")
    def _uses_what_is_given(self) -> "Scheduler":
        if self.type == "MultiStepLR" and not self.milestones:
            raise ValueError("type MultiStepLR needs milestones")
        for key, users in SCHEDULERS_OF.items():
            given, standard = getattr(self, key), type(self).model_fields[key].default
            # Written configurations have every key: what is at its default was not asked for.
            if given != standard and self.type not in users:
                raise MismatchError(
                    f"{key} {given} is for type {' or '.join(users)}, the type is {self.type}",
                    hint=f"leave it out, or --set train.scheduler.{key}={standard}",
                )
        return self


class EarlyStop(Section):
    """`train.early_stop`: end the run when the score on the first validation set stands still."""

    patience: int = Field(gt=0)
    """Validations without a better score."""
    min_delta: float = Field(default=0.0, ge=0)
    """What counts as better: in dB of PSNR, or of 1 for classifiers."""


class PatchSize(Section):
    """An entry of `train.patch_schedule`: the patches from a step on."""

    from_iter: int = Field(gt=0)
    """The first step it holds for, counted from 0."""
    gt_size: int = Field(gt=0)
    """Side of an HR patch."""
    batch_size_per_gpu: int | None = Field(default=None, gt=0)
    """Patches a process takes at once; that of `datasets.train` when absent."""


class Training(Section):
    """`train`: how the model learns."""

    total_iter: int = Field(default=defaults.STEPS, gt=0)
    """Optimiser steps."""
    warmup_iter: int = Field(
        default_factory=lambda data: standard_warmup(data.get("total_iter", defaults.STEPS)), ge=0
    )
    """Steps in which the rate rises from 0; none for one-cycle, which rises by itself. Absent: 200,
    in short runs a fifth of the steps."""
    optim_g: Optimizer = Optimizer()
    scheduler: Scheduler = Scheduler()
    losses: dict[str, Annotated[float, Field(ge=0)]] = {}
    """Weights of losses by name; the model's own objective when empty."""
    ema_decay: float = Field(default=0.999, ge=0, lt=1)
    """How slowly the averaged weights, those of the checkpoint, follow; 0 = the weights as is."""
    clip_grad_norm: float = Field(default=1.0, ge=0)
    """Largest norm of the whole gradient; 0 = any."""
    accumulate: int = Field(default=1, gt=0)
    """Batches whose gradients make one step."""
    precision: Literal["float32", "bfloat16", "float16"] = "float32"
    """Arithmetic of the forward pass."""
    compile: bool = False
    """Use torch.compile."""
    patch_schedule: list[PatchSize] = []
    """Other patch sizes from given steps on; `gt_size` until the first."""
    early_stop: EarlyStop | None = None
    joint_lpae: bool = False
    """Second stage of LPAE training: an LPSR or classifier trains the LPAE inside it as well."""

    @field_validator("warmup_iter")
    @classmethod
    def _ends(cls, warmup: int, info: ValidationInfo) -> int:
        steps = info.data.get("total_iter")
        if steps is not None and warmup >= steps:
            raise MismatchError(
                f"must be less than the {steps} steps of the run, or the rate never gets to its "
                f"highest, got {warmup}",
                hint=f"--set train.warmup_iter={standard_warmup(steps)}",
            )
        return warmup

    @field_validator("scheduler")
    @classmethod
    def _falls(cls, scheduler: Scheduler, info: ValidationInfo) -> Scheduler:
        optimizer = info.data.get("optim_g")
        if optimizer is not None and scheduler.eta_min > optimizer.lr:
            raise MismatchError(
                f"eta_min must be at most the highest rate, {optimizer.lr}, got "
                f"{scheduler.eta_min}",
                hint="--set train.scheduler.eta_min=0",
            )
        return scheduler

    @model_validator(mode="after")
    def _in_order(self) -> "Training":
        starts = [entry.from_iter for entry in self.patch_schedule]
        if starts != sorted(set(starts)):
            raise ValueError("patch_schedule: from_iter must rise from entry to entry")
        standard = standard_warmup(self.total_iter)
        if self.scheduler.type == "OneCycleLR" and self.warmup_iter not in (0, standard):
            raise MismatchError(
                f"warmup_iter {self.warmup_iter} is not for OneCycleLR, which rises by itself",
                hint="leave it out; train.scheduler.pct_start says how long it rises",
            )
        return self


class Validating(Section):
    """`val`: when the model is scored."""

    val_freq: int = Field(default=defaults.VALIDATE_EVERY, gt=0)
    """Steps between validations."""


class Logging(Section):
    """`logger`: what is written while the model learns."""

    print_freq: int = Field(default=defaults.LOG_EVERY, gt=0)
    """Steps between lines of the log."""
    save_checkpoint_freq: int = Field(default=defaults.SAVE_EVERY, gt=0)
    """Steps between saved states."""
    use_tb_logger: bool = False
    """Write TensorBoard's event files as well."""


class TrainingConfig(Section):
    """Everything that decides the outcome of a run, and how it is watched."""

    name: str = Field(min_length=1, max_length=100, pattern=r"^\w[\w.+-]*$")
    """Name of the run, its folder and its checkpoint."""
    scale: int | None = Field(default=None, gt=0)
    """Enlargement; the model's own when absent. An autoencoder has none."""
    manual_seed: int = Field(default=defaults.SEED, ge=0, lt=2**32)
    """Seed of the first weights, of every batch and of every degradation."""
    datasets: Datasets
    network_g: Network
    path: Start = Start()
    train: Training = Training()
    val: Validating = Validating()
    logger: Logging = Logging()

    @field_validator("name")
    @classmethod
    def _is_free(cls, name: str) -> str:
        if name.lower() == PREPARED:
            raise ValueError(f"{name} is the folder of decoded images, choose another name")
        return name
