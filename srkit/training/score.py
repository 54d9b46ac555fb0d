"""What a network scored on a validation set: a few numbers by name, and how each is written."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Form:
    """How a number is called and written."""

    label: str
    logged: str = ".6f"
    """In the log's table."""
    read: str = ".4f"
    """Where people read it."""
    brief: str = ".4f"
    """Where there is little room."""
    unit: str = ""


FORMS = {
    "psnr": Form(label="PSNR", logged=".4f", read=".3f", brief=".2f", unit="dB"),
    "ssim": Form(label="SSIM"),
    "accuracy": Form(label="accuracy"),
    "micro_f1": Form(label="micro F1"),
    "macro_precision": Form(label="macro precision"),
    "macro_recall": Form(label="macro recall"),
    "macro_f1": Form(label="macro F1"),
}


def briefly(name: str, value: float) -> str:
    """Write a number with its unit, if it has one.

    >>> briefly("psnr", 30.123), briefly("accuracy", 0.5)
    ('30.12 dB', '0.5000')
    """
    form = FORMS[name]
    return f"{value:{form.brief}} {form.unit}".strip()


@dataclass(frozen=True, kw_only=True)
class SetScore:
    """What a network scored on a set under a protocol; the parent of every kind of score."""

    set_name: str
    protocol: str

    @property
    def numbers(self) -> dict[str, float]:
        """Give the numbers by their names in FORMS; the first decides which score is best."""
        raise NotImplementedError

    def rounded(self) -> dict[str, float]:
        """Give the numbers as they are logged, so that what is read again is the same."""
        return {
            name: float(format(value, FORMS[name].logged)) for name, value in self.numbers.items()
        }

    @property
    def deciding(self) -> tuple[str, float]:
        """The number by which scores are compared, with its name: the higher, the better."""
        return next(iter(self.numbers.items()))
