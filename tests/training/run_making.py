"""What a run tells those who watch it, made without a run."""

from srkit.training.validation import Score
from srkit.training.watch import RunFacts

FACTS = RunFacts(
    name="tiny",
    model="lapwave-s",
    parameters=4044,
    trained_parameters=4044,
    device="cpu",
    processes=1,
    precision="float32",
    first_step=0,
    steps=20,
    images=2,
    megapixels=0.5,
    data="photographs",
    taken=None,
    resumed=False,
)


def score(psnr: float, *, ssim: float = 0.9, set_name: str = "Set5") -> Score:
    return Score(set_name=set_name, protocol="sr-y", psnr=psnr, ssim=ssim)
