"""The demo as a person meets it: a headless Chromium goes through both tabs."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect, sync_playwright

import srkit
from srkit.evaluation.evaluate import evaluate
from srkit.images import Image, read_image, write_image
from srkit.inference.family import load_family
from srkit.inference.upscaler import upscale_image

CHROMIUM = shutil.which("chromium")
# Debian's chromium; the switches keep it from looking for updates and the like.
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE = 60_000  # ms; for a machine that is busy with other things

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="needs a chromium on the machine"),
]


@pytest.fixture
def page(url: str) -> Iterator[Page]:
    """The demo's page; afterwards, nothing must have been asked of another machine."""
    hosts: set[str] = set()
    complaints: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.set_default_timeout(PATIENCE)
        expect.set_options(timeout=PATIENCE)
        page.on("request", lambda asked: hosts.add(urlsplit(asked.url).hostname or "inside"))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(url)
        expect(page.get_by_role("heading", name="srkit")).to_be_visible()
        yield page
        browser.close()
    assert hosts <= {"127.0.0.1", "inside"}
    assert "127.0.0.1" in hosts
    assert not complaints


def slider_pictures(tab: Locator, page: Page, folder: Path) -> list[Image]:
    """Fetch what the slider of a tab shows, which must be PNG and decoded by the browser."""
    shown = tab.locator(".slider-wrap, .image-container").last.locator("img")
    expect(shown).to_have_count(2)
    pictures = []
    for number in range(2):
        picture = shown.nth(number)
        address = picture.get_attribute("src")
        assert address
        answer = page.request.get(address)
        assert answer.headers["content-type"] == "image/png"
        path = folder / f"shown-{number}.png"
        path.write_bytes(answer.body())
        image = read_image(path)
        size = picture.evaluate(
            "async p => { await p.decode(); return [p.naturalHeight, p.naturalWidth] }"
        )
        assert size == [image.height, image.width]
        pictures.append(image)
    return pictures


def test_upscale(page: Page, app: ModuleType, photo: Path, tmp_path: Path) -> None:
    tab = page.get_by_role("tabpanel").filter(has=page.get_by_role("button", name="Upscale"))
    tab.locator("input[type=file]").first.set_input_files(photo)
    expect(tab.get_by_text("40 x 30 pixels will become 160 x 120")).to_be_visible()
    tab.get_by_label("x2").check()
    expect(tab.get_by_text("40 x 30 pixels will become 80 x 60")).to_be_visible()
    download = tab.get_by_role("button", name="Download PNG")
    expect(download).to_be_disabled()
    tab.get_by_role("button", name="Upscale").click()
    expect(tab.get_by_text("40 x 30 became 80 x 60 in")).to_be_visible()

    modules = load_family("tiny", app.choose_device()).modules
    expected = upscale_image(modules, read_image(photo), scale=2)
    before, after = slider_pictures(tab, page, tmp_path)
    np.testing.assert_array_equal(after.colour, expected.colour)
    assert before.colour.shape == after.colour.shape
    assert (before.colour != after.colour).any()

    expect(download).to_be_enabled()
    with page.expect_download() as event:
        download.click()
    assert event.value.suggested_filename == "my photo_2x_tiny.png"
    kept = tmp_path / "kept.png"
    event.value.save_as(kept)
    np.testing.assert_array_equal(read_image(kept).colour, expected.colour)


def test_examples_work_at_once(page: Page) -> None:
    tab = page.get_by_role("tabpanel").filter(has=page.get_by_role("button", name="Upscale"))
    tab.locator(".gallery-item").nth(1).click()
    expect(tab.get_by_text("128 x 128 pixels will become 512 x 512")).to_be_visible()
    tab.get_by_role("button", name="Upscale").click()
    expect(tab.get_by_text("128 x 128 became 512 x 512 in")).to_be_visible()


def test_a_bad_picture_is_one_line(page: Page, tmp_path: Path) -> None:
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"no picture at all")
    page.locator("input[type=file]").first.set_input_files(bad)
    words = "bad.png: is none of PNG, JPEG, WebP, BMP and TIFF"
    expect(page.get_by_text(words, exact=True)).to_be_visible()
    page.get_by_role("button", name="Upscale").click()
    toast = page.get_by_test_id("toast-body")
    expect(toast).to_contain_text(words)
    assert "/" not in toast.inner_text()


def test_compare(page: Page, checkpoints: Path, tmp_path: Path) -> None:
    folder = tmp_path / "hr"
    folder.mkdir()
    pixels = np.random.default_rng(11).integers(0, 256, (80, 96, 3), dtype=np.uint8)
    write_image(folder / "a.png", Image(colour=pixels))
    page.get_by_role("tab", name="Compare").click()
    tab = page.get_by_role("tabpanel").filter(has=page.get_by_role("button", name="Compare"))
    tab.locator("input[type=file]").first.set_input_files(folder / "a.png")
    tab.get_by_role("button", name="Compare").click()

    module = srkit.load(str(checkpoints / "tiny-x4.safetensors")).module
    upscalers: dict[str, Any] = {"bicubic": "bicubic", "tiny-x4": module}
    for name, upscaler in upscalers.items():
        expected = evaluate(upscaler, folder, scale=4)
        row = tab.get_by_role("row").filter(has_text=name)
        expect(row).to_contain_text(
            re.compile(rf"{expected.psnr:.2f}\s*{expected.ssim:.4f}\s*\d\.\d{{4}}")
        )
    expect(tab.get_by_text("sr-y: BT.601 Y, crop 4")).to_be_visible()
    shapes = [picture.colour.shape for picture in slider_pictures(tab, page, tmp_path)]
    assert shapes == [(80, 96, 3)] * 2
