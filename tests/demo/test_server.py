"""The demo's server: what it refuses, what it answers, and that its answers are the library's."""

import http.client
import json
import os
import re
import secrets
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
import numpy as np
import pytest

import srkit
from srkit.errors import CheckpointError, ConfigError
from srkit.evaluation.evaluate import evaluate
from srkit.evaluation.perceptual import Perceptual
from srkit.images import Image, read_image, write_image
from srkit.inference.family import load_family
from srkit.inference.upscaler import upscale_image

SECRET = Path("/etc/passwd")


def upload(url: str, name: str, data: bytes) -> httpx.Response:
    return httpx.post(f"{url}/gradio_api/upload", files={"files": (name, data)})


def uploaded(url: str, path: Path) -> dict[str, Any]:
    """Give what a page sends as the value of a picture after uploading it."""
    (where,) = upload(url, path.name, path.read_bytes()).json()
    return file_value(where, path.name)


def file_value(path: str, name: str = "x.png") -> dict[str, Any]:
    return {"path": path, "orig_name": name, "meta": {"_type": "gradio.FileData"}}


def call(url: str, name: str, *data: Any) -> tuple[str, Any]:
    """Call an endpoint through the queue; give ("complete", outputs) or ("error", what)."""
    answer = httpx.post(f"{url}/gradio_api/call/{name}", json={"data": data})
    event = answer.json()["event_id"]
    lines = httpx.get(f"{url}/gradio_api/call/{name}/{event}", timeout=60).text.splitlines()
    kind = [line.removeprefix("event: ") for line in lines if line.startswith("event: ")][-1]
    payload = [line.removeprefix("data: ") for line in lines if line.startswith("data: ")][-1]
    return kind, json.loads(payload)


def fetch(url: str, value: dict[str, Any], folder: Path) -> tuple[Image, httpx.Response]:
    answer = httpx.get(f"{url}/gradio_api/file={quote(value['path'])}")
    path = folder / f"{secrets.token_hex(4)}.png"
    path.write_bytes(answer.content)
    return read_image(path), answer


def raw_get(url: str, target: str) -> tuple[int, bytes]:
    """Ask for a target as it is: other clients would tidy it up first."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=20)
    connection.putrequest("GET", target, skip_host=False)
    connection.endheaders()
    answer = connection.getresponse()
    return answer.status, answer.read()


# ---- Settings


def test_listens_on_loopback_only(url: str) -> None:
    port = urlsplit(url).port
    assert port is not None
    # Also this machine, but another address of it: answered by what listens on all of them.
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.2", port), timeout=5)


def test_settings_are_those_promised(url: str, blocks: Any, checkpoints: Path) -> None:
    assert not blocks.share
    assert blocks.share_url is None
    assert not blocks.show_error
    assert not blocks.ssr_mode
    assert not blocks.mcp_server
    assert not blocks.analytics_enabled
    assert not blocks.run_history
    assert blocks.allowed_paths == []
    assert blocks.blocked_paths == [str(checkpoints)]
    assert blocks.delete_cache == (600, 3600)
    assert blocks._queue.max_size == 20
    assert blocks._queue.default_concurrency_limit == 1
    assert "/mcp" not in httpx.get(f"{url}/openapi.json").text


@pytest.mark.parametrize("page", ["monitoring", "monitoring/summary", "monitoring/x"])
def test_monitoring_is_refused(url: str, page: str) -> None:
    assert httpx.get(f"{url}/gradio_api/{page}").status_code in (403, 404)
    assert httpx.get(f"{url}/{page}").status_code in (403, 404)


@pytest.mark.parametrize("origin", ["http://example.com", "null"])
def test_other_sites_get_no_answer(url: str, origin: str) -> None:
    asked = httpx.options(
        f"{url}/gradio_api/upload",
        headers={"Origin": origin, "Access-Control-Request-Method": "POST"},
    )
    assert "access-control-allow-origin" not in asked.headers


def test_the_private_folder_is_private(url: str, app: ModuleType) -> None:
    assert app.private_folder().stat().st_mode & 0o077 == 0


# ---- Files outside


def forms(path: Path) -> list[str]:
    """Write the path of a file in the ways that have opened other servers."""
    absolute = str(path)
    relative = "../" * 12 + absolute.lstrip("/")
    return [
        absolute,
        f"/{absolute}",
        f"//{absolute}",
        relative,
        f"./{relative}",
        quote(absolute, safe=""),
        quote(quote(absolute, safe=""), safe=""),
        quote(relative, safe=""),
        quote(relative, safe="").replace(".", "%2e"),
        relative.replace("/", "\\"),
        relative.replace("/", "%5c"),
        f"....//....//{absolute}",
        f"file://{absolute}",
        f"file:{absolute}",
        f"{absolute}%00.png",
        f"%00{absolute}",
        f"~/../..{absolute}",
        f"/proc/self/root{absolute}",
        f"{absolute}?x=.png",
        f"{absolute}/.",
    ]


def secrets_of_this_machine(checkpoints: Path) -> list[Path]:
    root = Path(srkit.__file__).resolve().parent
    return [
        SECRET,
        Path("/proc/self/environ"),
        root / "errors.py",
        checkpoints / "tiny-x2.safetensors",
    ]


def test_file_route_gives_nothing_from_outside(
    url: str, app: ModuleType, checkpoints: Path
) -> None:
    for path in secrets_of_this_machine(checkpoints):
        head = path.read_bytes()[:200]
        for form in [*forms(path), f"{app.private_folder()}/../../..{path}"]:
            for route in (
                "/gradio_api/file=",
                "/file=",
                "/gradio_api/file/",
                "/static/",
                "/assets/",
            ):
                status, body = raw_get(url, route + form)
                assert status >= 400, (route, form)
                assert head[:40] not in body, (route, form)


def test_upload_names_stay_inside(url: str, app: ModuleType) -> None:
    for form in forms(Path("/tmp/srkit-was-here.png")):  # noqa: S108 - it must not come to be
        answer = upload(url, form, b"data")
        if answer.status_code == 200:
            (path,) = answer.json()
            assert Path(path).resolve().is_relative_to(app.private_folder())
    assert not Path("/tmp/srkit-was-here.png").exists()  # noqa: S108


def test_paths_as_inputs_are_refused(
    url: str, app: ModuleType, checkpoints: Path, photo: Path
) -> None:
    picture = uploaded(url, photo)
    for path in [photo, *secrets_of_this_machine(checkpoints)]:
        kind, what = call(url, "upscale", file_value(str(path)), "tiny", 2)
        assert kind == "error"
        assert str(path) not in str(what)
    for model in (str(checkpoints / "tiny-x2.safetensors"), "../tiny", "tiny-x3"):
        assert call(url, "upscale", picture, model, 2)[0] == "error"
    assert call(url, "upscale", picture, "tiny", 16)[0] == "error"
    assert call(url, "upscale", picture, "tiny", 2)[0] == "complete"


# ---- Files that are too large, too much, or no pictures


def test_a_file_over_the_limit_is_not_taken(url: str) -> None:
    assert upload(url, "large.png", bytes(26 * 2**20)).status_code == 413
    assert upload(url, "small.png", bytes(1000)).status_code == 200


def png_of(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress(bytes(width + 1) * height, 9)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"not a picture", "x.png: is none of PNG, JPEG"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "x.png: is none of PNG, JPEG"),
        (b"\x89PNG\r\n\x1a\n" + bytes(50), "x.png: "),
        (png_of(9000, 9000), "x.png: 81,000,000 pixels"),
        (png_of(4000, 3999), "over the limit of 40,000,000"),  # fine itself, not its enlargement
        (b"", "x.png: is empty"),
    ],
    ids=["text", "eps", "broken", "bomb", "large", "empty"],
)
def test_a_bad_picture_is_one_line_in_the_page(
    url: str, app: ModuleType, tmp_path: Path, data: bytes, words: str
) -> None:
    path = tmp_path / "x.png"
    path.write_bytes(data)
    kind, what = call(url, "upscale", uploaded(url, path), "tiny", 2)
    assert kind == "error"
    message = what["error"]
    assert words in message
    assert "\n" not in message
    assert str(app.private_folder()) not in message
    assert "Traceback" not in str(what)


def test_nothing_chosen_is_said_so(url: str) -> None:
    kind, what = call(url, "upscale", None, "tiny", 2)
    assert (kind, what["error"]) == ("error", "Choose a picture first")


def test_errors_of_ours_are_not_shown(
    url: str, app: ModuleType, monkeypatch: pytest.MonkeyPatch, photo: Path
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("/somewhere/on/this/machine")

    monkeypatch.setattr(app, "upscale_image", fail)
    kind, what = call(url, "upscale", uploaded(url, photo), "tiny", 2)
    assert kind == "error"
    assert "somewhere" not in str(what)


# ---- Answers


@pytest.mark.parametrize("scale", [2, 3])
def test_upscale_gives_what_the_library_gives(
    url: str, app: ModuleType, photo: Path, tmp_path: Path, scale: int
) -> None:
    kind, (pictures, keep, line) = call(url, "upscale", uploaded(url, photo), "tiny", scale)
    assert kind == "complete"
    modules = load_family("tiny", app.choose_device()).modules
    expected = upscale_image(modules, read_image(photo), scale=scale)
    image, answer = fetch(url, keep, tmp_path)
    np.testing.assert_array_equal(image.colour, expected.colour)
    assert answer.headers["content-type"] == "image/png"
    assert Path(keep["path"]).name == f"my photo_{scale}x_tiny.png"
    before, after = (fetch(url, picture, tmp_path)[0] for picture in pictures)
    np.testing.assert_array_equal(after.colour, expected.colour)
    assert before.colour.shape == after.colour.shape
    assert (before.colour != after.colour).any()
    assert line.startswith(f"40 x 30 became **{40 * scale} x {30 * scale}** in ")


def test_a_file_reaches_our_reader_as_it_was_sent(
    url: str, app: ModuleType, tmp_path: Path
) -> None:
    """16 bits and transparency, both of which gradio's own conversion to RGB would lose."""
    random = np.random.default_rng(7)
    picture = Image(
        colour=random.integers(0, 65536, (9, 12, 3), dtype=np.uint16),
        alpha=random.integers(0, 65536, (9, 12), dtype=np.uint16),
    )
    path = tmp_path / "deep.png"
    write_image(path, picture)
    _, (_, keep, _) = call(url, "upscale", uploaded(url, path), "tiny", 2)
    image, _ = fetch(url, keep, tmp_path)
    expected = upscale_image(load_family("tiny", app.choose_device()).modules, picture, scale=2)
    assert image.alpha is not None
    np.testing.assert_array_equal(image.colour, expected.colour)
    np.testing.assert_array_equal(image.alpha, expected.alpha)


@pytest.mark.parametrize("given", [False, True], ids=["lr-made", "lr-given"])
def test_compare_gives_what_evaluation_gives(
    url: str, checkpoints: Path, tmp_path: Path, given: bool
) -> None:
    random = np.random.default_rng(3)
    for folder, height, width in (("hr", 83, 90), ("lr", 20, 22)):
        (tmp_path / folder).mkdir()
        pixels = random.integers(0, 256, (height, width, 3), dtype=np.uint8)
        write_image(tmp_path / folder / "a.png", Image(colour=pixels))
    lr = uploaded(url, tmp_path / "lr" / "a.png") if given else None
    kind, (pictures, table, digits) = call(
        url, "compare", uploaded(url, tmp_path / "hr" / "a.png"), lr, "tiny-x4"
    )
    assert kind == "complete"
    module = srkit.load(str(checkpoints / "tiny-x4.safetensors")).module
    upscalers: list[Any] = ["bicubic", module]
    for upscaler, found in zip(upscalers, digits["results"], strict=True):
        expected = evaluate(
            upscaler,
            tmp_path / "hr",
            scale=4,
            lr_folder=tmp_path / "lr" if given else None,
            perceptual=Perceptual(),
        )
        for key in ("psnr", "ssim", "lpips"):
            assert found[key] == pytest.approx(getattr(expected, key), abs=1e-6)
        assert f"{expected.psnr:.2f} | {expected.ssim:.4f} | {expected.lpips:.4f} |" in table
    assert ("LR: given" if given else "LR: MATLAB bicubic") in table
    assert "sr-y: BT.601 Y, crop 4" in table
    assert "LPIPS (AlexNet, v0.1)" in table
    sizes = [fetch(url, picture, tmp_path)[0].colour.shape for picture in pictures]
    assert sizes == [(80, 88, 3)] * 2


def test_a_small_version_of_another_size_is_refused(url: str, photo: Path) -> None:
    picture = uploaded(url, photo)
    kind, what = call(url, "compare", picture, picture, "tiny-x2")
    assert kind == "error"
    assert "my photo.png: 40x30 pixels" in what["error"]
    assert "/" not in what["error"]


def test_everyone_gets_their_own(url: str, app: ModuleType, tmp_path: Path) -> None:
    modules = load_family("tiny", app.choose_device()).modules

    def visit(number: int) -> None:
        path = tmp_path / f"{number}.png"
        pixels = np.random.default_rng(number).integers(0, 256, (6, 7, 3), dtype=np.uint8)
        write_image(path, Image(colour=pixels))
        kind, (_, keep, _) = call(url, "upscale", uploaded(url, path), "tiny", 2)
        assert kind == "complete"
        expected = upscale_image(modules, Image(colour=pixels), scale=2)
        np.testing.assert_array_equal(fetch(url, keep, tmp_path)[0].colour, expected.colour)
        # 128 random bits in the path: it cannot be asked for by anybody else.
        assert re.fullmatch(r"[0-9a-f]{32}", Path(keep["path"]).parent.name)

    with ThreadPoolExecutor(6) as visitors:
        list(visitors.map(visit, range(6)))


def test_gradio_client_works(url: str, photo: Path) -> None:
    from gradio_client import Client, handle_file  # type: ignore[import-untyped]

    client = Client(url, verbose=False, analytics_enabled=False)
    _, keep, line = client.predict(handle_file(photo), "tiny", 2, api_name="/upscale")
    assert read_image(Path(keep)).width == 80
    assert "80 x 60" in line
    _, keep, _ = client.predict(handle_file(photo), "tiny", "4", api_name="/upscale")
    assert read_image(Path(keep)).width == 160
    _, table, _ = client.predict(handle_file(photo), model="tiny-x2", api_name="/compare")
    assert "LR: MATLAB bicubic" in table


def test_the_api_is_announced_as_it_is(blocks: Any) -> None:
    endpoints = blocks.get_api_info()["named_endpoints"]
    scale = endpoints["/upscale"]["parameters"][2]["python_type"]
    assert scale == {"type": "int", "description": "one of 2, 3, 4, 8"}
    names = [one["parameter_name"] for one in endpoints["/compare"]["parameters"]]
    assert names == ["reference", "lr", "model"]
    assert [one["parameter_has_default"] for one in endpoints["/compare"]["parameters"]] == [
        False,
        True,
        True,
    ]


def test_what_a_caller_gets_wrong_is_not_shown_on_the_terminal(
    url: str, photo: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    picture = uploaded(url, photo)
    for name, words, told in (
        ("upscale", ("tiny", 5), "scale must be one of 2, 3, 4, 8, got 5"),
        ("upscale", ("tiny", "x4"), "got 'x4'"),
        ("upscale", ("tine", 2), "tine is not in the list of choices"),
        ("compare", (None, "tiny"), "tiny is not in the list of choices"),
        ("compare", (picture, "tiny-x4"), "my photo.png: 40x30 pixels"),
    ):
        kind, what = call(url, name, picture, *words)
        assert kind == "error"
        assert told in what["error"]
    assert "Traceback" not in capfd.readouterr().err


def test_a_closed_page_stops_its_work(
    url: str, app: ModuleType, blocks: Any, monkeypatch: pytest.MonkeyPatch, photo: Path
) -> None:
    started, stopped = threading.Event(), threading.Event()

    def endless(*_: Any, progress: Callable[[int, int], None], **__: Any) -> None:
        started.set()
        try:
            for tile in range(1000):
                progress(tile, 1000)
                time.sleep(0.02)
        except app.Left:
            stopped.set()
            raise

    monkeypatch.setattr(app, "upscale_image", endless)
    (index,) = [i for i, fn in blocks.fns.items() if fn.api_name == "upscale"]
    session = {"fn_index": index, "session_hash": "visitor"}
    with httpx.stream("GET", f"{url}/gradio_api/heartbeat/visitor") as heartbeat:
        assert heartbeat.status_code == 200
        body = {"data": [uploaded(url, photo), "tiny", 2], **session}
        assert httpx.post(f"{url}/gradio_api/queue/join", json=body).status_code == 200
        assert started.wait(10)
    assert stopped.wait(10)


# ---- Starting and ending


def test_says_that_there_is_no_model(
    app: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("srkit.checkpoint.checkpoints_folder", lambda: tmp_path)
    with pytest.raises(CheckpointError, match="no super-resolution models"):
        app.families()


def test_says_that_the_port_is_taken(app: ModuleType, url: str) -> None:
    import gradio

    with gradio.Blocks(analytics_enabled=False) as other:
        pass
    with pytest.raises(ConfigError, match=f"--port {urlsplit(url).port}: taken"):
        app.launch(other, urlsplit(url).port)


@pytest.mark.parametrize(
    "host",
    ["93.184.216.34", "example.com", b"example.com", "192.168.0.1", "0.0.0.0"],  # noqa: S104
)
def test_other_machines_are_out_of_reach(app: ModuleType, host: str) -> None:
    with pytest.raises(PermissionError):
        app.stay_on_this_machine("socket.connect", (None, (host, 80)))
    with pytest.raises(PermissionError):
        app.stay_on_this_machine("socket.getaddrinfo", (host, 80, 0, 0, 0))


@pytest.fixture
def started(checkpoints: Path, tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """`srkit demo` as a process of its own, in an environment that would open it to the world."""
    script = (
        "from pathlib import Path; from srkit import checkpoint; from srkit.cli.demo import demo\n"
        f"checkpoint.checkpoints_folder = lambda: Path({str(checkpoints)!r})\n"
        "demo()"
    )
    hostile = {
        "GRADIO_ALLOWED_PATHS": "/",
        "GRADIO_SERVER_NAME": "0.0.0.0",  # noqa: S104
        "GRADIO_SHARE": "True",
        "GRADIO_MCP_SERVER": "True",
        "GRADIO_ROOT_PATH": "/elsewhere",
        "GRADIO_ANALYTICS_ENABLED": "True",
        "TMPDIR": str(tmp_path),
    }
    process = subprocess.Popen(
        [sys.executable, "-c", script],
        env={**os.environ, **hostile},
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stderr is not None
        line = process.stderr.readline()
        found = re.search(r"http://127\.0\.0\.1:\d+", line)
        assert found, line + process.stderr.read()
        yield process, found[0]
    finally:
        process.kill()
        process.wait()


@pytest.mark.slow
def test_the_environment_opens_nothing(
    started: tuple[subprocess.Popen[str], str], photo: Path, tmp_path: Path
) -> None:
    process, url = started
    test_listens_on_loopback_only(url)
    for form in forms(SECRET):
        status, body = raw_get(url, f"/gradio_api/file={form}")
        assert status >= 400, form
        assert b"root:" not in body, form
    assert call(url, "upscale", file_value(str(photo)), "tiny", 2)[0] == "error"
    # gradio would fetch these from the other machine.
    assert raw_get(url, "/gradio_api/file=http://8.8.8.8/x.png")[0] == 403
    assert call(url, "upscale", file_value("http://8.8.8.8/x.png"), "tiny", 2)[0] == "error"
    assert call(url, "upscale", uploaded(url, photo), "tiny", 2)[0] == "complete"
    assert list(tmp_path.glob("srkit-demo-*"))
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 143
    assert not list(tmp_path.glob("srkit-demo-*"))
