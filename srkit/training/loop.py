"""The training loop, from the first step to the checkpoint.

One process or many run the same lines (see `engine`); only the main one writes and speaks.
"""

import math
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

import torch
from torch.nn.functional import pad

from srkit.checkpoint import Card, save
from srkit.data.batches import BatchSource
from srkit.data.degradations import create_degradation
from srkit.data.loader import batch_loader
from srkit.errors import ConfigError, TrainingError
from srkit.models.folding import folded
from srkit.training.config import TrainingConfig
from srkit.training.engine import engine
from srkit.training.learner import Learner
from srkit.training.log import RunLog
from srkit.training.network import create_network
from srkit.training.pace import Pace
from srkit.training.patches import PatchPlan
from srkit.training.report import write_report
from srkit.training.run_folder import RunFolder
from srkit.training.run_images import open_images
from srkit.training.samples import choose_crops, render
from srkit.training.schedule import learning_rate
from srkit.training.state import Counters, read_state, seed_step
from srkit.training.stopping import asked_to_stop
from srkit.training.strips import Strips
from srkit.training.tensorboard import TensorBoard, require_tensorboard
from srkit.training.transfer import start_from
from srkit.training.validation import Score, ValidationSet, find_sets, load_sets, validate
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
    with run.errors_named(), engine(device, config.train.precision) as accelerator:
        main = accelerator.is_main_process
        watchers = Watchers([watch] if watch is not None and main else [])

        # All that can be wrong without reading an image is found out before the first is read.
        run.check(resume=resume)
        found_sets = find_sets(config.datasets.val, data_root)
        if config.logger.use_tb_logger:
            require_tensorboard()
        if config.train.early_stop is not None and not found_sets:
            raise ConfigError(
                "train.early_stop: there is no validation set to watch", hint="--validation Set5"
            )
        torch.manual_seed(config.manual_seed)
        model = create_network(config)
        scale = model.scale
        degradation = create_degradation(config.datasets.train.degradation, scale=scale)
        plan = PatchPlan.of(config, scale=scale, processes=accelerator.num_processes)
        found = read_state(run.states, watchers.warn) if resume else None
        # What a run started from is in its state.
        taken = None if found else start_from(config.path.pretrain_network_g, model)
        learner = Learner(model, config.train, accelerator)
        counters = Counters()
        if found:
            counters = found[0]
            learner.restore(*found)
        run.check_patches(counters, plan)
        if counters.finished(config.train):
            watchers.said(f"finished already, after step {counters.step:,}")
            if main:  # what a kill in the last moment, or a hand, may have left out
                if not run.checkpoint.exists():
                    _save(run, learner, counters, [])
                write_report(run.folder)
            return Outcome(step=counters.step, checkpoint=run.checkpoint, signal=None)
        source = open_images(
            config,
            plan,
            degradation,
            accelerator,
            scale=scale,
            data_root=data_root,
            prepared=run.prepared,
            watcher=watchers,
        )
        validation = load_sets(found_sets, scale)

        with ExitStack() as stack:
            if main:
                run.claim(command)
                watchers = stack.enter_context(closing(_all_watchers(run, counters, watchers)))
            watchers.started(_facts(config, learner, source, counters, taken, resumed=resume))
            outcome = _steps(
                run, learner, source, validation, counters, watchers, max_seconds=max_seconds
            )
            ended = outcome.checkpoint is not None
            words = f"wrote {run.checkpoint}" if ended else "go on with --resume"
            watchers.ended(outcome.step, words)
        if main:
            write_report(run.folder)
        return outcome


def _steps(
    run: RunFolder,
    learner: Learner,
    source: BatchSource,
    validation: list[ValidationSet],
    counters: Counters,
    watchers: Watchers,
    *,
    max_seconds: float,
) -> Outcome:
    """Take step after step until the run is at its end, or is asked to stop."""
    config, accelerator = run.config, learner.engine
    recipe, main = config.train, accelerator.is_main_process
    log_every, save_every = config.logger.print_freq, config.logger.save_checkpoint_freq
    average = learner.average.model
    crops = [(one.name, choose_crops(one.pairs)) for one in validation] if main else []
    batches = batch_loader(
        source,
        first=counters.step,
        last=recipe.total_iter,
        rank=accelerator.process_index,
        processes=accelerator.num_processes,
        micro_batches=recipe.accumulate,
        workers=config.datasets.train.num_worker_per_gpu,
    )
    pace = Pace(done=counters.step, seconds=counters.seconds)
    ended = halted = False
    with asked_to_stop() as signals, closing(batches):
        while not ended and not halted:
            rate = learning_rate(counters.step, recipe)
            seed_step(config.manual_seed, counters.step, accelerator.process_index)
            numbers = learner.differentiate(next(batches))
            stop = bool(signals) or pace.session() > max_seconds
            # Every process learns the same numbers, and that one of them was asked to stop.
            numbers = accelerator.reduce(pad(numbers, (0, 1), value=float(stop)), "mean")
            *means, norm, asked = numbers.tolist()
            _require_finite(means[0], norm, counters.step, rate, scaled=learner.scaled)
            learner.update(counters.step, rate)

            counters.step += 1
            counters.add(dict(zip(learner.names, means, strict=True)))
            counters.seconds = pace.seconds()
            counters.patches = source.batch_size(counters.step)
            halted = asked > 0
            ended = counters.step == recipe.total_iter
            watchers.stepped(counters.step, pace)
            if counters.step % config.val.val_freq == 0 or ended:
                scores = [validate(average, one, accelerator) for one in validation]
                better = bool(scores) and counters.note(scores[0].psnr, recipe.early_stop)
                ended = counters.finished(recipe)
                if main:
                    for score in scores:
                        watchers.scored(counters.step, score, best=better)
                    for name, chosen in crops:
                        watchers.samples(counters.step, name, render(average, chosen))
                    if better or recipe.early_stop is None:
                        _save(run, learner, counters, scores)
            if counters.step % log_every == 0 or ended:
                losses = counters.take_means(log_every)
                watchers.losses(counters.step, losses.pop("total"), losses, rate, pace)
            if main and (counters.step % save_every == 0 or ended or halted):
                watchers.flush()
                learner.save(run.states, counters)
    return Outcome(
        step=counters.step,
        checkpoint=run.checkpoint if ended else None,
        signal=signals[0] if signals and not ended else None,
    )


def _all_watchers(run: RunFolder, counters: Counters, watchers: Watchers) -> Watchers:
    """Add those that write into the run's folder, after what they wrote up to this step."""
    step = counters.step
    found = [RunLog(run.log, step=step), Strips(run.folder / "visualization", step=step), *watchers]
    if run.config.logger.use_tb_logger:
        found.append(TensorBoard(run.log / "tensorboard", step=step))
    return Watchers(found)


def _facts(
    config: TrainingConfig,
    learner: Learner,
    source: BatchSource,
    counters: Counters,
    taken: str | None,
    *,
    resumed: bool,
) -> RunFacts:
    return RunFacts(
        name=config.name,
        model=config.network_g.type,
        parameters=sum(weight.numel() for weight in learner.model.parameters()),
        device=str(learner.engine.device),
        processes=learner.engine.num_processes,
        precision=config.train.precision,
        first_step=counters.step,
        steps=config.train.total_iter,
        images=source.training_set.images,
        megapixels=source.training_set.megapixels,
        data=", ".join(config.datasets.train.dataroot_gt),
        taken=taken,
        resumed=resumed,
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


def _save(run: RunFolder, learner: Learner, counters: Counters, scores: list[Score]) -> None:
    """Write the averaged weights as the run's checkpoint."""
    images = run.config.datasets.train
    card = Card(
        name=run.config.name,
        data=images.name or ", ".join(Path(root).name for root in images.dataroot_gt),
        command=run.command(),
        steps=counters.step,
        hours=round(counters.seconds / 3600, 3),
        scores=[
            {
                "set": score.set_name,
                "protocol": score.protocol,
                "scale": learner.model.scale,
                "psnr": round(score.psnr, 4),
                "ssim": round(score.ssim, 6),
            }
            for score in scores
        ],
    )
    save(run.checkpoint, folded(learner.average.model), card)
