"""The plan of a batch: names, collisions, and nothing overwritten by accident."""

import os
from pathlib import Path

import pytest

from srkit.errors import ConfigError
from srkit.inference.jobs import Existing, Plan, plan_jobs
from srkit.inference.result_names import Format

TAG = "4x_m"


def touch(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")


def plan(
    *inputs: Path,
    output: Path,
    into_folder: bool = False,
    recursive: bool = True,
    format: Format = "auto",
    existing: Existing = "error",
) -> Plan:
    return plan_jobs(
        inputs,
        output,
        tag=TAG,
        into_folder=into_folder,
        recursive=recursive,
        format=format,
        existing=existing,
    )


def names(plan: Plan, folder: Path) -> dict[str, str]:
    """Give source -> target, both below `folder`."""
    return {
        str(job.source.relative_to(folder)): str(job.target.relative_to(folder))
        for job in plan.work
    }


def test_files_and_folders_keep_their_names_and_places(tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    touch(photos / "a.png", photos / "deep" / "er" / "b.JPG", photos / ".DS_Store")
    touch(photos / "deep" / "Thumbs.db", photos / "notes.txt", tmp_path / "c.tiff")
    made = plan(photos, tmp_path / "c.tiff", output=tmp_path / "out")
    assert names(made, tmp_path) == {
        "photos/a.png": "out/a.png",
        "photos/deep/er/b.JPG": "out/deep/er/b.JPG",
        "c.tiff": "out/c.tiff",
    }
    assert made.folder == tmp_path / "out"
    assert not made.folder.exists()


def test_without_recursion_folders_inside_are_left_alone(tmp_path: Path) -> None:
    touch(tmp_path / "in" / "a.png", tmp_path / "in" / "deep" / "b.png")
    made = plan(tmp_path / "in", output=tmp_path / "out", recursive=False)
    assert names(made, tmp_path) == {"in/a.png": "out/a.png"}


@pytest.mark.parametrize(
    ("name", "format", "result"),
    [
        ("a.b.jpeg", "auto", "a.b.jpeg"),
        ("a.b.jpeg", "png", "a.b.png"),
        ("a.TIF", "jpg", "a.jpg"),
        ("a.gif", "auto", "a.png"),
        ("a", "auto", "a.png"),
        ("a.txt", "webp", "a.webp"),
    ],
)
def test_formats(tmp_path: Path, name: str, format: Format, result: str) -> None:
    touch(tmp_path / name)
    made = plan(tmp_path / name, output=tmp_path / "out", format=format)
    assert names(made, tmp_path) == {name: f"out/{result}"}


def test_an_output_file_for_one_image(tmp_path: Path) -> None:
    touch(tmp_path / "a.png")
    made = plan(tmp_path / "a.png", output=tmp_path / "new" / "large.JPG")
    assert names(made, tmp_path) == {"a.png": "new/large.JPG"}
    assert made.folder == tmp_path / "new"


def test_a_folder_may_be_called_like_an_image(tmp_path: Path) -> None:
    touch(tmp_path / "a.png")
    (tmp_path / "out.png").mkdir()
    made = plan(tmp_path / "a.png", output=tmp_path / "out.png")
    assert names(made, tmp_path) == {"a.png": "out.png/a.png"}


@pytest.mark.parametrize("name", ["x.gif", "x.pgn", "deep/x.GIF", "x.jp2"])
def test_a_file_of_no_format_srkit_writes_is_refused(tmp_path: Path, name: str) -> None:
    touch(tmp_path / "in" / "a.png")
    with pytest.raises(ConfigError, match=f"{name}: not a format srkit writes") as caught:
        plan(tmp_path / "in" / "a.png", output=tmp_path / name)
    assert str(caught.value.hint).startswith("choose one of .bmp, ")
    made = plan(tmp_path / "in" / "a.png", output=tmp_path / name, into_folder=True)
    assert names(made, tmp_path) == {"in/a.png": f"{name}/a.png"}
    # Of a folder's results, this can only be the folder.
    made = plan(tmp_path / "in", output=tmp_path / name)
    assert names(made, tmp_path) == {"in/a.png": f"{name}/a.png"}
    (tmp_path / name).mkdir(parents=True)
    assert plan(tmp_path / "in" / "a.png", output=tmp_path / name).folder == tmp_path / name


@pytest.mark.parametrize("name", ["v1.2", "set.x4", ".hidden", "out", "ends."])
def test_a_suffix_that_is_no_file_s_makes_a_folder(tmp_path: Path, name: str) -> None:
    touch(tmp_path / "a.png")
    made = plan(tmp_path / "a.png", output=tmp_path / name)
    assert names(made, tmp_path) == {"a.png": f"{name}/a.png"}


def test_beside_its_source_a_result_says_what_it_is(tmp_path: Path) -> None:
    touch(tmp_path / "in" / "a.png", tmp_path / "in" / "deep" / "b.jpg")
    made = plan(tmp_path / "in", output=tmp_path / "in")
    assert names(made, tmp_path / "in") == {
        "a.png": f"a_{TAG}.png",
        "deep/b.jpg": f"deep/b_{TAG}.jpg",
    }
    made = plan(tmp_path / "in" / "a.png", output=tmp_path / "in" / "deep" / "..", format="jpg")
    assert [job.target.name for job in made.work] == [f"a_{TAG}.jpg"]


def test_results_of_an_earlier_run_are_no_inputs(tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    touch(photos / "a.png", photos / f"b_{TAG}.png", photos / "out" / "deep" / "c.png")
    assert names(plan(photos, output=photos), photos) == {
        "a.png": f"a_{TAG}.png",
        "out/deep/c.png": f"out/deep/c_{TAG}.png",
    }
    inside = plan(photos, output=photos / "out")
    assert names(inside, photos) == {"a.png": "out/a.png", f"b_{TAG}.png": f"out/b_{TAG}.png"}
    assert inside.left_out == [photos / "out" / "deep" / "c.png"]
    globbed = plan(photos / "a.png", photos / f"b_{TAG}.png", output=photos)
    assert globbed.left_out == [photos / f"b_{TAG}.png"]
    alone = plan(photos / f"b_{TAG}.png", output=photos)
    assert names(alone, photos) == {f"b_{TAG}.png": f"b_{TAG}_{TAG}.png"}


def test_a_collision_adds_the_suffix_of_the_source(tmp_path: Path) -> None:
    touch(*(tmp_path / "in" / name for name in ("a.png", "a.jpg", "b.png", "B.webp")))
    made = plan(tmp_path / "in", output=tmp_path / "out", format="tif")
    assert names(made, tmp_path) == {
        "in/a.png": "out/a_png.tif",
        "in/a.jpg": "out/a_jpg.tif",
        "in/b.png": "out/b_png.tif",
        "in/B.webp": "out/B_webp.tif",
    }
    kept = plan(tmp_path / "in", output=tmp_path / "out")
    assert {job.source.name == job.target.name for job in kept.work} == {True}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("one/a.png", "two/a.png"),
        ("one/a.png", "one/A.PNG"),
        ("one/\u00e9.png", "one/e\u0301.png"),
        ("one/a.png", "one/a_png.png"),
    ],
)
def test_a_collision_that_stays_is_refused(tmp_path: Path, first: str, second: str) -> None:
    # The third file makes `a.png` give way to `a_png.png`, which the last pair has already.
    touch(tmp_path / first, tmp_path / second, tmp_path / "three" / "a.jpg")
    inputs = [tmp_path / first, tmp_path / second, tmp_path / "three" / "a.jpg"]
    with pytest.raises(ConfigError, match="would both become"):
        plan(*inputs, output=tmp_path / "out", format="png")


def test_an_image_given_twice_is_done_once(tmp_path: Path) -> None:
    touch(tmp_path / "in" / "a.png")
    made = plan(
        tmp_path / "in",
        tmp_path / "in" / "a.png",
        tmp_path / "in" / ".." / "in",
        output=tmp_path / "out",
    )
    assert [job.target for job in made.work] == [tmp_path / "out" / "a.png"]


def test_existing_results(tmp_path: Path) -> None:
    touch(*(tmp_path / "in" / name for name in ("a.png", "b.png", "c.png")))
    touch(*(tmp_path / "out" / name for name in ("a.png", "a_1.png", "b.png")))
    with pytest.raises(ConfigError, match=r"a\.png: exists already \(and 1 more\)") as caught:
        plan(tmp_path / "in", output=tmp_path / "out")
    assert caught.value.hint == "--existing skip, overwrite or rename"
    skipping = plan(tmp_path / "in", output=tmp_path / "out", existing="skip")
    assert names(skipping, tmp_path) == {"in/c.png": "out/c.png"}
    assert [job.source.name for job in skipping.skipped] == ["a.png", "b.png"]
    overwriting = plan(tmp_path / "in", output=tmp_path / "out", existing="overwrite")
    assert [job.target.name for job in overwriting.work] == ["a.png", "b.png", "c.png"]
    renaming = plan(tmp_path / "in", output=tmp_path / "out", existing="rename")
    assert [job.target.name for job in renaming.work] == ["a_2.png", "b_1.png", "c.png"]


def test_renaming_does_not_take_the_name_of_another_result(tmp_path: Path) -> None:
    touch(tmp_path / "in" / "a.png", tmp_path / "in" / "a_1.png", tmp_path / "out" / "a.png")
    made = plan(tmp_path / "in", output=tmp_path / "out", existing="rename")
    assert names(made, tmp_path) == {"in/a.png": "out/a_2.png", "in/a_1.png": "out/a_1.png"}


@pytest.mark.parametrize("existing", ["error", "skip", "overwrite"])
def test_an_input_is_never_overwritten(tmp_path: Path, existing: Existing) -> None:
    touch(tmp_path / "a.png", tmp_path / "deep" / "a.png")
    with pytest.raises(ConfigError, match="an input, which its result would overwrite"):
        plan(tmp_path / "a.png", output=tmp_path / "a.png", existing=existing)
    with pytest.raises(ConfigError, match="an input, which its result would overwrite"):
        # `a.png` would go to `deep`, where another input has its name.
        plan(
            tmp_path / "a.png",
            tmp_path / "deep" / "a.png",
            output=tmp_path / "deep",
            existing=existing,
        )


def test_an_input_is_recognised_through_links(tmp_path: Path) -> None:
    touch(tmp_path / "in" / "a.png")
    (tmp_path / "link").symlink_to(tmp_path / "in")
    made = plan(tmp_path / "in" / "a.png", output=tmp_path / "link")
    assert [job.target.name for job in made.work] == [f"a_{TAG}.png"]
    with pytest.raises(ConfigError, match="an input"):
        plan(tmp_path / "in" / "a.png", output=tmp_path / "link" / "a.png", existing="overwrite")


def test_odd_names_stay_inside_the_output_folder(tmp_path: Path) -> None:
    odd = [
        "-o.png",
        "two\nlines.png",
        "a b.png",
        "日本.png",
        "x" * 251 + ".png",
        "...png",
        "a..png",
    ]
    touch(*(tmp_path / "in" / name for name in odd))
    (tmp_path / "in" / "loop.png").symlink_to(tmp_path / "in" / "loop.png")
    (tmp_path / "in" / "up").symlink_to(tmp_path)
    made = plan(tmp_path / "in", output=tmp_path / "out")
    visible = [name for name in odd if not name.startswith(".")]
    assert {job.target.name for job in made.work} == {*visible, "loop.png"}
    assert {job.target.parent for job in made.work} == {tmp_path / "out"}


@pytest.mark.parametrize(
    ("inputs", "output", "message"),
    [
        (["nowhere"], "out", "nowhere: no such file or folder"),
        (["in/a.png", "nowhere.png"], "out", "nowhere.png: no such file or folder"),
        (["x" * 300], "out", "no such file or folder"),
        (["empty"], "out", "empty: no images in this folder"),
        (["in"], "large.png", "large.png: the name of one image, but there are more"),
        (["in/a.png", "in/b.png"], "large.png", "the name of one image"),
        (["in/a.png"], "notes.txt", "notes.txt: a file, but a folder is needed"),
    ],
)
def test_misuse_is_refused_by_name(
    tmp_path: Path, inputs: list[str], output: str, message: str
) -> None:
    touch(tmp_path / "in" / "a.png", tmp_path / "in" / "b.png", tmp_path / "notes.txt")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigError, match=message):
        plan(*(tmp_path / name for name in inputs), output=tmp_path / output)


def test_the_format_of_an_output_file_is_in_its_name(tmp_path: Path) -> None:
    touch(tmp_path / "a.png")
    with pytest.raises(ConfigError, match="the name of a file says its format"):
        plan(tmp_path / "a.png", output=tmp_path / "b.png", format="png")


def test_relative_paths_work_from_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    touch(tmp_path / "a.png", tmp_path / "deep" / "b.png")
    monkeypatch.chdir(tmp_path)
    made = plan(Path(), output=Path("out"))
    assert {str(job.source): str(job.target) for job in made.work} == {
        "a.png": f"out{os.sep}a.png",
        f"deep{os.sep}b.png": f"out{os.sep}deep{os.sep}b.png",
    }
