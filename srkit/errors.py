"""What can go wrong through no fault of srkit: one family of exceptions, one line each.

A message names the file or option, its value and what would work. The command line prints it
as `srkit: <message>`, followed by `hint: <hint>` where there is one, and never a traceback.
"""


class SrkitError(Exception):
    """Anything a user can cause and mend; `hint` says how, in a few words."""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


class ConfigError(SrkitError):
    """An option or a setting has a value that cannot work."""


class ImageError(SrkitError):
    """An image file cannot be read or written; the message starts with its path."""


class CheckpointError(SrkitError):
    """A file of weights is damaged, of another kind, or not one of ours."""


class DataError(SrkitError):
    """A data set is missing, incomplete or cannot be downloaded."""


class TrainingError(SrkitError):
    """Training cannot go on: the loss is not finite, or the run's folder cannot be used."""


class LostProcessError(TrainingError):
    """Another process of the run has failed; what went wrong is for that one to say."""
