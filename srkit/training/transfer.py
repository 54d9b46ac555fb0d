"""Start a network from the weights of another: of another scale, or what holds an LPAE from one."""

from srkit import checkpoint
from srkit.errors import ConfigError
from srkit.layers.collapsible import CollapsibleConvolution
from srkit.models.folding import folded
from srkit.models.holding_lpae import HoldsLPAE
from srkit.models.lpae import LPAE
from srkit.models.model import Model
from srkit.models.network import Network


def transfer(source: Network, target: Network) -> list[str]:
    """Copy every tensor that has the same name and shape in both; give their names.

    Taken so, a network of another scale passes on its entrance and body, a classifier all but its
    heads to one of other classes, and an LPAE its weights to the LPAE inside an LPSR or a
    classifier. Over-parametrised convolutions, on either side, count as the plain ones they stand
    for.

    Raises: ConfigError when the target's expansion is too small for a kernel of the source.
    """
    theirs = _plain(source).state_dict()
    if isinstance(source, LPAE) and isinstance(target, HoldsLPAE):
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


def _plain(network: Network) -> Network:
    return folded(network) if isinstance(network, Model) else network


KEY = "path.pretrain_network_g"


def start_from(pretrained: str | None, model: Network) -> str | None:
    """Give a network the weights it starts from, and one line about them.

    Raises: ConfigError when the checkpoint shares no kernel with the network, or leaves a part that
        is not trained, the LPAE of an LPSR or a classifier, at random weights; CheckpointError for
        the file.
    """
    taken = []
    if pretrained is not None:
        taken = transfer(checkpoint.load_network(pretrained).module, model)
    names = _plain(model).state_dict()
    if isinstance(model, HoldsLPAE):
        missing = [name for name in names if name.startswith("lpae.") and name not in taken]
        if missing:
            holds = f"{pretrained} holds none" if pretrained else "none is given"
            bands = f" and {model.image_channels} bands" if model.image_channels != 3 else ""
            raise ConfigError(
                f"{KEY}: {model.what_it_does} with a trained LPAE of "
                f"{model.lpae.config.hidden} hidden channels{bands}, {holds}",
                hint="train one: --model lpae" if bands else "--pretrained lpae",
            )
    if pretrained is None:
        return None
    # Biases alone may agree in shape by chance.
    if not any(names[name].dim() > 1 for name in taken):
        raise ConfigError(f"{KEY}: {pretrained} shares no kernel with this model")
    return f"took {len(taken)} of {len(names)} tensors from {pretrained}"
