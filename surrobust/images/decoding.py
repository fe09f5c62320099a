"""Image files decoded on all cores, by helper processes.

Pillow holds the interpreter's lock for most of a small image, so that threads are slower than a
loop. ``multiprocessing`` would import the caller's script once more (spawn), copy a process that
has threads or CUDA (fork), and may not be used by daemonic workers. A helper is therefore a plain
interpreter: it reads paths from a file and writes pixels to a pipe, and nothing is unpickled.
Whatever a helper does not answer, the caller reads itself, in the order of the list; errors and
warnings are therefore those of a loop.
"""

import logging
import os
import struct
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from .._checks import brief
from ..errors import InvalidInputError
from .resizing import to_array

logger = logging.getLogger(__name__)

_PROBE = 64
"""So many files are read in a loop first, to tell how long the others would take."""

_PAYS = 0.25
"""Seconds of decoding that pay for a helper, which takes 0.1 s to start."""

_MOST = 16
"""Helpers at most: taking an image from a pipe costs about a sixteenth of decoding one."""

_COMMAND = (
    "import sys; size = int(sys.argv[1]); sys.path[:] = sys.argv[2:]; "
    f"from {__name__} import serve; serve(size or None)"
)
_HEADER = struct.Struct("<4sII")
_MARK = b"SRB1"


def read_images(paths: Sequence[Path], size: int | None) -> list[npt.NDArray[np.uint8]]:
    """Return images as ``(3, h, w)`` uint8, read on all cores where that is sooner done.

    Args:
        paths: The files.
        size: Height and width to which they are brought; None leaves them.

    Raises:
        InvalidInputError: If a file is not an image; the message names the first such.
    """
    Image.preinit()  # not to be timed
    start = time.perf_counter()
    images = [read_image(path, size) for path in paths[:_PROBE]]
    rest = paths[_PROBE:]
    seconds = (time.perf_counter() - start) * len(rest) / _PROBE
    count = min(_cores(), _MOST, int(seconds / _PAYS))
    if count < 2 or not _is_python(sys.executable):
        return images + [read_image(path, size) for path in rest]
    with _helpers(rest, size, count) as helpers:
        for i, path in enumerate(rest):
            image = helpers[i % count].take() if i % count < len(helpers) else None
            images.append(read_image(path, size) if image is None else image)
    return images


def read_image(path: Path, size: int | None) -> npt.NDArray[np.uint8]:
    """Return one image as ``(3, h, w)`` uint8.

    Raises:
        InvalidInputError: If the file is not an image.
    """
    try:
        with Image.open(path) as picture:
            return to_array(picture, size)
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        msg = f"{path}: expected a readable image, got {brief(str(error))}"
        raise InvalidInputError(msg) from None


def serve(size: int | None) -> None:
    """Be a helper: answer the paths on stdin with a header and pixels each on stdout."""
    warnings.simplefilter("error")
    for path in sys.stdin.buffer.read().split(b"\0"):
        try:
            image = read_image(Path(os.fsdecode(path)), size)
        except Exception:
            # Errors and warnings are the caller's to tell: it reads this file once more.
            sys.stdout.buffer.write(_HEADER.pack(_MARK, 0, 0))
        else:
            sys.stdout.buffer.write(_HEADER.pack(_MARK, *image.shape[1:]) + image.tobytes())


class _Helper:
    """A process that decodes files; it ends when its pipe is closed, as by the caller's death.

    Args:
        paths: The files, in the order in which they are taken.
        size: Height and width to which they are brought; None leaves them.

    Raises:
        OSError: If it cannot be started.
    """

    def __init__(self, paths: Sequence[Path], size: int | None) -> None:
        # The caller's path finds what the caller found; one thread each, for numpy's import too.
        command = [sys.executable, "-c", _COMMAND, str(size or 0), *map(str, sys.path)]
        one = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
        with tempfile.TemporaryFile() as file:  # not a pipe: nobody must feed it
            file.write(b"\0".join(os.fsencode(path) for path in paths))
            file.seek(0)
            self._process = subprocess.Popen(
                command,
                stdin=file,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=os.environ | one,
            )
        assert self._process.stdout is not None
        self._answers = self._process.stdout
        self._is_sound = True

    def take(self) -> npt.NDArray[np.uint8] | None:
        """Return the next image; None if the helper did not read it, or is no more."""
        header = self._read(_HEADER.size)
        if len(header) < _HEADER.size or not header.startswith(_MARK):
            self._is_sound = False  # ended, or something else wrote to its stdout
            return None
        _, height, width = _HEADER.unpack(header)
        pixels = self._read(3 * height * width)
        if not pixels or len(pixels) < 3 * height * width:
            return None
        return np.frombuffer(pixels, dtype=np.uint8).reshape(3, height, width)

    def _read(self, n: int) -> bytes:
        return self._answers.read(n) if self._is_sound else b""

    def end(self) -> None:
        """End it now, whatever it does."""
        self._process.kill()
        self._answers.close()
        self._process.wait()


@contextmanager
def _helpers(paths: Sequence[Path], size: int | None, count: int) -> Iterator[list[_Helper]]:
    """Give as many helpers as can be started, each with every ``count``-th file.

    They take turns, so that their pipes hold what comes next and no thread has to empty them.
    """
    started: list[_Helper] = []
    try:
        try:
            for k in range(count):
                started.append(_Helper(paths[k::count], size))
        except OSError as error:
            logger.info("images: %d of %d helpers started: %s", len(started), count, error)
        yield started
    finally:
        for helper in started:
            helper.end()


def _cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _is_python(executable: str | None) -> bool:
    """Tell whether ``sys.executable`` is an interpreter, not a program that embeds one."""
    return "python" in Path(executable or "").name.lower()
