"""Image files decoded on all cores, by helper processes.

Pillow holds the interpreter's lock for most of a small image, so that threads are slower than a
loop. ``multiprocessing`` would import the caller's script once more (spawn), copy a process that
has threads or CUDA (fork), and may not be used by daemonic workers. A helper is therefore a plain
interpreter: it reads paths from a pipe and writes pixels to another; nothing is unpickled.
Whatever a helper does not answer, the caller reads itself, in the order of the list; errors and
warnings are therefore those of a loop.
"""

import logging
import os
import re
import struct
import subprocess
import sys
import time
import warnings
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from queue import SimpleQueue
from typing import IO

import numpy as np
import numpy.typing as npt
from PIL import Image

from .._checks import brief
from .._places import exists, is_file, is_folder
from ..errors import InvalidInputError
from .image_set import to_array

logger = logging.getLogger(__name__)

_ENDINGS = {
    "BMP": (".bmp",),
    "GIF": (".gif",),
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "PNG": (".png",),
    "PPM": (".ppm", ".pgm", ".pbm", ".pnm"),
    "TIFF": (".tif", ".tiff"),
    "WEBP": (".webp",),
}
"""File endings by the formats that are read, whatever the ending of a file says.

No others: Pillow knows formats for which it starts other programs. Of several pictures in a file
the first is read.
"""

SUFFIXES = frozenset(ending for endings in _ENDINGS.values() for ending in endings)
"""Endings of the files that are taken for images, in lower case."""

MOST_PIXELS = 2**26
"""Pixels of the largest image, 8192 x 8192: a file of a few bytes may say that it has billions.

Below Pillow's own limit, above which it warns or raises before its caller can look.
"""

_BATCH = 64
"""Files that are read in a loop first, to tell how long the others take; then asked for at once."""

_PAYS = 0.25
"""Seconds of decoding that pay for a helper, which takes 0.1 s to start."""

_MOST = 16
"""Helpers at most: taking an image from a pipe costs about a twentieth of decoding one."""

_COMMAND = (
    "import sys; size = int(sys.argv[1]); sys.path[:] = sys.argv[2:]; "
    f"from {__name__} import serve; serve(size or None)"
)
_LENGTH = struct.Struct("<I")
_MARK = b"images: "
_BUFFER = 2**16  # what a pipe holds on Linux


def read_images(paths: Sequence[Path], size: int | None) -> list[npt.NDArray[np.uint8]]:
    """Return images as ``(3, h, w)`` uint8, read on all cores where that is sooner done.

    Args:
        paths: The files.
        size: Height and width to which they are brought; None leaves them.

    Raises:
        InvalidInputError: If a file is not an image; the message names the first such.
    """
    with warnings.catch_warnings():
        # Told as an error below; once here, for each change of filters has all warnings told anew.
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        return _read_images(paths, size)


def _read_images(paths: Sequence[Path], size: int | None) -> list[npt.NDArray[np.uint8]]:
    Image.preinit()  # not to be timed
    start = time.perf_counter()
    images = [read_image(path, size) for path in paths[:_BATCH]]
    rest = paths[_BATCH:]
    seconds = (time.perf_counter() - start) * len(rest) / _BATCH
    count = min(_cores(), _MOST, int(seconds / _PAYS))
    # One helper would do what the caller does, while that waits.
    if count < 2 or not _is_python(sys.executable):
        return images + [read_image(path, size) for path in rest]
    with closing(_ask_helpers(rest, size, count)) as answers:
        for path, image in zip(rest, answers, strict=True):
            images.append(read_image(path, size) if image is None else image)
    return images


def read_image(path: Path, size: int | None) -> npt.NDArray[np.uint8]:
    """Return one image as ``(3, h, w)`` uint8.

    Raises:
        InvalidInputError: If the file is not an image.
    """
    if not is_file(path):  # a named pipe would be waited for
        msg = f"{path}: expected a readable image, got {_kind(path)}"
        raise InvalidInputError(msg)
    try:
        with Image.open(path, formats=list(_ENDINGS)) as picture:
            pixels = picture.width * picture.height
            if pixels <= MOST_PIXELS:
                return to_array(picture, size)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        # Pillow's message has the number of pixels before its limit.
        found = re.search(r"[0-9]+", str(error))
        pixels = int(found[0]) if found else MOST_PIXELS + 1
    except Exception as error:  # decoders raise what they like where a file is damaged
        got = brief(str(error) or type(error).__name__)
        msg = f"{path}: expected a readable image, got {got}"
        raise InvalidInputError(msg) from None
    msg = f"{path}: expected an image of at most {MOST_PIXELS} pixels, got {pixels}"
    raise InvalidInputError(msg)


def _kind(path: Path) -> str:
    if is_folder(path):
        return "a folder"
    return "a pipe or device" if exists(path) else "a link to nothing"


def serve(size: int | None) -> None:
    """Be a helper: answer lists of paths on stdin with headers and pixels on stdout."""
    warnings.simplefilter("error")
    asked, answers = sys.stdin.buffer, sys.stdout.buffer
    while head := asked.read(_LENGTH.size):
        paths = asked.read(*_LENGTH.unpack(head)).split(b"\0")
        images = [_try(Path(os.fsdecode(path)), size) for path in paths]
        shapes = np.array([image.shape[1:] for image in images], dtype=np.int64)
        answers.write(b"".join([_MARK, shapes.tobytes(), *(image.data for image in images)]))
        answers.flush()


def _try(path: Path, size: int | None) -> npt.NDArray[np.uint8]:
    """Return an image, an empty one if it cannot be read.

    Errors and warnings are the caller's to tell: it reads the file once more.
    """
    try:
        return read_image(path, size)
    except Exception:
        return np.empty((3, 0, 0), dtype=np.uint8)


def _ask_helpers(
    paths: Sequence[Path], size: int | None, count: int
) -> Generator[npt.NDArray[np.uint8] | None, None, None]:
    """Yield images in the order of their paths; None for one that no helper could read."""
    batches = [paths[i : i + _BATCH] for i in range(0, len(paths), _BATCH)]
    # Helpers end before the pool waits for its threads, which then find them ended.
    with ThreadPoolExecutor(count) as pool, _start(count, size) as helpers:
        if not helpers:
            yield from [None] * len(paths)
            return
        idle: SimpleQueue[_Helper] = SimpleQueue()
        for helper in helpers:
            idle.put(helper)

        def ask(batch: Sequence[Path]) -> list[npt.NDArray[np.uint8] | None]:
            helper = idle.get()
            try:
                return helper.read(batch)
            finally:
                idle.put(helper)

        for answers in pool.map(ask, batches):
            yield from answers


class _Helper:
    """A process that decodes files; it ends when its stdin does, as by the caller's death.

    Args:
        size: Height and width to which images are brought; None leaves them.

    Raises:
        OSError: If it cannot be started.
    """

    def __init__(self, size: int | None) -> None:
        # The caller's path finds what the caller found; one thread each, for numpy's import too.
        command = [sys.executable, "-c", _COMMAND, str(size or 0), *map(str, sys.path)]
        one = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=_BUFFER,
            env=os.environ | one,
        )

    def read(self, paths: Sequence[Path]) -> list[npt.NDArray[np.uint8] | None]:
        """Return images; None in the place of one that the helper could not read."""
        asked = b"\0".join(os.fsencode(path) for path in paths)
        try:
            self._stdin.write(_LENGTH.pack(len(asked)) + asked)
            self._stdin.flush()
            return self._answer(len(paths))
        except (OSError, ValueError) as error:  # it has ended, or was ended
            logger.debug("images: a helper is lost: %s", error)
            self._process.kill()
            return [None] * len(paths)

    def _answer(self, n: int) -> list[npt.NDArray[np.uint8] | None]:
        if self._stdout.read(len(_MARK)) != _MARK:
            msg = "something else wrote to its stdout"
            raise ValueError(msg)
        # Two int64 an image.
        shapes = np.frombuffer(self._stdout.read(16 * n), dtype=np.int64).reshape(n, 2)
        stops = np.cumsum(3 * shapes.prod(axis=1)).tolist()
        pixels = np.frombuffer(self._stdout.read(stops[-1]), dtype=np.uint8)
        return [
            pixels[stop - 3 * h * w : stop].reshape(3, h, w) if h * w else None
            for stop, (h, w) in zip(stops, shapes.tolist(), strict=True)
        ]

    def end(self) -> None:
        """End it now, whatever it does."""
        self._process.kill()
        self._process.wait()
        self._stdout.close()
        with suppress(OSError):  # what was not flushed
            self._stdin.close()

    @property
    def _stdin(self) -> IO[bytes]:
        assert self._process.stdin is not None
        return self._process.stdin

    @property
    def _stdout(self) -> IO[bytes]:
        assert self._process.stdout is not None
        return self._process.stdout


@contextmanager
def _start(count: int, size: int | None) -> Iterator[list[_Helper]]:
    """Give as many helpers as can be started; none outlives the block."""
    started: list[_Helper] = []
    try:
        try:
            for _ in range(count):
                started.append(_Helper(size))
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
