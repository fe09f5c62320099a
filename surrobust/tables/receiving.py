"""What a server sends: no more bytes than are expected, in a time that grows with them."""

import gzip
import time
import zlib
from collections.abc import Iterator
from queue import Empty, SimpleQueue
from threading import Event, Thread

from ..errors import ChecksumError

_CHUNK = 65536
# Of requests, from one packet to the next: it has no end for an answer as a whole.
_SILENCE_SECONDS = 30.0
_GRACE_SECONDS = 60.0
# A table of 4 MB may take five minutes by it, CIFAR's archive of 170 MB three hours.
_SLOWEST = 16384
"""Bytes a second below which a server is given up, after the grace."""


def receive(url: str, size: int) -> Iterator[bytes]:
    """Yield what a server sends, in parts.

    A thread waits for the server: sent byte by byte, even an answer's headers may take for ever.

    Args:
        url: An http(s) address.
        size: How many bytes are expected.

    Raises:
        ChecksumError: As soon as more came.
        ConnectionError: If they have not come in a minute and at 16 kB a second.
        requests.RequestException: If the server did not answer, or not with all of it.
    """
    arrived: SimpleQueue[bytes | Exception] = SimpleQueue()
    given_up = Event()
    # Not waited for at the end of the process, as those of a pool are.
    # One byte more tells that there are more.
    Thread(target=_read, args=(url, size + 1, arrived, given_up), daemon=True).start()
    seconds = _GRACE_SECONDS + size / _SLOWEST
    end, done = time.monotonic() + seconds, 0
    try:
        while part := _next(arrived, end):
            done += len(part)
            if done > size:
                msg = f"expected {size} bytes, got more; nothing was kept"
                raise ChecksumError(msg)
            yield part
    except Empty:
        msg = f"expected {size} bytes in {seconds:.0f} seconds, got {done}; nothing was kept"
        raise ConnectionError(msg) from None
    finally:
        given_up.set()


def _next(arrived: SimpleQueue[bytes | Exception], end: float) -> bytes:
    part = arrived.get(timeout=max(0.0, end - time.monotonic()))
    if isinstance(part, Exception):
        raise part
    return part


def _read(url: str, most: int, arrived: SimpleQueue[bytes | Exception], given_up: Event) -> None:
    """Put what a server sends into a queue, at last an error or nothing."""
    import requests
    from urllib3.exceptions import HTTPError

    try:
        # Packed by the server, the bytes would not be as many as were published.
        with requests.get(
            url, stream=True, timeout=_SILENCE_SECONDS, headers={"Accept-Encoding": "identity"}
        ) as answer:
            answer.raise_for_status()
            # Requests inflates a part whole, to a thousand times its size or more.
            packed = answer.headers.get("Content-Encoding") == "gzip"
            body = gzip.GzipFile(fileobj=answer.raw) if packed else answer.raw
            # read1 gives what has come; read would wait for a whole part, blind to given_up.
            while most and not given_up.is_set() and (part := body.read1(min(most, _CHUNK))):
                most -= len(part)
                arrived.put(part)
        arrived.put(b"")
    except HTTPError as error:
        arrived.put(requests.ConnectionError(error))
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        arrived.put(requests.exceptions.ContentDecodingError(error))
    except Exception as error:  # whatever it is: the reader would wait on
        arrived.put(error)
