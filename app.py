"""The demo: enlarge a picture, and measure a model against a reference, in the browser.

    python app.py        or: srkit demo

A thin page over srkit: pictures are read by `srkit.images`, enlarged by `srkit.inference` and
measured by `srkit.evaluation`. It listens on this machine only, and its process connects to no
other. Models are chosen by name from the released ones; no path that a visitor sends is opened.

Convention
    An uploaded file reaches `read_image` byte for byte: gradio neither opens nor converts it.
    Every picture made for the page is a PNG file, and the one shown is the one downloaded.
    Files live in one private folder, under names nobody can guess; they are deleted after an hour,
    and all of them when the demo ends.
"""

if __name__ == "__main__":
    # As `srkit demo`, which imports this file: errors and Ctrl-C are handled by the command line,
    # and that before the imports below, which take seconds.
    import sys

    from srkit.__main__ import run

    sys.argv[1:1] = ["demo"]
    run()

import atexit
import html
import os
import re
import secrets
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import skimage.data
import typer
from torch import Tensor

from srkit import checkpoint
from srkit.data.pairs import Source, bicubic
from srkit.errors import CheckpointError, ConfigError, SrkitError
from srkit.evaluation.evaluate import Result, score
from srkit.evaluation.perceptual import Perceptual, shipped_weights
from srkit.evaluation.tables import caption, to_json
from srkit.images import Image, from_tensor, read_image, write_image
from srkit.images.naming import display_name
from srkit.inference.bicubic import BicubicEnlarger
from srkit.inference.device import choose_device
from srkit.inference.family import Family, load_family
from srkit.inference.sizes import Enlargement
from srkit.inference.upscaler import upscale_image, upscale_tensor


def forget_gradio_environment() -> None:
    """Remove GRADIO_SHARE, GRADIO_ALLOWED_PATHS and the like, which would open what is closed."""
    for name in [name for name in os.environ if name.startswith("GRADIO_")]:
        del os.environ[name]


forget_gradio_environment()
import gradio as gr  # noqa: E402 - it reads its environment while it is imported
from gradio.data_classes import ImageData  # noqa: E402

SCALES = (2, 3, 4, 8)
MAX_FILE_SIZE = "25mb"
# Others wait while one picture is worked on: about a minute of a small CPU for the largest.
MAX_PIXELS = 16_000_000
MAX_RESULT_PIXELS = 40_000_000
# Enough for the images of DIV2K.
MAX_REFERENCE_PIXELS = 4_000_000
PROTOCOL = "sr-y"
COMPARED = "lapwave-m-x4"
EXAMPLE_SIDE = 256

# Sessions whose work is wanted: a closed tab takes itself out, and its work stops at a tile.
_wanted: set[str] = set()


class Left(gr.Error):
    """The visitor has closed the page; nothing that the terminal needs to hear of."""

    def __init__(self) -> None:
        super().__init__("the page was closed", print_exception=False)


# ---- Upscale


def upscale(
    picture: str | None,
    model: str,
    scale: int,
    request: gr.Request,
    progress: gr.Progress = gr.Progress(),  # noqa: B008 - how gradio knows where to put it
) -> tuple[tuple[str, str], str, str]:
    """Enlarge a picture; give (bicubic, model) for the slider, the file to keep, and a line."""
    with one_line_errors(), wanted(request) as ask:
        image = read_picture(picture)
        family = load(model)
        start = time.perf_counter()
        after = upscale_image(
            family.modules,
            image,
            scale=scale,
            max_pixels=MAX_RESULT_PIXELS,
            progress=by_tile(progress, ask),
        )
        seconds = time.perf_counter() - start
        filter_ = BicubicEnlarger(scale)
        filter_.image_channels = image.colour.shape[2]
        before = upscale_image([filter_], image, scale=scale)
        progress(1.0, desc="writing PNG")
        stem = f"{Path(str(picture)).stem}_{Enlargement(scale=scale).label}"
        files = write_png(f"{stem}_bicubic", before), write_png(f"{stem}_{family.label}", after)
    line = (
        f"{size_of(image)} became **{size_of(after)}** in {seconds:.2f} s "
        f"({family.label}, {choose_device().type.upper()})"
    )
    return files, files[1], line


def announce(picture: str | None, scale: int) -> str:
    """Say what will become of a picture that was just chosen, or why nothing can."""
    if picture is None:
        return ""
    try:
        image = read_picture(picture)
    except SrkitError as error:
        return one_line(error)
    height, width = Enlargement(scale=scale).size(image.height, image.width)
    return f"{size_of(image)} pixels will become {width} x {height}"


# ---- Compare


def compare(
    request: gr.Request,
    reference: str | None,
    lr: str | None = None,  # which is how gradio knows that a caller may leave it out
    model: str = COMPARED,
    progress: gr.Progress = gr.Progress(),  # noqa: B008
) -> tuple[tuple[str, str], str, dict[str, Any]]:
    """Measure a model and bicubic; give (bicubic, model) for the slider, a table, and as JSON."""
    with one_line_errors(), wanted(request) as ask:
        for path in (reference, lr or reference):
            read_picture(path, MAX_REFERENCE_PIXELS)  # the limit, before a larger one is measured
        (network,) = load(model).modules
        hr_path = Path(str(reference))
        source = Source(name=hr_path.name, hr=hr_path, lr=Path(lr) if lr else None)
        pair = source.load(int(network.scale))
        made: list[Tensor] = []

        def enlarge(lr_BCHW: Tensor) -> Tensor:
            # Tiles would change the numbers of a model that looks at the whole image.
            whole = network.receptive_field is None
            made.append(
                upscale_tensor(
                    network, lr_BCHW, tile=0 if whole else None, progress=by_tile(progress, ask)
                )
            )
            return made[-1]

        results = [
            score(upscaler, [pair], PROTOCOL, perceptual=perceptual(), name=name)
            for name, upscaler in (("bicubic", "bicubic"), (model, enlarge))
        ]
        files = (
            write_png(f"{hr_path.stem}_bicubic", Image(colour=bicubic(pair.lr, pair.scale))),
            write_png(f"{hr_path.stem}_{model}", Image(colour=from_tensor(made[0], pair.hr.dtype))),
        )
    return files, table(results, matlab_lr=lr is None), to_json(results, matlab_lr=lr is None)


def table(results: Sequence[Result], *, matlab_lr: bool) -> str:
    """Lay results out as Markdown, with what the numbers mean below them."""
    lines = ["| | PSNR, dB | SSIM | LPIPS |", "|:--|--:|--:|--:|"]
    for one in results:
        lpips = "-" if one.lpips is None else f"{one.lpips:.4f}"
        lines.append(f"| {one.model} | {one.psnr:.2f} | {one.ssim:.4f} | {lpips} |")
    return "\n".join([*lines, "", caption(results, matlab_lr=matlab_lr)])


# ---- What both tabs need


def models() -> list[str]:
    """Name the released models that enlarge.

    Raises: CheckpointError when there are none.
    """
    headers = {name: checkpoint.read_header(path) for name, path in checkpoint.released().items()}
    names = [name for name, header in headers.items() if header.config.get("scale", 1) > 1]
    if not names:
        raise CheckpointError(
            f"{display_name(checkpoint.checkpoints_folder())}: no super-resolution models"
        )
    return names


def families() -> list[str]:
    """Name the families of the released models: `lapwave-m` for `lapwave-m-x2` and the others."""
    return list(dict.fromkeys(re.sub(r"-x\d+$", "", name) for name in models()))


def first_choice(names: list[str], wanted: str) -> str:
    """Give the name a list begins with; where others are installed, the last one's."""
    return wanted if wanted in names else names[-1]


@lru_cache(maxsize=8)
def load(name: str) -> Family:
    """Load a model, or all of a family, once."""
    return load_family(name, choose_device())


@lru_cache(maxsize=1)
def perceptual() -> Perceptual | None:
    """Load LPIPS once; None where its weights are not installed."""
    return Perceptual(device=choose_device()) if shipped_weights().is_file() else None


def read_picture(path: str | None, max_pixels: int = MAX_PIXELS) -> Image:
    """Read an uploaded file with the page's limits."""
    if path is None:
        raise ConfigError("Choose a picture first")
    return read_image(Path(path), max_pixels=max_pixels)


def write_png(stem: str, image: Image) -> str:
    """Write a file that only somebody who was told its path can ask for."""
    path = private_folder() / secrets.token_hex(16) / f"{stem}.png"
    path.parent.mkdir()
    write_image(path, image)
    return str(path)


def private_folder() -> Path:
    return Path(os.environ["GRADIO_TEMP_DIR"])


def size_of(image: Image) -> str:
    return f"{image.width} x {image.height}"


def one_line(error: SrkitError) -> str:
    """Say what went wrong, as HTML, and without the server's folders."""
    message = str(error)
    for folder in (private_folder(), checkpoint.checkpoints_folder()):
        inside = re.escape(display_name(folder)) + r"[/\\](?:[^/\\:]+[/\\])*"
        message = re.sub(inside, "", message)
    return html.escape(message)


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Show srkit's errors in the page; of all others it says only that there was one."""
    try:
        yield
    except SrkitError as error:
        raise gr.Error(one_line(error), print_exception=False) from None


@contextmanager
def wanted(request: gr.Request) -> Iterator[Callable[[], bool]]:
    """Give a function that says whether the visitor is still there."""
    session = str(request.session_hash)
    _wanted.add(session)
    try:
        yield lambda: session in _wanted
    finally:
        _wanted.discard(session)


def leave(request: gr.Request) -> None:
    """Take note that a visitor has closed the page."""
    _wanted.discard(str(request.session_hash))


def by_tile(progress: gr.Progress, ask: Callable[[], bool]) -> Callable[[int, int], None]:
    """Show each tile that is done, and stop there when nobody waits for the rest."""

    def show(done: int, total: int) -> None:
        if not ask():
            raise Left
        progress((done, total), desc="enlarging", unit="tiles")

    return show


# ---- The page


def build() -> gr.Blocks:
    """Lay the page out, after making its private folder.

    Raises: CheckpointError when there is no model to offer.
    """
    folder = Path(tempfile.mkdtemp(prefix="srkit-demo-")).resolve()
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    forget_gradio_environment()
    os.environ["GRADIO_TEMP_DIR"] = str(folder)
    os.environ["GRADIO_EXAMPLES_CACHE"] = str(folder / "examples")
    with gr.Blocks(title="srkit", analytics_enabled=False, delete_cache=(600, 3600)) as demo:
        gr.Markdown(
            "# srkit\nEnlarge pictures with small networks built on wavelets, and see what they "
            "add to plain bicubic interpolation. Nothing leaves this computer."
        )
        with gr.Tab("Upscale"):
            build_upscale()
        with gr.Tab("Compare"):
            build_compare()
        demo.unload(leave)
    return demo.queue(max_size=20, default_concurrency_limit=1)


def build_upscale() -> None:
    names = families()
    with gr.Row():
        with gr.Column(scale=2):
            picture = picture_input("Picture")
            note = gr.Markdown()
            with gr.Row():
                model = gr.Dropdown(
                    names, value=first_choice(names, "lapwave-m"), label="Model", min_width=130
                )
                scale = gr.Radio(
                    [(f"x{scale}", scale) for scale in SCALES],
                    value=4,
                    label="Enlarge by",
                    scale=2,
                    min_width=300,
                )
            scale.preprocess = scale_of  # type: ignore[assignment]
            # gradio announces the choices as strings.
            scale.api_info = lambda: {  # type: ignore[method-assign]
                "type": "integer",
                "additional_description": f"one of {', '.join(map(str, SCALES))}",
            }
            refuse_quietly(model)
            button = gr.Button("Upscale", variant="primary")
            gr.Examples(example_pictures(128), picture, label="Or try one of these")
        with gr.Column(scale=3):
            slider = before_and_after()
            line = gr.Markdown()
            keep = gr.DownloadButton("Download PNG", interactive=False)
    gr.on(
        [picture.change, scale.change],
        announce,
        [picture, scale],
        note,
        show_progress="hidden",
        api_visibility="private",
    )
    button.click(
        upscale,
        [picture, model, scale],
        [slider, keep, line],
        api_name="upscale",
        concurrency_id="work",
        show_progress_on=slider,
    ).success(
        lambda: gr.DownloadButton(interactive=True),
        outputs=keep,
        queue=False,
        api_visibility="private",
    )


def build_compare() -> None:
    names = models()
    with gr.Row():
        with gr.Column(scale=2):
            reference = picture_input("Reference")
            with gr.Accordion(
                "Give its small version (otherwise made by MATLAB's bicubic)", open=False
            ):
                lr = picture_input("Small version, exactly 1/scale of the reference")
            model = gr.Dropdown(names, value=first_choice(names, COMPARED), label="Model")
            refuse_quietly(model)
            button = gr.Button("Compare", variant="primary")
            gr.Examples(example_pictures(256), reference, label="Or try one of these")
        with gr.Column(scale=3):
            numbers = gr.Markdown()
            slider = before_and_after()
            with gr.Accordion("All digits, as JSON", open=False):
                digits = gr.JSON(show_label=False)
    button.click(
        compare,
        [reference, lr, model],
        [slider, numbers, digits],
        api_name="compare",
        concurrency_id="work",
        show_progress_on=slider,
    )


def picture_input(label: str) -> gr.Image:
    picture = gr.Image(
        type="filepath", format="png", sources=["upload"], label=label, height=280, buttons=[]
    )
    # gradio would open the file with Pillow, as any of fifty formats and with no limits of ours.
    picture.preprocess = path_of  # type: ignore[assignment]
    return picture


def path_of(upload: ImageData | None) -> str | None:
    """Give where gradio has put an upload; it has made sure that it is one."""
    return upload.path if upload else None


def scale_of(choice: int | str) -> int:
    """Take a scale as a number or, which callers of the API may send, as its digits."""
    for scale in SCALES:
        if choice in (scale, str(scale)):
            return scale
    wanted = ", ".join(map(str, SCALES))
    raise gr.Error(f"scale must be one of {wanted}, got {choice!r}", print_exception=False)


def refuse_quietly(dropdown: gr.Dropdown) -> None:
    """Keep it off the terminal when a caller of the API sends what is no choice."""
    preprocess = dropdown.preprocess

    def quiet(payload: Any) -> Any:
        try:
            return preprocess(payload)
        except gr.Error as error:
            error.print_exception = False
            raise

    dropdown.preprocess = quiet  # type: ignore[method-assign]


def before_and_after() -> gr.ImageSlider:
    return gr.ImageSlider(
        label="Left: bicubic, right: the model",
        type="filepath",
        format="png",
        interactive=False,
        max_height=560,
        buttons=["fullscreen"],
    )


def example_pictures(side: int) -> list[str]:
    """Cut details out of photographs that come with scikit-image, shrunk to squares of a side."""
    photographs = (
        ("cat", skimage.data.chelsea(), 20, 120),
        ("astronaut", skimage.data.astronaut(), 0, 100),
        ("coffee", skimage.data.coffee(), 60, 170),
        ("motorcycle", skimage.data.stereo_motorcycle()[0], 150, 300),
    )
    paths = []
    for name, photograph, top, left in photographs:
        detail = photograph[top : top + EXAMPLE_SIDE, left : left + EXAMPLE_SIDE]
        paths.append(write_png(name, Image(colour=bicubic(detail, side / EXAMPLE_SIDE))))
    return paths


# ---- The server


def launch(demo: gr.Blocks, port: int | None = None, *, open_browser: bool = False) -> str:
    """Start the server, on this machine only, and give the page's address.

    Raises: ConfigError when the port is taken.
    """
    try:
        _, url, _ = demo.launch(
            server_name="127.0.0.1",
            server_port=port,
            inbrowser=open_browser,
            prevent_thread_lock=True,
            share=False,
            max_file_size=MAX_FILE_SIZE,
            show_error=False,
            enable_monitoring=False,
            allowed_paths=None,
            blocked_paths=[str(checkpoint.checkpoints_folder())],
            ssr_mode=False,
            mcp_server=False,
            strict_cors=True,
            run_history=False,
            quiet=True,
            footer_links=["api"],
            theme=gr.themes.Soft(font=["system-ui", "sans-serif"], font_mono=["monospace"]),
        )
    except OSError:
        raise ConfigError(f"--port {port}: taken, or not allowed") from None
    return url


def stay_on_this_machine(event: str, arguments: tuple[Any, ...]) -> None:
    """Refuse connections to other machines.

    gradio fetches what an address in place of a file names, and offers no setting against it.
    """
    if event in ("socket.connect", "socket.sendto") and isinstance(arguments[1], tuple):
        host = arguments[1][0]
    elif event == "socket.getaddrinfo":
        host = arguments[0]
    else:
        return
    if host not in (None, "", "localhost", "127.0.0.1", "::1"):
        raise PermissionError(f"the demo connects to no other machine, asked for {host}")


def main(port: int | None = None, *, open_browser: bool = False) -> None:
    """Serve the page until Ctrl-C, at `port`, or at 7860 or the next free one.

    Raises: ConfigError when the port is taken; CheckpointError when there is no model to offer.
    """
    sys.addaudithook(stay_on_this_machine)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    demo = build()
    try:
        url = launch(demo, port, open_browser=open_browser)
        typer.echo(f"srkit: the demo is at {url} until Ctrl-C", err=True)
        threading.Event().wait()
    finally:
        _wanted.clear()
        demo.close(verbose=False)
