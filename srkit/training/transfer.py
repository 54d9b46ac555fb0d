"""Start a model from the weights of another: of another scale, or an LPSR from its LPAE."""

from srkit import checkpoint
from srkit.errors import ConfigError
from srkit.layers.collapsible import CollapsibleConvolution
from srkit.models.folding import folded
from srkit.models.lpae import LPAE
from srkit.models.lpsr import LPSR
from srkit.models.model import Model


def transfer(source: Model, target: Model) -> list[str]:
    """Copy every tensor that has the same name and shape in both; give their names.

    Taken so, a network of another scale passes on its entrance and body, and an LPAE its weights
    to the LPAE inside an LPSR. Over-parametrised convolutions, on either side, count as the plain
    ones they stand for.

    Raises: ConfigError when the target's expansion is too small for a kernel of the source.
    """
    theirs = folded(source).state_dict()
    if isinstance(source, LPAE) and isinstance(target, LPSR):
        theirs = {f"lpae.{name}": tensor for name, tensor in theirs.items()}
    taken = []
    for name, wide in target.named_modules():
        kernel = theirs.get(f"{name}.weight")
        if not isinstance(wide, CollapsibleConvolution) or kernel is None:
            continue
        if kernel.shape == wide.kernel().shape:
            wide.unfold(kernel, theirs[f"{name}.bias"])
            taken += [f"{name}.weight", f"{name}.bias"]
    ours = target.state_dict()
    plain = [name for name in ours if name in theirs and ours[name].shape == theirs[name].shape]
    target.load_state_dict({**ours, **{name: theirs[name] for name in plain}})
    return taken + plain


def start_from(pretrained: str | None, model: Model) -> str | None:
    """Give a model the weights it starts from, and one line about them.

    Raises: ConfigError when the checkpoint shares no kernel with the model, or leaves a part that
        is never trained, an LPSR's LPAE, at random weights; CheckpointError for the file.
    """
    taken = [] if pretrained is None else transfer(checkpoint.load(pretrained).module, model)
    names = folded(model).state_dict()
    if isinstance(model, LPSR):
        missing = [name for name in names if name.startswith("lpae.") and name not in taken]
        if missing:
            holds = f"{pretrained} holds none" if pretrained else "none is given"
            raise ConfigError(
                f"pretrained: an LPSR decodes with a trained LPAE of {model.config.lpae_hidden} "
                f"hidden channels, {holds}",
                hint="--pretrained lpae",
            )
    if pretrained is None:
        return None
    # Biases alone may agree in shape by chance.
    if not any(names[name].dim() > 1 for name in taken):
        raise ConfigError(f"pretrained: {pretrained} shares no kernel with this model")
    return f"took {len(taken)} of {len(names)} tensors from {pretrained}"
