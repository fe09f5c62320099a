"""The page in a real browser: every control, the address, small screens."""

import json
import threading
from pathlib import Path
from typing import Any

import pytest
from browser import Browser

from surrobust.explorer import make_server
from surrobust.predictors.shipped import load_predictor
from surrobust.spaces import EDGES, Architecture, NASBench201, count_parameters
from surrobust.tables import load_table

TARGET = "nas-robbench-201/cifar10/pgd-8"
CLEAN = "nas-robbench-201/cifar10/clean"
START = "323133"


@pytest.fixture
def page(browser: Browser, plain_page: Path) -> Browser:
    """The page without tables, just opened."""
    return opened(browser, plain_page)


@pytest.fixture
def same_page(browser: Browser, plain_page: Path) -> Browser:
    """The page without tables, as the test before left it."""
    if browser.evaluate("location.href.split('#')[0]") != plain_page.as_uri():
        return opened(browser, plain_page)
    browser.errors.clear()
    return browser


def moved(page: Browser, state: str) -> Browser:
    """Change what follows the ``#`` in the address."""
    page.evaluate(
        f"history.replaceState(null, '', {json.dumps(state)});"
        "dispatchEvent(new HashChangeEvent('hashchange'))"
    )
    return page


def opened(browser: Browser, file: Path, state: str = "") -> Browser:
    browser.open("about:blank")
    browser.resize(1280, 900)
    browser.requests.clear()
    browser.blocked.clear()
    browser.errors.clear()
    browser.open(f"{file.as_uri()}{state}")
    return browser


def cell(page: Browser) -> str:
    code = page.evaluate("document.body.dataset.cell")
    assert f"cell={code}" in page.evaluate("location.hash") or not page.evaluate("location.hash")
    return str(code)


def text(page: Browser, selector: str) -> str:
    return str(page.evaluate(f"document.querySelector({json.dumps(selector)}).textContent"))


def rows(page: Browser, selector: str) -> list[list[str]]:
    found: list[list[str]] = page.evaluate(
        f"[...document.querySelectorAll({json.dumps(selector + ' tbody tr')})]"
        ".map(row => [...row.cells].map(cell => cell.textContent))"
    )
    return found


def pixels(page: Browser, red: int, green: int, blue: int) -> int:
    """Count the pixels of the scatter that are near a colour."""
    return int(
        page.evaluate(
            "(() => { const c = document.getElementById('scatter');"
            "const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data; let n = 0;"
            f"for (let i = 0; i < d.length; i += 4) n += Math.abs(d[i] - {red}) < 12"
            f" && Math.abs(d[i + 1] - {green}) < 12 && Math.abs(d[i + 2] - {blue}) < 12;"
            "return n; })()"
        )
    )


def test_it_opens_without_a_request_or_an_error(page: Browser, plain_page: Path):
    assert cell(page) == START
    assert page.requests == [plain_page.as_uri()]
    assert page.errors == []
    assert text(page, "#notice") == ""
    facts = text(page, "#facts")
    own = Architecture.parse(START)
    for told in (str(own.index), own.genotype, f"{count_parameters(own):,}"):
        assert told in facts


def test_it_is_served_as_it_is_written(browser: Browser, plain_page: Path):
    server = make_server(plain_page.read_text(), 0)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        address = f"http://127.0.0.1:{server.server_port}/"
        browser.requests.clear()
        browser.blocked.clear()
        browser.errors.clear()
        browser.open(f"{address}#cell=012340")
        assert cell(browser) == "012340"
        sent = [url.split("#")[0] for url in browser.requests if url not in browser.blocked]
        assert (sent, browser.errors) == ([address], [])
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_the_policy_stops_requests(page: Browser, plain_page: Path):
    failed = page.evaluate("fetch('https://example.org/').then(() => 'sent', () => 'refused')")
    assert failed == "refused"
    page.evaluate(
        "new Promise(done => document.body.append(Object.assign(new Image(),"
        " {src: 'https://example.org/a.png', onerror: done})))"
    )
    page.evaluate("document.body.setAttribute('onclick', 'document.title = \"run\"')")
    page.click("h1")
    assert page.evaluate("document.title") == "surrobust explorer"
    sent = [address for address in page.requests if address not in page.blocked]
    assert sent == [plain_page.as_uri()]
    assert len(page.blocked) == len(page.requests) - 1 >= 1


@pytest.mark.parametrize("edge", range(6))
def test_a_click_changes_the_operation_of_an_edge(page: Browser, edge: int):
    page.click(f'#graph [data-edge="{edge}"] text')
    expected = f"{START[:edge]}{(int(START[edge]) + 1) % 5}{START[edge + 1 :]}"
    assert cell(page) == expected
    assert (
        page.evaluate(f"document.querySelectorAll('#edges select')[{edge}].value")
        == (expected[edge])
    )
    page.click(f'#graph [data-edge="{edge}"] text')
    assert cell(page)[edge] == str((int(START[edge]) + 2) % 5)


def test_the_keyboard_changes_operations(page: Browser):
    page.evaluate("document.querySelector('#graph [data-edge=\"0\"]').focus()")
    page.press("0")
    assert cell(page) == "023133"
    page.press("Enter")  # the focus stays on the edge that was drawn anew
    assert cell(page) == "123133"
    page.press("ArrowRight")
    page.press("4")
    assert cell(page) == "143133"
    page.press("ArrowLeft")
    page.press("ArrowLeft")
    page.press(" ")
    assert cell(page) == "143134"
    page.press("7")
    assert cell(page) == "143134"


def test_lists_change_operations(page: Browser):
    for edge in range(6):
        page.choose(f"#edges label:nth-child({edge + 1}) select", str(edge % 5))
    assert cell(page) == "012340"


def test_a_cell_is_found_by_any_of_its_names(page: Browser):
    own = Architecture.parse("012340")
    for name in (own.code, str(own.index), own.genotype, f"  {own.index} "):
        page.evaluate(f"location.hash = 'cell={START}'")
        page.evaluate(f"document.getElementById('asked').value = {json.dumps(name)}")
        page.click("#show")
        assert cell(page) == own.code
    for name in ("15625", "323135", "|none~0|", "", "<b>"):
        page.evaluate(f"document.getElementById('asked').value = {json.dumps(name)}")
        page.click("#show")
        assert cell(page) == own.code
        assert text(page, "#notice").startswith("Cell: expected an index 0 to 15624")
    page.click("#random")
    assert text(page, "#notice") == ""
    assert Architecture.parse(cell(page))


def test_predictions_are_those_of_the_predictor(page: Browser, toy_models: Path):
    predictor = load_predictor(toy_models / "nas-robbench-201-v1")
    mean = predictor.predict([START])[0]
    lower, upper = (ends[0] for ends in predictor.predict_interval([START], coverage=0.9))
    found = {row[0]: row[1:] for row in rows(page, "#values")}
    for place, key in enumerate(predictor.targets):
        told, interval = found[key.split("/")[2]]
        assert float(told) == pytest.approx(mean[place], abs=1e-4)
        ends = [float(end) for end in interval.split(" to ")]
        assert ends == pytest.approx([lower[place], upper[place]], abs=1e-4)


def test_neighbours_and_the_change_that_each_brings(page: Browser, toy_models: Path):
    predictor = load_predictor(toy_models / "nas-robbench-201-v1")
    place = predictor.targets.index(TARGET)
    page.choose("#sort", "edge")
    found = rows(page, "#neighbours")
    around = NASBench201().neighbours(Architecture.parse(START))
    values = predictor.predict([START, *around])[:, place]
    assert len(found) == 24
    for (told, change), neighbour, value in zip(found, around, values[1:], strict=True):
        edge = next(e for e in range(6) if neighbour.code[e] != START[e])
        assert told.startswith("→".join(map(str, EDGES[edge])))
        if change == "the same":
            assert neighbour.representative == Architecture.parse(START).representative
        else:
            assert float(change) == pytest.approx(value - values[0], abs=1.5e-4)
    page.choose("#sort", "gain")
    changes = [float(row[1].replace("the same", "0")) for row in rows(page, "#neighbours")]
    assert changes == sorted(changes, reverse=True)
    page.choose("#sort", "edge")
    page.click("#neighbours tbody tr:nth-child(24) button")
    assert cell(page) == around[-1].code


def test_another_target(page: Browser):
    page.choose("#target", CLEAN)
    assert page.evaluate("new URLSearchParams(location.hash.slice(1)).get('target')") == CLEAN
    assert text(page, "#values tr.chosen td") == "clean"
    page.click("#values tbody tr:nth-child(2) button")
    assert page.evaluate("document.getElementById('target').value") == TARGET
    page.evaluate("document.querySelectorAll('#values details')[1].open = true")
    page.evaluate("new Promise(done => setTimeout(done, 50))")
    assert "pgd-1" in [row[0] for row in rows(page, "#values")]


def test_the_scatter_has_axes_and_cells_to_click(page: Browser):
    page.choose("#x", "params")
    page.choose("#y", "flops")
    # The cell of six 3x3 convolutions is the largest in both: 3 % of the range from the corner.
    share = 1 - 0.03 / 1.06
    width, height = page.evaluate(
        "(c => [c.clientWidth, c.clientHeight])(document.getElementById('scatter'))"
    )
    x = 62 + share * (width - 62 - 12)
    y = height - 44 - share * (height - 12 - 44)
    page.click("#scatter", at=(x / width, y / height))
    assert cell(page) == "333333"
    address = page.evaluate("location.hash")
    assert "y=flops" in address
    page.evaluate("document.getElementById('scatter').focus()")
    page.press("ArrowLeft")
    assert cell(page) != "333333"
    assert count_parameters(Architecture.parse(cell(page))) <= count_parameters(
        Architecture.parse("333333")
    )
    page.choose("#y", "proxy|synflow")
    assert "Pareto front" in text(page, "#pointed")
    assert page.errors == []


def test_the_best_predicted_cell(page: Browser, toy_models: Path):
    predictor = load_predictor(toy_models / "nas-robbench-201-v1")
    cells = NASBench201().representatives()
    best = predictor.predict(cells)[:, predictor.targets.index(TARGET)].max()
    page.click("#best-predicted")
    found = predictor.predict([cell(page)])[0, predictor.targets.index(TARGET)]
    assert found == pytest.approx(best, abs=2e-5)
    assert page.evaluate("document.getElementById('best-measured').disabled")


@pytest.mark.parametrize("code", ["323133", "000000", "012340", "111111", "044002", "033113"])
def test_exports_are_read_by_other_programs(same_page: Browser, code: str):
    page = moved(same_page, f"#cell={code}")
    own = Architecture.parse(code)
    exported: dict[str, str] = {}
    for form in ("genotype", "json", "pytorch"):
        page.choose("#form", form)
        exported[form] = page.evaluate("document.getElementById('export').value")
    assert exported["genotype"] == own.genotype
    assert Architecture.parse(json.loads(exported["json"])) == own
    assert json.loads(exported["json"])["edges"] == own.edges
    check_pytorch(exported["pytorch"], own)


def check_pytorch(source: str, own: Architecture) -> None:
    """The exported module computes what the package's cell does with the same weights."""
    import torch

    from surrobust.networks.cell import Cell

    scope: dict[str, Any] = {}
    exec(compile(source, "exported.py", "exec"), scope)
    exported, ours = scope["Cell"](4).eval(), Cell(own, 4).eval()
    theirs = list(exported.parameters())
    weights = list(ours.parameters())
    assert [p.shape for p in theirs] == [p.shape for p in weights]
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for one, other in zip(theirs, weights, strict=True):
            one.copy_(torch.randn(one.shape, generator=generator))
            other.copy_(one)
        x = torch.randn((2, 4, 5, 5), generator=generator)
        torch.testing.assert_close(exported(x), ours(x))


def test_copying(page: Browser):
    page.click("#copy")
    page.evaluate("new Promise(done => setTimeout(done, 50))")
    assert text(page, "#copy") in ("Copy: copied", "Copy: selected")
    page.click("#copy-link")
    page.evaluate("new Promise(done => setTimeout(done, 50))")
    assert text(page, "#copy-link") in ("Copy link: copied", "Copy link: selected")


@pytest.mark.parametrize(
    ("state", "told"),
    [
        ("#cell=99999", "cell: expected an index 0 to 15624"),
        ("#cell=%E0%A4%A", "cell: expected an encoded text"),
        ("#cell=<img src=x onerror=alert(1)>", "cell: expected an index"),
        ("#target=nas/none", "target: expected the name of a target"),
        ("#x=__proto__", "x: expected a quantity"),
        ("#constructor=1", "expected cell, target, x or y, got constructor"),
        ("#junk", "expected cell, target, x or y, got junk"),
        ("#cell=" + "9" * 100000, "cell: expected an index"),
    ],
)
def test_malformed_addresses_are_refused_politely(same_page: Browser, state: str, told: str):
    page = moved(same_page, state)
    assert page.evaluate("document.body.dataset.cell") == START
    notice = text(page, "#notice")
    assert told in notice
    assert len(notice) < 400
    assert page.errors == []
    assert page.evaluate("document.querySelectorAll('img').length") == 0
    page.click('#graph [data-edge="0"] text')
    assert text(page, "#notice") == ""


def test_a_malformed_address_from_the_start(browser: Browser, plain_page: Path):
    page = opened(browser, plain_page, "#cell=99999&target=nas/none")
    assert page.evaluate("document.body.dataset.cell") == START
    notice = text(page, "#notice")
    assert "cell: expected an index" in notice
    assert "target: expected the name" in notice


def test_what_is_well_formed_in_an_address_is_kept(browser: Browser, plain_page: Path):
    page = opened(browser, plain_page, "#cell=012340&x=flops&y=nothing")
    assert page.evaluate("document.body.dataset.cell") == "012340"
    assert page.evaluate("document.getElementById('x').value") == "flops"
    assert "y: expected a quantity" in text(page, "#notice")


def test_the_address_shares_the_state_and_goes_back(browser: Browser, plain_page: Path):
    page = opened(browser, plain_page)
    page.choose("#x", "flops")
    page.choose("#target", CLEAN)
    page.click('#graph [data-edge="5"] text')
    address = page.evaluate("location.hash")
    opened(browser, plain_page, address)
    assert cell(page) == "323134"
    assert page.evaluate("document.getElementById('x').value") == "flops"
    assert page.evaluate("document.getElementById('target').value") == CLEAN
    page.click('#graph [data-edge="5"] text')
    assert cell(page) == "323130"
    page.evaluate(
        "new Promise(done => { addEventListener('popstate', () => setTimeout(done, 0),"
        " {once: true}); history.back(); })"
    )
    assert cell(page) == "323134"


@pytest.mark.parametrize("width", [320, 390, 768])
def test_small_screens_need_no_sideways_scrolling(same_page: Browser, width: int):
    page = moved(same_page, f"#cell={START}")
    page.resize(width, 800, mobile=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    tables = "[...document.querySelectorAll('#values, #neighbours, #proxies')]"
    assert page.evaluate(f"{tables}.every(place => place.scrollWidth <= place.clientWidth)")
    boxes = page.evaluate(
        "[...document.querySelectorAll('section, button, select, input, canvas, svg')]"
        ".filter(e => e.offsetParent !== null && !e.closest('table'))"
        ".map(e => e.getBoundingClientRect().right)"
    )
    assert max(boxes) <= width
    page.click('#graph [data-edge="3"] text')
    assert cell(page) == "323233"
    assert page.screenshot()[:4] == b"\x89PNG"


@pytest.mark.tables
def test_measured_values_and_the_search(browser: Browser, full_page: Path, data_dir: Path):
    page = opened(browser, full_page)
    assert cell(page) == START
    table = load_table("nas-robbench-201", data_dir=data_dir)
    found = {row[0]: row[3] for row in rows(page, "#values")}
    for metric in ("clean", "pgd-8", "autoattack-8"):
        expected = table.query(START, f"nas-robbench-201/cifar10/{metric}")
        assert float(found[metric]) == pytest.approx(expected, abs=6e-5)
    page.choose("#sort", "edge")
    around = NASBench201().neighbours(Architecture.parse(START))
    change = table.query(around[0], TARGET) - table.query(START, TARGET)
    assert float(rows(page, "#neighbours")[0][2]) == pytest.approx(change, abs=1e-4)
    page.click('#graph [data-edge="0"] text')
    page.click("#best-measured")
    assert cell(page) == START
    assert pixels(page, 21, 128, 61) > 50  # the front
    assert pixels(page, 194, 65, 12) > 50  # the search
    devices = "[...document.querySelectorAll('#values details')].at(-1)"
    page.evaluate(f"{devices}.open = true")
    page.evaluate("new Promise(done => setTimeout(done, 50))")
    hardware = load_table("hw-nas-bench", data_dir=data_dir)
    latency = {row[0]: row[3] for row in rows(page, "#values")}["fpga-latency"]
    expected = hardware.query(START, "hw-nas-bench/cifar10/fpga-latency")
    assert float(latency) == pytest.approx(expected, rel=1e-3)
    page.choose("#target", "hw-nas-bench/cifar10/fpga-latency")
    page.click("#best-measured")
    best = hardware.best("hw-nas-bench/cifar10/fpga-latency")[1]
    found_best = hardware.query(cell(page), "hw-nas-bench/cifar10/fpga-latency")
    assert found_best == pytest.approx(best, rel=1e-3)


def test_without_a_search_there_is_no_trajectory(page: Browser):
    assert pixels(page, 21, 128, 61) > 50
    assert pixels(page, 194, 65, 12) == 0


def test_proxy_scores_where_the_cell_was_scored(browser: Browser, plain_page: Path):
    from surrobust.tables import load_proxy_scores

    scores = load_proxy_scores()
    page = opened(browser, plain_page, f"#cell={scores.index[0]}")
    found = {row[0]: row[1] for row in rows(page, "#proxies")}
    assert found["certified_bound"] == "-4.602e+32"
    assert float(found["synflow"]) == pytest.approx(scores["synflow"].iloc[0], abs=1e-4)
    unscored = next(
        i
        for i in range(6466)
        if Architecture.parse(i).representative.index not in set(scores.index)
    )
    opened(browser, plain_page, f"#cell={unscored}")
    assert text(page, "#proxies").startswith("Not scored")
