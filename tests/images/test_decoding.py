"""Helpers give what a loop gives; however they end, nothing is lost and nothing stays."""

import signal
import subprocess
import sys
import threading
import time
import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from surrobust.errors import InvalidInputError
from surrobust.images import decoding, load_images
from surrobust.images.decoding import read_image, read_images

N = 40


@pytest.fixture
def paths(tmp_path: Path) -> list[Path]:
    """Noise of several sizes and formats, in a folder whose name is no UTF-8."""
    place = tmp_path / "odd\udcff\nname"
    place.mkdir()
    rng = np.random.default_rng(5)
    found = [place / f"{i:02}.{('png', 'jpg', 'bmp')[i % 3]}" for i in range(N)]
    for i, path in enumerate(found):
        noise = rng.integers(0, 256, (5 + i % 4, 7, 3), dtype=np.uint8)
        Image.fromarray(noise).save(path)
    return found


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[subprocess.Popen[bytes]]:
    """Have three helpers from the fifth image on; the processes that were started."""
    made: list[subprocess.Popen[bytes]] = []

    class Seen(subprocess.Popen):
        def __init__(self, *args, **options) -> None:
            super().__init__(*args, **options)
            made.append(self)

    monkeypatch.setattr(decoding.subprocess, "Popen", Seen)
    monkeypatch.setattr(decoding, "_BATCH", 4)
    monkeypatch.setattr(decoding, "_PAYS", 1e-9)
    monkeypatch.setattr(decoding, "_cores", lambda: 3)
    return made


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The files that this process reads itself."""
    read: list[Path] = []

    def note(path: Path, size: int | None) -> np.ndarray:
        read.append(path)
        return read_image(path, size)

    monkeypatch.setattr(decoding, "read_image", note)
    return read


def assert_as_in_a_loop(paths: list[Path], size: int | None = None) -> None:
    expected = [read_image(path, size) for path in paths]
    got = read_images(paths, size)
    assert [image.shape for image in got] == [image.shape for image in expected]
    assert [image.tobytes() for image in got] == [image.tobytes() for image in expected]


def assert_ended(started: list[subprocess.Popen[bytes]]) -> None:
    assert len(started) == 3
    assert all(process.returncode is not None for process in started)


@pytest.mark.parametrize("size", [None, 6])
def test_helpers_give_what_a_loop_gives(paths, started, here, size) -> None:
    assert_as_in_a_loop(paths, size)
    assert here == paths[:4]  # the others were read elsewhere
    assert_ended(started)


def test_few_images_have_no_helpers(paths, started, here, monkeypatch) -> None:
    monkeypatch.setattr(decoding, "_PAYS", 1e9)
    assert_as_in_a_loop(paths)
    assert here == paths
    assert not started


def test_a_program_that_embeds_python_is_not_started(paths, started, monkeypatch) -> None:
    for name in ("/opt/blender", "", None):
        monkeypatch.setattr(sys, "executable", name)
        assert_as_in_a_loop(paths)
    assert not started


def test_the_first_broken_file_is_named_as_in_a_loop(paths, started) -> None:
    for i in (30, 17, 21):
        paths[i].write_bytes(b"not an image")
    with pytest.raises(InvalidInputError) as expected:
        read_image(paths[17], None)
    with pytest.raises(InvalidInputError) as got:
        read_images(paths, None)
    assert str(got.value) == str(expected.value)
    assert_ended(started)


def test_warnings_are_those_of_a_loop(paths, started, here) -> None:
    with Image.open(paths[9]) as noise:  # of its transparency Pillow warns when it is made RGB
        noise.quantize(8).save(paths[9], transparency=b"\0\1\2")
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        got = read_images(paths, None)
    assert len(told) == 1
    assert "Transparency" in str(told[0].message)
    assert here == [*paths[:4], paths[9]]
    assert got[9].shape == (3, 6, 7)


@pytest.mark.parametrize(
    "command",
    [
        "raise SystemExit(3)",
        "print('images and more from a site that talks', flush=True); import time; time.sleep(99)",
        "import sys; sys.stdout.buffer.write(b'images: ' + b'1' * 9)",
        "import sys; sys.stdin.close(); import time; time.sleep(0.5)",
    ],
    ids=["ends", "talks", "is cut off", "does not listen"],
)
def test_what_helpers_do_not_answer_is_read_here(
    paths, started, here, monkeypatch, command: str
) -> None:
    monkeypatch.setattr(decoding, "_COMMAND", command)
    assert_as_in_a_loop(paths)
    assert here == paths
    assert_ended(started)


def test_helpers_that_cannot_be_started(paths, started, monkeypatch, caplog) -> None:
    make = decoding.subprocess.Popen

    def refuse(*args, **options):
        if started:
            raise OSError(11, "no more processes")
        return make(*args, **options)

    monkeypatch.setattr(decoding.subprocess, "Popen", refuse)
    with caplog.at_level("INFO"):
        assert_as_in_a_loop(paths)
        assert_as_in_a_loop(paths)
    assert "1 of 3 helpers started" in caplog.text
    assert started[0].returncode is not None
    assert "0 of 3 helpers started" in caplog.text


@pytest.mark.timeout(60)
def test_an_interrupt_does_not_wait_for_helpers(paths, started, monkeypatch) -> None:
    monkeypatch.setattr(decoding, "_COMMAND", "import time; time.sleep(999)")
    main = threading.main_thread().ident
    assert main is not None
    # A shell lets what it runs in the background ignore interrupts.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    timer = threading.Timer(0.5, signal.pthread_kill, (main, signal.SIGINT))
    timer.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            read_images(paths, None)
    finally:
        signal.signal(signal.SIGINT, before)
    assert_ended(started)


def test_helpers_find_what_only_this_process_finds(
    paths, started, here, tmp_path: Path, monkeypatch
) -> None:
    (tmp_path / "only_here.py").write_text(f"from {decoding.__name__} import serve")
    monkeypatch.syspath_prepend(tmp_path)
    command = decoding._COMMAND.replace(decoding.__name__, "only_here")
    monkeypatch.setattr(decoding, "_COMMAND", command)
    assert_as_in_a_loop(paths)
    assert here == paths[:4]


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="there is no /proc here")
def test_helpers_end_with_a_caller_that_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "caller.py"
    script.write_text(
        "import time\n"
        "from surrobust.images import decoding\n"
        "helper = decoding._Helper(None)\n"
        "print(helper._process.pid, flush=True)\n"
        "time.sleep(99)\n"
    )
    root = str(Path(decoding.__file__).parents[2])
    command = [sys.executable, "-c", f"import sys; sys.path.insert(0, {root!r})\n"]
    command[-1] += f"exec(open({str(script)!r}).read())"
    with subprocess.Popen(command, stdout=subprocess.PIPE) as caller:
        assert caller.stdout is not None
        helper = Path("/proc") / caller.stdout.readline().decode().strip()
        assert helper.exists()
        caller.kill()
    for _ in range(300):
        if not _lives(helper):
            return
        time.sleep(0.1)
    pytest.fail("the helper lives on")


def _lives(process: Path) -> bool:
    try:
        return ") Z " not in (process / "stat").read_text()
    except OSError:
        return False


def test_a_script_without_a_main_guard_from_a_daemonic_process(
    paths, tmp_path: Path, monkeypatch
) -> None:
    """Its lines run once, and helpers are none of multiprocessing's children."""
    root = Path(decoding.__file__).parents[2]
    script = tmp_path / "plain.py"
    script.write_text(
        f"import os, sys\nsys.path.insert(0, {str(root)!r})\n"
        "import multiprocessing\n"
        "multiprocessing.current_process()._config['daemon'] = True\n"
        "from pathlib import Path\n"
        "from surrobust.images import decoding\n"
        "decoding._BATCH, decoding._PAYS, decoding._cores = 4, 1e-9, lambda: 2\n"
        "real, here = decoding.read_image, []\n"
        "decoding.read_image = lambda *a: here.append(a) or real(*a)\n"
        "paths = sorted(Path(os.fsdecode(sys.argv[1])).iterdir())\n"
        "print(len(decoding.read_images(paths, None)), len(here))\n"
    )
    command = [sys.executable, str(script), str(paths[0].parent)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=True)
    assert done.stdout == f"{N} 4\n"
    assert not done.stderr


def test_other_sizes_are_refused_as_in_a_loop(tmp_path: Path, started, monkeypatch) -> None:
    for name in ("cat", "dog"):
        (tmp_path / name).mkdir()
        for i in range(10):
            Image.new("RGB", (8, 8)).save(tmp_path / name / f"{i}.png")
    for i in (5, 3):
        Image.new("RGB", (9, 4)).save(tmp_path / "dog" / f"{i}.png")
    with pytest.raises(InvalidInputError) as got:
        load_images(tmp_path)
    assert_ended(started)
    monkeypatch.setattr(decoding, "_cores", lambda: 1)
    with pytest.raises(InvalidInputError) as expected:
        load_images(tmp_path)
    assert str(got.value) == str(expected.value)
    assert str(got.value).endswith(
        "3.png: expected 8 x 8 pixels as in 0.png, got 9 x 4 (image_size makes them equal)"
    )
