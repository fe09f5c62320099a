"""Downloads of the published files: checked by sha256, moved into place only when right."""

import logging
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from urllib.parse import quote

from .._checks import brief
from .._files import sha256, temporary_folder, write_bytes
from .._places import cache_dir, exists, expand, is_folder
from .._sources import Source, list_archives, list_sources, locate_in, read_verified
from ..errors import ChecksumError, InvalidInputError
from ..typing import AnyPath
from .receiving import receive

DownloadProgress = Callable[[Source, int, int], None]
"""Called with the file, the bytes done and the bytes in all; these are equal once, when the file
is verified and in its place."""

_RETRIES = 2

logger = logging.getLogger(__name__)


def fetch(
    names: Iterable[str] | str | None = None,
    *,
    data_dir: AnyPath | None = None,
    mirror: AnyPath | None = None,
    progress: DownloadProgress | None = None,
) -> list[Path]:
    """Download published files and return where they are.

    What is there already, unchanged, is left as it is; what is there with another checksum is
    replaced. A download goes to a temporary name and is moved into place after its sha256 was
    found right, so that an interrupted or corrupted one leaves nothing that is later believed.

    Args:
        names: Tables (``jung2023``, ``zero-cost-proxies``, ...), image sets (``cifar10``) or file
            names; None is the files of all tables, but no images, which are large.
        data_dir: Where to put them; None is the per-user cache.
        mirror: Another base address: an http(s) URL, below which the files lie in their
            published sub-folders, or a local folder, with or without the sub-folders.
        progress: Called while a file arrives.

    Raises:
        InvalidInputError: If a name or the mirror is not what was expected, or the mirror has no
            such file.
        ChecksumError: If what arrived is not what was published.
        ConnectionError: If the server did not answer, or not with the file.
    """
    wanted = _select(names)
    folder = cache_dir() if data_dir is None else expand(data_dir)
    if exists(folder) and not is_folder(folder):
        msg = f"data_dir: expected a folder, got {folder}"
        raise InvalidInputError(msg)
    bring = _bringer(mirror)
    return [_ensure(source, folder, bring, progress) for source in wanted]


def _select(names: Iterable[str] | str | None) -> list[Source]:
    if names is None:
        return list(list_sources())
    sources = (*list_sources(), *list_archives())
    given = [names] if isinstance(names, str) else list(names)
    known = {source.name: {source} for source in sources}
    for source in sources:
        for table in source.used_by:
            known.setdefault(table, set()).add(source)
    for name in given:
        if not isinstance(name, str) or name not in known:
            got = brief(masked(name) if isinstance(name, str) else name)
            msg = f"names: expected some of {', '.join(known)}; got {got}"
            raise InvalidInputError(msg)
    return [source for source in sources if any(source in known[name] for name in given)]


_Bringer = Callable[[Source, Path, DownloadProgress | None], None]
"""Puts a file into its place in a folder, or raises and leaves the folder as it was."""


def _bringer(mirror: AnyPath | None) -> _Bringer:
    text = None if mirror is None else str(mirror)
    if text is None:
        return lambda source, folder, progress: _download(source.url, source, folder, progress)
    if text.lower().startswith(("http://", "https://")):
        base = text.rstrip("/")
        return lambda source, folder, progress: _download(
            f"{base}/{quote(source.path)}", source, folder, progress
        )
    place = expand(text)
    if not text or not is_folder(place):
        msg = f"mirror: expected an http(s) URL or a folder, got {brief(masked(text))}"
        raise InvalidInputError(msg)
    return lambda source, folder, _: _copy(place, source, folder)


def _ensure(
    source: Source, folder: Path, bring: _Bringer, progress: DownloadProgress | None
) -> Path:
    found = locate_in(source, folder)
    if found is not None and sha256(found) == source.sha256:
        logger.info("%s is there already", found)
        return found
    bring(source, folder, progress)
    if progress is not None:
        progress(source, source.bytes, source.bytes)
    return folder / source.path


def _copy(place: Path, source: Source, folder: Path) -> None:
    found = locate_in(source, place)
    if found is None:
        msg = f"mirror: expected {source.path} in {place}, got no such file"
        raise InvalidInputError(msg)
    write_bytes(folder / source.path, read_verified(source, found))


def _download(url: str, source: Source, folder: Path, progress: DownloadProgress | None) -> None:
    with temporary_folder(folder / source.path) as place:
        _download_into(place, url, source, progress)
        # By one rename on one file system: the file is there verified, or not at all.
        (place / source.path).replace(folder / source.path)


def _download_into(
    place: Path, url: str, source: Source, progress: DownloadProgress | None
) -> None:
    import pooch
    from requests.exceptions import InvalidURL, RequestException

    def write(url: str, output: str, _: Any) -> None:
        done = 0
        with Path(output).open("wb") as file:
            for part in receive(url, source.bytes):
                file.write(part)
                done += len(part)
                if progress is not None:  # short of all: the file is not verified yet
                    progress(source, min(done, source.bytes - 1), source.bytes)

    pooch.get_logger().setLevel(logging.WARNING)
    registry = pooch.create(
        path=place,
        base_url="",
        registry={source.path: f"sha256:{source.sha256}"},
        urls={source.path: url},
        retry_if_failed=_RETRIES,
    )
    name = masked(url)
    try:
        registry.fetch(source.path, downloader=write)
    except RequestException as error:
        status = 0 if error.response is None else error.response.status_code
        # Of the publisher's own address it is the server's fault; a mirror was named by the caller.
        if isinstance(error, InvalidURL) or (url != source.url and 400 <= status < 500):
            msg = f"mirror: expected {source.path} at {name}, got {_reason(error)}"
            raise InvalidInputError(msg) from None
        msg = f"{name}: expected {source.name}, got {_reason(error)}"
        raise ConnectionError(msg) from None
    except (ChecksumError, ConnectionError) as error:
        error.args = (f"{name}: {error}",)
        raise
    except ValueError as error:  # pooch's answer to another checksum
        # A ValueError as well: of a host's name that cannot be written in ASCII.
        if isinstance(error, UnicodeError):
            msg = f"mirror: expected an http(s) URL, got {brief(name)}"
            raise InvalidInputError(msg) from None
        msg = f"{name}: expected a file of sha256 {source.sha256}, got another; nothing was kept"
        raise ChecksumError(msg) from None


def masked(text: str) -> str:
    """Return a URL, or what was meant as one, without the user and password in it."""
    # Up to the last @, for a password may have one too.
    return re.sub(r"^(\w+://|//)?.*@", r"\1***@", text, flags=re.DOTALL)


def _reason(error: Any) -> str:
    response = getattr(error, "response", None)
    if response is not None:
        return f"HTTP status {response.status_code} {response.reason}".rstrip()
    # urllib3 wraps what happened: the innermost text, without the address of its objects.
    inner = getattr(error.args[0], "reason", error) if error.args else error
    text = re.sub(r"<[^>]*>: |\w+\(host=.*?\): ", "", str(inner)) or type(error).__name__
    text = masked(" ".join(text.split()))[:150]
    return f"{text} (a mirror may be another address or a folder)"
