"""The training loop, from the first step to the checkpoint.

One process or many run the same lines (see `engine`); only the main one writes and speaks.
"""

import math
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

import torch
from accelerate import Accelerator

from srkit.checkpoint import Card, save
from srkit.data.batches import BatchSource
from srkit.data.datasets import resolve_folders
from srkit.data.degradations import create_degradation
from srkit.data.loader import batch_loader
from srkit.data.training_set import load_training_set
from srkit.errors import ConfigError, TrainingError
from srkit.training.average import WeightAverage
from srkit.training.config import TrainingConfig
from srkit.training.engine import engine
from srkit.training.log import RunLog
from srkit.training.network import create_network, patch_sizes
from srkit.training.objectives import create_objective
from srkit.training.optimizers import create_optimizer
from srkit.training.pace import Pace
from srkit.training.patches import PatchPlan
from srkit.training.report import write_report
from srkit.training.run_folder import RunFolder
from srkit.training.samples import choose_crops, render
from srkit.training.schedule import learning_rate
from srkit.training.state import Counters, read_state, restore, save_state, seed_step
from srkit.training.stopping import asked_to_stop
from srkit.training.strips import Strips
from srkit.training.tensorboard import TensorBoard, require_tensorboard
from srkit.training.transfer import start_from
from srkit.training.validation import Score, find_sets, load_sets, validate
from srkit.training.watch import RunFacts, Watcher, Watchers


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a run ended: `checkpoint` is None when it was asked to stop before its last step."""

    step: int
    checkpoint: Path | None
    signal: int | None


def train(
    config: TrainingConfig,
    folder: Path,
    *,
    data_root: Path | None = None,
    device: str = "auto",
    max_seconds: float = math.inf,
    resume: bool = False,
    command: str = "",
    watch: Watcher | None = None,
) -> Outcome:
    """Train a model as configured, in `folder`, and write its checkpoint there.

    SIGINT, SIGTERM and `max_seconds` of training end the step, save the state and return. Under
    torchrun or accelerate every process of the run calls this.

    Raises: ConfigError for a setting, or when the folder holds another run; DataError and
        ImageError for the data sets; TrainingError when the loss is not finite or the folder
        cannot be written; CheckpointError for the checkpoint to start from.
    """
    run = RunFolder(folder, config)
    with engine(device, config.train.precision) as accelerator:
        try:
            return _train(config, run, accelerator, data_root, max_seconds, resume, command, watch)
        except OSError as error:
            where = error.filename or folder
            raise TrainingError(
                f"{where}: cannot be written ({error.strerror or error})",
                hint="the states saved so far are whole: mend it and go on with --resume",
            ) from None


def _train(
    config: TrainingConfig,
    run: RunFolder,
    accelerator: Accelerator,
    data_root: Path | None,
    max_seconds: float,
    resume: bool,
    command: str,
    watch: Watcher | None,
) -> Outcome:
    main, images, recipe = accelerator.is_main_process, config.datasets.train, config.train
    watchers = Watchers([watch] if watch is not None and main else [])

    # All that can be wrong without reading an image is found out before the first is read.
    run.check(resume=resume)
    found_sets = find_sets(config.datasets.val, data_root)
    if config.logger.use_tb_logger:
        require_tensorboard()
    if recipe.early_stop is not None and not found_sets:
        raise ConfigError(
            "train.early_stop: there is no validation set to watch", hint="--validation Set5"
        )
    torch.manual_seed(config.manual_seed)
    model = create_network(config)
    scale, sizes = model.scale, patch_sizes(config, model.scale)
    degradation = create_degradation(images.degradation, scale=scale)
    found = read_state(run.states, watchers.warn) if resume else None
    # What a run started from is in its state.
    taken = None if found else start_from(config.path.pretrain_network_g, model)
    model.to(device=accelerator.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    objective = create_objective(model, recipe.losses)
    trained = [weight for weight in model.parameters() if weight.requires_grad]
    optimizer = create_optimizer(recipe.optim_g, trained)
    average = WeightAverage(model, recipe.ema_decay)
    counters = Counters()
    if found:
        counters, tensors = found
        restore(tensors, model, average, optimizer)
    plan = PatchPlan.of(config, scale=scale, processes=accelerator.num_processes)
    run.check_patches(counters, plan)
    if run.finished(counters):
        watchers.said(f"finished already, after step {counters.step:,}")
        return Outcome(step=counters.step, checkpoint=run.checkpoint, signal=None)

    with accelerator.local_main_process_first():
        folders = resolve_folders(
            images.dataroot_gt,
            lr=images.dataroot_lq,
            weights=images.weights,
            lr_track=images.lr_track,
            sub_image_size=images.sub_image_size,
            scale=scale,
            data_root=data_root,
            say=watchers.said,
        )
    training_set = load_training_set(
        folders,
        scale=scale,
        patch_size=max(sizes),
        needs_lr=degradation is None,
        cache=images.cache,
        cache_folder=run.prepared,
        progress=watchers.reading,
    )
    source = BatchSource(
        training_set,
        scale=scale,
        patch_size=plan.size,
        batch_size=plan.patches,
        seed=config.manual_seed,
        use_hflip=images.use_hflip,
        use_rot=images.use_rot,
        degradation=degradation,
    )
    validation = load_sets(found_sets, scale)
    crops = [(one.name, choose_crops(one.pairs)) for one in validation] if main else []

    with ExitStack() as stack:
        if main:
            run.claim(command)
            watchers = Watchers(
                [
                    RunLog(run.log, step=counters.step),
                    Strips(run.folder / "visualization", step=counters.step),
                    *watchers,
                ]
            )
            if config.logger.use_tb_logger:
                watchers.add(TensorBoard(run.log / "tensorboard", step=counters.step))
            stack.enter_context(closing(watchers))
        watchers.started(
            RunFacts(
                name=config.name,
                model=config.network_g.type,
                parameters=sum(weight.numel() for weight in model.parameters()),
                device=str(accelerator.device),
                processes=accelerator.num_processes,
                precision=recipe.precision,
                first_step=counters.step,
                steps=recipe.total_iter,
                images=training_set.images,
                megapixels=training_set.megapixels,
                data=", ".join(images.dataroot_gt),
                taken=taken,
                resumed=resume,
            )
        )
        bare = objective
        if recipe.compile:
            objective.compile()
        objective, optimizer = accelerator.prepare(objective, optimizer)
        scaler = accelerator.scaler
        if scaler is not None and counters.scaler:
            scaler.load_state_dict(counters.scaler)
        names = ("total", *bare.weights)
        pace = Pace(done=counters.step, seconds=counters.seconds)
        model.train()
        stop = stack.enter_context(asked_to_stop())
        batches = stack.enter_context(
            closing(
                batch_loader(
                    source,
                    first=counters.step,
                    last=recipe.total_iter,
                    rank=accelerator.process_index,
                    processes=accelerator.num_processes,
                    micro_batches=recipe.accumulate,
                    workers=images.num_worker_per_gpu,
                )
            )
        )
        ended = halted = False
        while not ended and not halted:
            step = counters.step
            rate = learning_rate(step, recipe)
            for group in optimizer.param_groups:
                group["lr"] = rate
            seed_step(config.manual_seed, step, accelerator.process_index)
            optimizer.zero_grad(set_to_none=True)
            shares = next(batches)
            values = torch.zeros(len(names) + 1, device=accelerator.device)
            for index, batch in enumerate(shares):
                # Gradients are exchanged once a step, with the last share.
                with ExitStack() as share:
                    if index + 1 < len(shares):
                        share.enter_context(accelerator.no_sync(objective))
                    terms = objective(batch.to(accelerator.device))
                    total = bare.total(terms)
                    accelerator.backward(total / len(shares))
                shown = torch.stack([total, *(terms[name] for name in bare.weights)]).detach()
                values[:-1] += shown / len(shares)
            norm = accelerator.clip_grad_norm_(trained, recipe.clip_grad_norm)
            # Every process learns the same numbers, and that one of them was asked to stop.
            values[-1] = float(bool(stop) or pace.session() > max_seconds)
            *means, asked = accelerator.reduce(values, "mean").tolist()
            _require_finite(means[0], float(norm), step, rate, scaled=scaler is not None)
            optimizer.step()
            average.update(step)

            counters.step += 1
            for name, value in zip(names, means, strict=True):
                counters.sums[name] = counters.sums.get(name, 0.0) + value
            counters.seconds = pace.seconds()
            counters.patches = plan.patches(counters.step)
            halted = asked > 0
            ended = counters.step == recipe.total_iter
            watchers.stepped(counters.step, pace)
            if counters.step % config.val.val_freq == 0 or ended:
                scores = [validate(average.model, one, accelerator) for one in validation]
                better = _note_best(counters, scores, config)
                ended = ended or _stands_still(counters, config)
                if main:
                    for score in scores:
                        watchers.scored(counters.step, score, best=better)
                    for name, chosen in crops:
                        watchers.samples(counters.step, name, render(average.model, chosen))
                    if better or recipe.early_stop is None:
                        save(
                            run.checkpoint,
                            average.model,
                            _card(config, counters, scores, run, scale),
                        )
            if main and (counters.step % config.logger.print_freq == 0 or ended):
                since = counters.step % config.logger.print_freq or config.logger.print_freq
                logged = {name: total / since for name, total in counters.sums.items()}
                watchers.losses(counters.step, logged.pop("total"), logged, rate, pace)
            if counters.step % config.logger.print_freq == 0:
                counters.sums.clear()
            if counters.step % config.logger.save_checkpoint_freq == 0 or ended or halted:
                counters.scaler = {} if scaler is None else scaler.state_dict()
                if main:
                    watchers.flush()
                    save_state(run.states, counters, model, average, optimizer)
        words = f"wrote {run.checkpoint}" if ended else "go on with --resume"
        watchers.ended(counters.step, words)
    if main:
        write_report(run.folder)
    return Outcome(
        step=counters.step,
        checkpoint=run.checkpoint if ended else None,
        signal=stop[0] if stop and not ended else None,
    )


def _require_finite(loss: float, norm: float, step: int, rate: float, *, scaled: bool) -> None:
    """Stop before a loss or a gradient that is not finite reaches the weights.

    Under loss scaling (float16) a gradient may overflow: the step is left out and the scale halved.
    """
    if math.isfinite(loss) and (scaled or math.isfinite(norm)):
        return
    raise TrainingError(
        f"the loss is {loss} and its gradient {norm} at step {step}, learning rate {rate:.3g}",
        hint="start a new run with a smaller --learning-rate",
    )


def _note_best(counters: Counters, scores: list[Score], config: TrainingConfig) -> bool:
    """Keep the highest PSNR on the first set and how long it has stood."""
    if not scores:
        return False
    early = config.train.early_stop
    better = scores[0].psnr > counters.best + (early.min_delta if early else 0.0)
    counters.stale = 0 if better else counters.stale + 1
    if better:
        counters.best = scores[0].psnr
    return better


def _stands_still(counters: Counters, config: TrainingConfig) -> bool:
    early = config.train.early_stop
    return early is not None and counters.stale >= early.patience


def _card(
    config: TrainingConfig, counters: Counters, scores: list[Score], run: RunFolder, scale: int
) -> Card:
    images = config.datasets.train
    return Card(
        name=config.name,
        data=images.name or ", ".join(Path(root).name for root in images.dataroot_gt),
        command=run.command(),
        steps=counters.step,
        hours=round(counters.seconds / 3600, 3),
        scores=[
            {
                "set": score.set_name,
                "protocol": score.protocol,
                "scale": scale,
                "psnr": round(score.psnr, 4),
                "ssim": round(score.ssim, 6),
            }
            for score in scores
        ],
    )
