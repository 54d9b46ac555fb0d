"""From a model to enlarged image files: tiles, images, folders."""
