"""Turn a network whose convolutions were over-parametrised for training into the plain one."""

import copy

from srkit.layers.collapsible import fold
from srkit.models import build_model, name_of, settings_of
from srkit.models.model import Model


def folded(model: Model) -> Model:
    """Give a model of plain convolutions that computes the same; itself when it is one."""
    settings = settings_of(model)
    if not settings.get("expansion"):
        return model
    wide = copy.deepcopy(model)
    fold(wide)
    plain = build_model(name_of(model), settings | {"expansion": 0})
    plain.load_state_dict(wide.state_dict())
    return plain.to(next(model.parameters()).device).train(model.training)
