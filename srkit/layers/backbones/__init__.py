"""The backbones a classifier can be built on, by name.

To add one: write a file here, whose class is a `Backbone`; add one line below.
"""

from srkit.layers.backbones.backbone import Backbone
from srkit.layers.backbones.resnet import ResNet50
from srkit.layers.backbones.small import SmallBackbone
from srkit.layers.backbones.vgg import VGG16
from srkit.layers.registry import lookup

BACKBONES: dict[str, type[Backbone]] = {
    "vgg16": VGG16,
    "resnet50": ResNet50,
    "small": SmallBackbone,
}


def find_backbone(name: str) -> type[Backbone]:
    """Give the backbone called `name`."""
    return lookup(BACKBONES, "backbone", name)
