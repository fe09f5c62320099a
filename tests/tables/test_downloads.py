"""Downloads from a server on this machine that behaves, and one that does not."""

import gzip
import hashlib
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from surrobust.errors import ChecksumError, InvalidInputError
from surrobust.tables import Source, fetch

FIRST, SECOND = b"first " * 20_000, b"second"
Answer = Callable[[BaseHTTPRequestHandler], None]


class _Handler(BaseHTTPRequestHandler):
    server: "_Server"

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        answers = self.server.answers.get(self.path)
        if not answers:
            self.send_error(404)
            return
        (answers.pop(0) if len(answers) > 1 else answers[0])(self)

    def log_message(self, format: str, *args: object) -> None:
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    answers: dict[str, list[Answer]]
    asked: list[str]

    def handle_error(self, *args: object) -> None:
        pass


def whole(content: bytes) -> Answer:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        request.wfile.write(content)

    return answer


def broken(content: bytes, promised: int) -> Answer:
    """Send less than was promised, then drop the connection."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Content-Length", str(promised))
        request.end_headers()
        request.wfile.write(content)
        request.wfile.flush()
        request.close_connection = True

    return answer


def without_length(content: bytes) -> Answer:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.end_headers()
        request.wfile.write(content)

    return answer


def compressed(content: bytes) -> Answer:
    def answer(request: BaseHTTPRequestHandler) -> None:
        packed = gzip.compress(content)
        request.send_response(200)
        request.send_header("Content-Encoding", "gzip")
        request.send_header("Content-Length", str(len(packed)))
        request.end_headers()
        request.wfile.write(packed)

    return answer


def bomb(request: BaseHTTPRequestHandler) -> None:
    """Send a thousand times what was expected, in a thousandth of the bytes."""
    compressed(bytes(1000 * len(FIRST)))(request)


def without_end(request: BaseHTTPRequestHandler) -> None:
    """Send until nobody takes it."""
    request.send_response(200)
    request.end_headers()
    with suppress(OSError):
        while True:
            request.wfile.write(bytes(65536))


def damaged_gzip(request: BaseHTTPRequestHandler) -> None:
    request.send_response(200)
    request.send_header("Content-Encoding", "gzip")
    request.end_headers()
    request.wfile.write(gzip.compress(FIRST)[:-20])


def redirected(address: str) -> Answer:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(302)
        request.send_header("Location", address)
        request.end_headers()

    return answer


def hang_up(request: BaseHTTPRequestHandler) -> None:
    request.close_connection = True


def status(code: int) -> Answer:
    return lambda request: request.send_error(code)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[_Server]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    server = _Server(("127.0.0.1", 0), _Handler)
    server.answers = {"/up/a/first.txt": [whole(FIRST)], "/up/b/second.txt": [whole(SECOND)]}
    server.asked = []
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def base(server: _Server) -> str:
    return f"http://127.0.0.1:{server.server_port}"


@pytest.fixture(autouse=True)
def sources(monkeypatch: pytest.MonkeyPatch, base: str) -> tuple[Source, ...]:
    """Two small published files, tried once."""
    made = tuple(
        Source(
            path=path,
            used_by=used_by,
            url=f"{base}/up/{path}",
            sha256=hashlib.sha256(content).hexdigest(),
            bytes=len(content),
            licence="MIT",
            citation="c",
        )
        for path, used_by, content in (
            ("a/first.txt", ("one", "both"), FIRST),
            ("b/second.txt", ("both",), SECOND),
        )
    )
    monkeypatch.setattr("surrobust.tables.downloads.list_sources", lambda: made)
    monkeypatch.setattr("surrobust.tables.downloads._RETRIES", 0)
    return made


def _files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_all_files_go_into_their_published_folders(tmp_path):
    paths = fetch(data_dir=tmp_path)
    assert paths == [tmp_path / "a/first.txt", tmp_path / "b/second.txt"]
    assert _files(tmp_path) == {"a/first.txt": FIRST, "b/second.txt": SECOND}


def test_without_a_folder_they_go_into_the_cache(nowhere, monkeypatch, tmp_path):
    monkeypatch.setenv("SURROBUST_DATA", str(tmp_path / "named"))
    fetch("one")
    assert _files(nowhere) == {"a/first.txt": FIRST}
    assert not (tmp_path / "named").exists()


@pytest.mark.parametrize(
    ("names", "expected"),
    [("one", 1), (["one"], 1), (["second.txt"], 1), (["both"], 2), (["both", "one"], 2), ([], 0)],
)
def test_names_are_tables_or_files(names, expected, tmp_path):
    assert len(fetch(names, data_dir=tmp_path)) == expected


@pytest.mark.parametrize("names", ["three", ["one", "three"], [3], [None], [""]])
def test_an_unknown_name_is_refused_before_anything_is_fetched(names, tmp_path, server):
    with pytest.raises(InvalidInputError, match=r"names: expected some of first.txt, second.txt"):
        fetch(names, data_dir=tmp_path)
    assert server.asked == []


def test_what_is_there_is_not_fetched_again(tmp_path, server):
    fetch(data_dir=tmp_path)
    (tmp_path / "a/first.txt").rename(tmp_path / "first.txt")  # without sub-folders, too
    server.asked.clear()
    assert fetch(data_dir=tmp_path) == [tmp_path / "first.txt", tmp_path / "b/second.txt"]
    assert server.asked == []


@pytest.mark.parametrize("damage", [b"", FIRST[:100], FIRST + b"x", b"something else"])
def test_a_damaged_file_is_replaced(damage, tmp_path, server):
    fetch(data_dir=tmp_path)
    (tmp_path / "a/first.txt").write_bytes(damage)
    server.asked.clear()
    fetch(data_dir=tmp_path)
    assert server.asked == ["/up/a/first.txt"]
    assert _files(tmp_path) == {"a/first.txt": FIRST, "b/second.txt": SECOND}


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (broken(FIRST[:100], len(FIRST)), ConnectionError),
        (broken(FIRST[:-1], len(FIRST)), ConnectionError),
        (broken(b"", len(FIRST)), ConnectionError),
        (hang_up, ConnectionError),
        (status(404), ConnectionError),
        (status(500), ConnectionError),
        (whole(FIRST[:100]), ChecksumError),
        (whole(b""), ChecksumError),
        (whole(FIRST[:-1] + b"?"), ChecksumError),
        (whole(b"<html>please log in</html>"), ChecksumError),
        (broken(FIRST, len(FIRST) - 6), ChecksumError),
        (without_length(FIRST[:100]), ChecksumError),
        (compressed(FIRST[:100]), ChecksumError),
        (damaged_gzip, ConnectionError),
        (whole(FIRST + b"x"), ChecksumError),
        (bomb, ChecksumError),
        (without_end, ChecksumError),
        (redirected("file:///etc/hostname"), ConnectionError),
    ],
)
@pytest.mark.parametrize("before", [None, b"damaged before"])
def test_a_failed_download_leaves_nothing_that_is_believed(answer, error, before, tmp_path, server):
    if before is not None:
        (tmp_path / "a").mkdir()
        (tmp_path / "a/first.txt").write_bytes(before)
    server.answers["/up/a/first.txt"] = [answer]
    with pytest.raises(error) as caught:
        fetch("one", data_dir=tmp_path)
    assert "\n" not in str(caught.value)
    assert "first.txt" in str(caught.value)
    assert _files(tmp_path) == ({} if before is None else {"a/first.txt": before})
    server.answers["/up/a/first.txt"] = [whole(FIRST)]
    fetch("one", data_dir=tmp_path)
    assert _files(tmp_path) == {"a/first.txt": FIRST}


@pytest.mark.parametrize("answer", [whole(FIRST + b"x"), bomb, without_end])
def test_what_is_longer_than_was_published_is_not_taken(answer, tmp_path, server):
    server.answers["/up/a/first.txt"] = [answer]
    told: list[int] = []
    with pytest.raises(ChecksumError, match=rf": expected {len(FIRST)} bytes, got more"):
        fetch("one", data_dir=tmp_path, progress=lambda *report: told.append(report[1]))
    assert max(told) < len(FIRST)


@pytest.mark.parametrize(
    "headers", [b"", b"HTTP/1.1 200 OK\r\nX-Name: ", b"HTTP/1.1 200 OK\r\n\r\n"]
)
def test_a_server_that_takes_too_long_is_given_up(headers, tmp_path, server, monkeypatch):
    monkeypatch.setattr("surrobust.tables.receiving._GRACE_SECONDS", 0.5)
    monkeypatch.setattr("surrobust.tables.receiving._SLOWEST", 10**6)
    over = threading.Event()

    def drip(request: BaseHTTPRequestHandler) -> None:
        request.wfile.write(headers)
        with suppress(OSError):
            while not over.wait(0.05):
                request.wfile.write(b"x")

    server.answers["/up/a/first.txt"] = [drip]
    with pytest.raises(ConnectionError, match=rf"expected {len(FIRST)} bytes in 1 seconds, got "):
        fetch("one", data_dir=tmp_path)
    over.set()
    assert _files(tmp_path) == {}
    assert len(server.asked) == 1


def test_an_interrupted_download_leaves_nothing(tmp_path):
    def interrupt(source: Source, done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch("one", data_dir=tmp_path, progress=interrupt)
    assert _files(tmp_path) == {}


def test_a_failed_attempt_is_repeated(tmp_path, server, monkeypatch):
    monkeypatch.setattr("surrobust.tables.downloads._RETRIES", 2)
    monkeypatch.setattr("time.sleep", lambda _: None)
    server.answers["/up/a/first.txt"] = [broken(FIRST[:9], 99), whole(b"wrong"), whole(FIRST)]
    fetch("one", data_dir=tmp_path)
    assert len(server.asked) == 3
    assert _files(tmp_path) == {"a/first.txt": FIRST}


@pytest.mark.parametrize("answer", [whole(FIRST), without_length(FIRST), compressed(FIRST)])
def test_progress_ends_when_the_file_is_verified(answer, tmp_path, server, sources):
    server.answers["/up/a/first.txt"] = [answer]
    told: list[tuple[Source, int, int]] = []
    fetch("one", data_dir=tmp_path, progress=lambda *report: told.append(report))
    done = [report[1] for report in told]
    assert {report[0] for report in told} == {sources[0]}
    assert {report[2] for report in told} == {len(FIRST)}
    assert done == sorted(done)
    assert len(done) >= 2
    assert [n == len(FIRST) for n in done] == [False] * (len(done) - 1) + [True]


def test_progress_never_ends_for_a_file_that_is_wrong(tmp_path, server):
    server.answers["/up/a/first.txt"] = [whole(b"x" * len(FIRST))]
    told: list[int] = []
    with pytest.raises(ChecksumError):
        fetch("one", data_dir=tmp_path, progress=lambda *report: told.append(report[1]))
    assert max(told) < len(FIRST)


def test_a_mirror_is_another_base_address(base, tmp_path, server):
    server.answers = {"/m/x/a/first.txt": [whole(FIRST)], "/m/x/b/second.txt": [whole(SECOND)]}
    for number, mirror in enumerate((f"{base}/m/x", f"{base}/m/x/")):
        fetch(data_dir=tmp_path / str(number), mirror=mirror)
    assert server.asked == 2 * ["/m/x/a/first.txt", "/m/x/b/second.txt"]


def test_a_mirror_without_the_file_is_the_callers_mistake(base, tmp_path, server):
    with pytest.raises(InvalidInputError, match=r"mirror: expected a/first.txt at .* status 404"):
        fetch("one", data_dir=tmp_path, mirror=f"{base}/elsewhere")
    server.answers["/m/a/first.txt"] = [status(503)]
    with pytest.raises(ConnectionError, match="HTTP status 503"):
        fetch("one", data_dir=tmp_path, mirror=f"{base}/m")
    assert _files(tmp_path) == {}


@pytest.mark.parametrize("flat", [True, False])
def test_a_mirror_may_be_a_folder(flat, tmp_path, server):
    place = tmp_path / "usb"
    for path, content in (("a/first.txt", FIRST), ("b/second.txt", SECOND)):
        target = place / (Path(path).name if flat else path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    told: list[int] = []
    fetch(data_dir=tmp_path / "to", mirror=place, progress=lambda *report: told.append(report[1]))
    assert _files(tmp_path / "to") == {"a/first.txt": FIRST, "b/second.txt": SECOND}
    assert told == [len(FIRST), len(SECOND)]
    assert server.asked == []


def test_a_folder_mirror_is_verified(tmp_path):
    place = tmp_path / "usb"
    place.mkdir()
    (place / "first.txt").write_bytes(FIRST[:-1])
    with pytest.raises(ChecksumError):
        fetch("one", data_dir=tmp_path / "to", mirror=str(place))
    with pytest.raises(InvalidInputError, match=r"mirror: expected b/second.txt in .*no such file"):
        fetch(["second.txt"], data_dir=tmp_path / "to", mirror=place)
    assert not (tmp_path / "to").exists()


@pytest.mark.parametrize("mirror", ["ftp://host/x", "host/x", "", "file:///x", "https//x"])
def test_what_is_no_mirror_is_refused(mirror, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InvalidInputError, match=r"mirror: expected an http\(s\) URL or a folder"):
        fetch("one", data_dir=tmp_path / "to", mirror=mirror)


@pytest.mark.parametrize("mirror", ["http://", "http://[", "http://a b/", "http://127.0.0.1:x/"])
def test_a_url_that_is_none_is_one_line(mirror, tmp_path):
    with pytest.raises(InvalidInputError, match="mirror: expected") as caught:
        fetch("one", data_dir=tmp_path / "to", mirror=mirror)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "mirror",
    [
        "http://me:secret@127.0.0.1:9",
        "http://me:se@secret@127.0.0.1:9/m",
        "http://me:my secret@127.0.0.1:9",
        "http://me:secret@[",
        "ftp://me:secret@host/m",
        "me:secret@host/m",
        "//me:secret@host",
        f"http://me:secret@{'x' * 70}/m",
    ],
)
def test_no_message_has_the_password_of_a_mirror(mirror, tmp_path, monkeypatch, caplog):
    monkeypatch.chdir(tmp_path)
    caplog.set_level("DEBUG")
    for names, given in (("one", mirror), (mirror, None)):
        with pytest.raises((InvalidInputError, ConnectionError)) as caught:
            fetch(names, data_dir=tmp_path / "to", mirror=given)
        assert "***@" in str(caught.value)
        assert "secret" not in str(caught.value)
    assert "secret" not in caplog.text


def test_where_a_mirror_redirects_to_stays_its_secret(base, tmp_path, server):
    away = base.replace("//", "//me:secret@")
    server.answers = {
        "/m/a/first.txt": [redirected(f"{away}/x")],
        "/n/a/first.txt": [redirected("ftp://me:secret@host/x")],
    }
    for mirror in ("m", "n"):
        with pytest.raises((InvalidInputError, ConnectionError)) as caught:
            fetch("one", data_dir=tmp_path, mirror=f"{base}/{mirror}")
        assert "secret" not in str(caught.value)


def test_a_server_that_is_not_there_is_one_line(tmp_path):
    with pytest.raises(ConnectionError) as caught:
        fetch("one", data_dir=tmp_path / "to", mirror="http://127.0.0.1:9")
    assert str(caught.value).startswith("http://127.0.0.1:9/a/first.txt: expected first.txt, got")
    assert "\n" not in str(caught.value)


def test_a_file_in_the_folders_place_is_refused(tmp_path):
    (tmp_path / "to").write_text("here")
    with pytest.raises(InvalidInputError, match="data_dir: expected a folder"):
        fetch("one", data_dir=tmp_path / "to")
