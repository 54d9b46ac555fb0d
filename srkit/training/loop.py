"""The training loop, from the first step to the checkpoint.

One process or many run the same lines (see `engine`); only the main one writes and speaks. What is
trained, and on what, is the `task`'s.
"""

import math
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import torch
from torch.nn.functional import pad

from srkit.checkpoint import Card, save
from srkit.data.loader import StepSource, batch_loader
from srkit.errors import TrainingError
from srkit.models.cost import parameters
from srkit.training.classification import with_classes
from srkit.training.config import TrainingConfig
from srkit.training.engine import engine
from srkit.training.learner import Learner
from srkit.training.log import RunLog
from srkit.training.pace import Pace
from srkit.training.report import write_report
from srkit.training.run_folder import RunFolder
from srkit.training.schedule import learning_rate
from srkit.training.score import SetScore
from srkit.training.state import Counters, drop_later_states, read_state, seed_step
from srkit.training.stopping import asked_to_stop
from srkit.training.strips import Strips
from srkit.training.task import Task
from srkit.training.tasks import create_task
from srkit.training.tensorboard import TensorBoard, require_tensorboard
from srkit.training.transfer import start_from
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
    device: str = "auto",
    max_seconds: float = math.inf,
    resume: bool = False,
    command: str = "",
    watch: Watcher | None = None,
) -> Outcome:
    """Train a network as configured, in `folder`, and write its checkpoint there.

    SIGINT, SIGTERM and `max_seconds` of training end the step, save the state and return. Under
    torchrun or accelerate every process of the run calls this.

    Raises: ConfigError for a setting, or when the folder holds another run; DataError and
        ImageError for the data sets; TrainingError when the loss is not finite or the folder
        cannot be written; CheckpointError for the checkpoint to start from.
    """
    config = with_classes(config)
    run = RunFolder(folder, config)
    with run.errors_named(), engine(device, config.train.precision) as accelerator:
        main = accelerator.is_main_process
        watchers = Watchers([watch] if watch is not None and main else [])

        # All that can be wrong without reading an image is found out before the first is read.
        run.check(resume=resume)
        if config.logger.use_tb_logger:
            require_tensorboard()
        torch.manual_seed(config.manual_seed)
        task = create_task(config, accelerator)
        found = read_state(run.states, watchers.warn) if resume else None
        # What a run started from is in its state.
        taken = None if found else start_from(config.path.pretrain_network_g, task.network)
        learner = Learner(task.network, config.train, accelerator)
        counters = Counters()
        if found:
            counters = found[0]
            learner.restore(*found)
        run.check_patches(counters, task.plan)
        if counters.finished(config.train):
            watchers.said(f"finished already, after step {counters.step:,}")
            if main:  # what a kill in the last moment, or a hand, may have left out or behind
                run.sweep()
                if not run.checkpoint.exists():
                    _save(run, task, learner, counters, [])
                write_report(run.folder)
            return Outcome(step=counters.step, checkpoint=run.checkpoint, signal=None)
        source = task.open(run.prepared, watchers)
        if not found:
            task.begin(learner)

        with ExitStack() as stack:
            if main:
                stack.enter_context(run.claimed(command))
                drop_later_states(run.states, counters.step)
                watchers = stack.enter_context(
                    closing(_all_watchers(run, task, counters, watchers))
                )
            watchers.started(_facts(config, learner, source, counters, taken, resumed=resume))
            try:
                outcome = _steps(
                    run, task, learner, source, counters, watchers, max_seconds=max_seconds
                )
            except TrainingError as refusal:
                watchers.failed(str(refusal))
                if main:
                    write_report(run.folder)
                raise
            ended = outcome.checkpoint is not None
            words = f"wrote {run.checkpoint}" if ended else "go on with --resume"
            if ended and config.train.early_stop is not None:
                words += f", the weights of step {counters.best_step:,}"
            watchers.ended(outcome.step, words)
        if main:
            write_report(run.folder)
        return outcome


def _steps(
    run: RunFolder,
    task: Task,
    learner: Learner,
    source: StepSource[Any],
    counters: Counters,
    watchers: Watchers,
    *,
    max_seconds: float,
) -> Outcome:
    """Take step after step until the run is at its end, or is asked to stop."""
    config, accelerator = run.config, learner.engine
    recipe, main, rank = config.train, accelerator.is_main_process, accelerator.process_index
    log_every, save_every = config.logger.print_freq, config.logger.save_checkpoint_freq
    average = learner.average.model
    batches = batch_loader(
        source,
        first=counters.step,
        last=recipe.total_iter,
        rank=rank,
        processes=accelerator.num_processes,
        micro_batches=recipe.accumulate,
        workers=config.datasets.train.num_worker_per_gpu,
    )
    pace = Pace(done=counters.step, seconds=counters.seconds)
    ended = halted = False
    with asked_to_stop() as signals, closing(batches):
        while not ended and not halted:
            rate = learning_rate(counters.step, recipe)
            seed_step(config.manual_seed, counters.step, rank, accelerator.device)
            numbers = learner.differentiate(next(batches))
            stop = bool(signals) or pace.session() > max_seconds
            # Every process learns the same numbers, and that one of them was asked to stop.
            numbers = accelerator.reduce(pad(numbers, (0, 1), value=float(stop)), "mean")
            *means, norm, asked = numbers.tolist()
            overflow = learner.may_overflow and not math.isfinite(norm)
            if not (math.isfinite(means[0]) and (math.isfinite(norm) or overflow)):
                _refuse(f"the loss is {means[0]} and its gradient {norm}", counters.step + 1, rate)
            learner.update(counters.step, rate)

            counters.step += 1
            counters.add(dict(zip(learner.names, means, strict=True)))
            counters.seconds = pace.seconds()
            counters.patches = source.batch_size(counters.step)
            halted = asked > 0
            ended = counters.step == recipe.total_iter
            watchers.stepped(counters.step, pace)
            validates = counters.step % config.val.val_freq == 0 or ended
            saves = counters.step % save_every == 0 or ended or halted
            if (validates or saves) and not learner.finite():
                _refuse("weights are not finite", counters.step, rate)
            if validates:
                scores = task.validate(average)
                better = bool(scores) and counters.note(scores[0].deciding[1], recipe.early_stop)
                ended = counters.finished(recipe)
                if main:
                    for score in scores:
                        watchers.scored(counters.step, score, best=better)
                    for name, samples in task.samples(average):
                        watchers.samples(counters.step, name, samples)
                    if better or recipe.early_stop is None:
                        _save(run, task, learner, counters, scores)
            if counters.step % log_every == 0 or ended:
                losses = counters.take_means(log_every)
                watchers.losses(counters.step, losses.pop("total"), losses, rate, pace)
            if main and halted and not ended and not run.checkpoint.exists():
                _save(run, task, learner, counters, [])  # to be tried before the first validation
            if main and (saves or ended):
                watchers.flush()
                learner.save(run.states, counters)
    return Outcome(
        step=counters.step,
        checkpoint=run.checkpoint if ended else None,
        signal=signals[0] if signals and not ended else None,
    )


def _all_watchers(run: RunFolder, task: Task, counters: Counters, watchers: Watchers) -> Watchers:
    """Add those that write into the run's folder, after what they wrote up to this step."""
    step = counters.step
    found = [
        RunLog(run.log, step=step, scores=task.scores),
        Strips(run.folder / "visualization", step=step),
        *watchers,
    ]
    if run.config.logger.use_tb_logger:
        found.append(TensorBoard(run.log / "tensorboard", step=step))
    return Watchers(found)


def _facts(
    config: TrainingConfig,
    learner: Learner,
    source: StepSource[Any],
    counters: Counters,
    taken: str | None,
    *,
    resumed: bool,
) -> RunFacts:
    return RunFacts(
        name=config.name,
        model=config.network_g.type,
        parameters=parameters(learner.model),
        trained_parameters=sum(weight.numel() for weight in learner.model.parameters()),
        device=_named(learner.engine.device),
        processes=learner.engine.num_processes,
        precision=config.train.precision,
        first_step=counters.step,
        steps=config.train.total_iter,
        images=source.images,
        megapixels=source.megapixels,
        data=", ".join(config.datasets.train.dataroot_gt),
        taken=taken,
        resumed=resumed,
    )


def _named(device: torch.device) -> str:
    """Name a device; of processors, which torchrun counts too, there is one."""
    return "cpu" if device.type == "cpu" else str(device)


def _refuse(what: str, step: int, rate: float) -> NoReturn:
    """Stop before what is not finite reaches a weight, a state or a checkpoint."""
    raise TrainingError(
        f"{what} at step {step}, learning rate {rate:.3g}",
        hint="start a new run with a smaller --learning-rate",
    )


def _save(
    run: RunFolder, task: Task, learner: Learner, counters: Counters, scores: list[SetScore]
) -> None:
    """Write the averaged weights as the run's checkpoint."""
    images = run.config.datasets.train
    card = Card(
        name=run.config.name,
        data=images.name or ", ".join(Path(root).name for root in images.dataroot_gt),
        command=run.command(),
        steps=counters.step,
        hours=round(counters.seconds / 3600, 3),
        scores=[
            {"set": score.set_name, "protocol": score.protocol} | task.facts() | score.rounded()
            for score in scores
        ],
    )
    save(run.checkpoint, task.released(learner.average.model), card)
