"""The page as a file: its policy, its packed data, the server."""

import base64
import hashlib
import http.client
import json
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from surrobust.errors import InvalidInputError, MissingMeasurementError
from surrobust.explorer import gather, make_page, make_server, write_page
from surrobust.explorer.data import MISSING, as_base64, pack_column
from surrobust.predictors.shipped import load_predictor
from surrobust.spaces import Architecture, representatives_by_index
from surrobust.tables import load_proxy_scores

TARGET = "nas-robbench-201/cifar10/pgd-8"


def unpack(text: str, kind: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), dtype=kind)


def unpack_column(packed: dict[str, Any]) -> np.ndarray:
    levels = unpack(packed["data"], "<u2")
    values = packed["low"] + (packed["high"] - packed["low"]) * levels / (MISSING - 1)
    return np.where(levels == MISSING, np.nan, values)


def data_of(page: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page)
    assert found
    data: dict[str, Any] = json.loads(found[1])
    return data


def test_columns_come_back():
    values = np.array([0.1, np.nan, 0.48113, 0.3])
    packed = pack_column(values)
    assert unpack_column(packed) == pytest.approx(values, abs=0.39 / 131068, nan_ok=True)
    assert unpack_column(pack_column(np.array([2.0, 2.0]))).tolist() == [2.0, 2.0]
    assert np.isnan(unpack_column(pack_column(np.array([np.nan])))).all()
    assert as_base64([1, 256], "<u2") == base64.b64encode(b"\x01\x00\x00\x01").decode()


def test_the_data_are_those_of_the_package(plain_page: Path, toy_models: Path):
    data = data_of(plain_page.read_text())
    numbers = unpack(data["order"], "<u2")
    assert np.base_repr(numbers[2581], 5) == "323133"
    rows = unpack(data["rows"], "<u2")
    representatives = sorted(set(representatives_by_index()))
    assert [representatives[row] for row in rows[:500]] == list(representatives_by_index()[:500])
    assert (unpack(data["params"], "<u4")[2581], data["measured"]) == (1073466, False)
    assert [target["key"] for target in data["targets"]] == [
        "nas-robbench-201/cifar10/clean",
        TARGET,
        "jung2023/cifar10/pgd-1",
    ]
    predictor = load_predictor(toy_models / "nas-robbench-201-v1")
    cells = [0, 2581, 15624]
    lower, upper = predictor.predict_interval(cells, coverage=data["coverage"])
    expected = {"predicted": predictor.predict(cells), "lower": lower, "upper": upper}
    for name, values in expected.items():
        found = unpack_column(data["targets"][1][name])[rows[cells]]
        assert found == pytest.approx(values[:, predictor.targets.index(TARGET)], abs=2e-5)
    scores = load_proxy_scores()
    assert unpack(data["proxies"]["index"], "<u2").tolist() == scores.index.tolist()
    found = unpack(data["proxies"]["columns"]["synflow"], "<f4")
    assert found == pytest.approx(scores["synflow"].to_numpy(), rel=1e-6, nan_ok=True)


def test_the_policy_allows_nothing_but_the_pages_own_script(plain_page: Path):
    page = plain_page.read_text()
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy
    scripts = re.findall(r"<script>(.*?)</script>", page, flags=re.DOTALL)
    assert len(scripts) == 1
    digest = base64.b64encode(hashlib.sha256(scripts[0].encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in policy[1]
    assert policy[1].startswith("default-src 'none'; base-uri 'none'; form-action 'none'")
    outside = re.sub(r'<script type="application/json".*?</script>', "", page)
    assert not re.findall(r"\b(?:src|href)=|url\(|@import|https?:(?!//www\.w3\.org)", outside)
    assert "innerHTML" not in page
    assert "eval(" not in page


def test_data_cannot_end_their_element(plain_page: Path):
    data = {**data_of(plain_page.read_text()), "footer": "</script><script>alert(1)</script>"}
    page = make_page(data)
    assert data_of(page)["footer"] == data["footer"]
    assert page.count("<script") == 2


def test_without_predictors_and_tables_there_is_nothing_to_show(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("surrobust.predictors.shipped.shipped_folder", lambda _: tmp_path)
    with pytest.raises(MissingMeasurementError, match="expected a shipped predictor or a table"):
        gather(data_dir=tmp_path)


def test_a_damaged_search_is_refused(tmp_path: Path):
    (tmp_path / "search.json").write_text("{}")
    with pytest.raises(InvalidInputError, match="target: expected"):
        write_page(tmp_path / "x.html", search=tmp_path)
    assert not (tmp_path / "x.html").exists()


@contextmanager
def served(page: str) -> Iterator[Any]:
    server = make_server(page, 0)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_the_server_answers_this_machine_alone():
    with served("<p>ä</p>") as server:
        assert server.server_address[0] == "127.0.0.1"
        asked = [
            ("GET", "/", "127.0.0.1:{}", 200, "<p>ä</p>"),
            ("GET", "/", "127.0.0.1", 200, "<p>ä</p>"),  # as browsers ask a server on port 80
            ("HEAD", "/", "localhost:{}", 200, ""),
            ("HEAD", "/", "localhost", 200, ""),
            ("GET", "/../etc/passwd", "127.0.0.1:{}", 404, None),
            ("GET", "/", "evil.example:{}", 404, None),
            ("GET", "/", "evil.example", 404, None),
            ("GET", "/", "", 404, None),
            ("POST", "/", "127.0.0.1:{}", 501, None),
        ]
        for method, path, host, status, body in asked:
            connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=60)
            connection.request(method, path, headers={"Host": host.format(server.server_port)})
            answer = connection.getresponse()
            content = answer.read().decode()
            assert answer.status == status
            if body is not None:
                assert content == body
                assert answer.headers["X-Content-Type-Options"] == "nosniff"
            connection.close()


def test_a_browser_that_leaves_is_no_error(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    left = threading.Event()
    closed = ThreadingHTTPServer.shutdown_request

    def shutdown_request(self: ThreadingHTTPServer, request: Any) -> None:
        closed(self, request)
        left.set()

    monkeypatch.setattr(ThreadingHTTPServer, "shutdown_request", shutdown_request)
    with served("x" * 10**8) as server:  # more than the buffers of a connection hold
        browser = socket.create_connection(("127.0.0.1", server.server_port))
        browser.sendall(b"GET / HTTP/1.0\r\nHost: localhost:1\r\n\r\n")
        browser.recv(10)
        browser.close()
        assert left.wait(60)
    assert capfd.readouterr() == ("", "")


def test_another_error_of_the_server_is_told_in_the_log(caplog: pytest.LogCaptureFixture):
    with served("") as server:
        try:
            raise RuntimeError("a fault")
        except RuntimeError:
            server.handle_error(None, ("127.0.0.1", 1))
    assert "RuntimeError: a fault" in caplog.text


@pytest.mark.usefixtures("toy_shipped")
def test_the_command(run_cli: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    code, out, err = run_cli(["explore", "--data-dir", tmp_path, "--json"])
    assert code == 0, err
    page = tmp_path / "explorer.html"
    assert json.loads(out) == {"page": "explorer.html", "bytes": page.stat().st_size}
    assert data_of(page.read_text())["cell"] == str(Architecture.parse("323133").index)
    for more in (
        ["--out", "."],
        ["--out", "a.html", "--port", "0"],
        ["--search", "nowhere"],
        ["--port", "65536"],
    ):
        code, out, err = run_cli(["explore", "--data-dir", tmp_path, *more])
        assert (code, out, err.count("\n")) == (2, "", 1)
    assert [path.name for path in tmp_path.iterdir()] == ["explorer.html"]


def test_a_port_that_is_taken(run_cli: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("surrobust.explorer.gather", lambda **_: {})
    with make_server("", 0) as taken:
        arguments = ["explore", "--data-dir", tmp_path, "--port", str(taken.server_port)]
        code, out, err = run_cli(arguments)
    assert (code, out) == (2, "")
    assert "--port: expected a free port" in err


def test_serving_until_interrupted(
    run_cli: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def interrupted(server: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("surrobust.explorer.gather", lambda **_: {})
    monkeypatch.setattr("http.server.ThreadingHTTPServer.serve_forever", interrupted)
    code, out, err = run_cli(["explore", "--data-dir", tmp_path, "--port", "0"])
    assert code == 0
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/\n", out)
    assert err.splitlines()[-1] == "stopped"
