"""Every registered proxy obeys the published laws, and what breaks one is found."""

import itertools

import numpy as np
import pytest
import torch
from PIL import Image

from surrobust.errors import InvalidArchitectureError, InvalidInputError
from surrobust.proxies import PROXIES, ProxyScorer, score_proxies
from surrobust.proxies.saliency import Synflow
from surrobust.spaces import Architecture
from surrobust.testing import ProxyLaws
from surrobust.testing.proxies import CODES, SHUT, SMALL, few_images


@pytest.fixture(scope="module")
def images():
    return few_images()


@pytest.fixture(scope="module")
def together(images):
    return score_proxies(CODES, list(PROXIES), images, **SMALL)


class TestEvery(ProxyLaws):
    @pytest.fixture(autouse=True, params=PROXIES)
    def _named(self, request, together):
        self.name, self.table = request.param, together

    def make(self):
        return PROXIES[self.name]()

    def together(self):
        return self.table


def test_table_of_all(together):
    assert list(together.columns) == list(PROXIES)
    assert list(together.index) == [Architecture.parse(code).index for code in CODES]
    assert together.index.name == "index"
    values = together.to_numpy()
    assert values.dtype == np.float64
    assert not np.isinf(values).any()
    alive = together.loc[Architecture.parse("323133").index]
    assert alive.notna().all()


COMPARING = ("jacov", "epe_nas", "zen", "croze")


@pytest.mark.parametrize("name", PROXIES)
def test_where_nothing_passes_nothing_is_compared(name, images):
    table = score_proxies(SHUT, [name], images, **SMALL)[name]
    told = set(np.isfinite(table))
    expected = {"nwot": {True, False}} | {key: {False} for key in COMPARING}
    assert told == expected.get(name, {True})


def test_what_is_cut_off_counts_as_in_the_published_network(images):
    """Beside a cell without them: 0->1 reads the input, 2->3 zeros; nothing else changes."""
    names = ["l2_norm", "synflow", "nwot", "grad_norm", "snip", "fisher", "plain"]
    scorer = ProxyScorer(names, images, **SMALL)
    bare, more = (scorer.probe(Architecture.parse(code)) for code in ("000100", "300103"))
    shared = bare.network.state_dict()
    more.network.load_state_dict(shared, strict=False)
    found = [{p.name: p.score(one) for p in scorer.proxies} for one in (bare, more)]
    for name in ("synflow", "grad_norm", "snip", "fisher", "plain"):
        assert found[0][name] == pytest.approx(found[1][name], rel=1e-4, abs=1e-6)
    tensors = more.network.state_dict()
    added = [t.norm() for name, t in tensors.items() if name not in shared and t.ndim == 4]
    assert len(added) == 6  # two in each of three cells
    assert found[1]["l2_norm"] - found[0]["l2_norm"] == pytest.approx(float(sum(added)), rel=1e-5)
    kernels = [one.batch_pass.kernel for one in (bare, more)]
    zeros = SMALL["channels"] * (8 * 8 + 2 * 4 * 4 + 4 * 2 * 2)  # where all images agree
    by_images = kernels[1] - kernels[0] - zeros
    assert bool((by_images.diagonal() == zeros).all())
    assert bool((by_images >= 0).all())
    assert bool((by_images < zeros)[0, 1:].all())


def test_the_flow_through_what_is_shut_is_nothing(images):
    table = score_proxies(SHUT, ["synflow"], images, **SMALL)
    assert table["synflow"].tolist() == [0.0] * len(SHUT)


def test_scores_depend_on_the_seed(images):
    options = {**SMALL, "seed": 4}
    one = score_proxies(["323133"], ["synflow"], images, **SMALL)
    other = score_proxies(["323133"], ["synflow"], images, **options)
    assert one.iloc[0, 0] != other.iloc[0, 0]


def test_isomorphic_cells_have_equal_sizes(images):
    one, two = "230033", "320033"  # nodes 1 and 2 read the input only
    assert Architecture.parse(one).function_class == Architecture.parse(two).function_class
    table = score_proxies([one, two], ["params", "flops"], images, **SMALL)
    assert table.iloc[0].equals(table.iloc[1])


def test_images_by_name_and_from_a_folder(tmp_path):
    options = {**SMALL, "batch_size": 5}
    for name in ("random", "digits"):
        scorer = ProxyScorer(["nwot"], name, **options)
        assert (len(scorer.batch.y), scorer.batch.classes) == (5, 10)
        assert np.isfinite(scorer.score(Architecture.parse("323133"))["nwot"])
    rng = np.random.default_rng(0)
    for label in ("cat", "dog", "eel"):
        (tmp_path / label).mkdir()
        for number in range(3):
            pixels = rng.integers(0, 256, size=(8, 8, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / label / f"{number}.png")
    scorer = ProxyScorer(["nwot"], tmp_path, **options)
    assert (scorer.batch.x.shape, scorer.batch.classes) == ((5, 3, 8, 8), 3)
    again = ProxyScorer(["nwot"], str(tmp_path), **options)
    assert torch.equal(scorer.batch.x, again.batch.x)


def test_progress_and_lists(images):
    seen = []
    table = score_proxies(
        [2581, "333333"], "params", images, progress=lambda *told: seen.append(told), **SMALL
    )
    assert seen == [(1, 2), (2, 2)]
    assert list(table.columns) == ["params"]
    assert score_proxies([], ["params"], images, **SMALL).shape == (0, 1)


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("proxies", ["size"]),
        ("proxies", []),
        ("images", (torch.rand(3, 8, 8), torch.zeros(3))),
        ("images", (torch.full((2, 3, 8, 8), 2.0), torch.zeros(2))),
        ("images", (1, 2)),
        ("images", (torch.rand(2, 3, 8, 8), torch.tensor([0, -1]))),
        ("images", (torch.rand(2, 3, 8, 8), torch.tensor([0.0, 1.5]))),
        ("images", "nowhere"),
        ("batch_size", 1),
        ("channels", 0),
        ("cells_per_stage", "5"),
        ("device", "abacus"),
        ("seed", -1),
    ],
)
def test_mistakes_are_named(argument, value, images):
    options = {"proxies": ["params"], "images": images, argument: value}
    with pytest.raises(InvalidInputError, match=f"^{argument}: expected"):
        ProxyScorer(**options)


def test_what_is_no_architecture_is_refused(images):
    with pytest.raises(InvalidArchitectureError):
        score_proxies(["nope"], ["params"], images)


def test_several_architectures_at_a_time_score_the_same(images):
    cells, names = ["323133", 1000, "111111", 12, 2581], list(PROXIES)
    told: list[tuple[int, int]] = []
    options = {"images": images, "device": "cpu", **SMALL}
    one = score_proxies(cells, names, **options)
    several = score_proxies(
        cells, names, at_once=3, progress=lambda *counts: told.append(counts), **options
    )
    assert several.equals(one)
    assert told == [(n, 5) for n in range(1, 6)]
    with pytest.raises(InvalidInputError, match="at_once: expected an integer of at least 1"):
        score_proxies(cells, names, at_once=0, **options)


class Broken(Synflow):
    name = "broken"


class Counting(Broken):
    """Scores more with every cell."""

    def __init__(self):
        self.scored = 0

    def _score(self, probe):
        self.scored += 1
        return super()._score(probe) + self.scored


class Restless(Broken):
    """Scores otherwise each time."""

    times = itertools.count()

    def _score(self, probe):
        return super()._score(probe) + next(self.times)


class Absent(Broken):
    """Has no number where an edge is a zero."""

    def _score(self, probe):
        return np.nan if 0 in probe.architecture.ops else super()._score(probe)


class Infinite(Broken):
    """Returns what the base would have made NaN."""

    def score(self, probe):
        return np.inf if probe.architecture.code == "000000" else super().score(probe)


class Drawing(Broken):
    """Draws from torch's own generator."""

    def _score(self, probe):
        return super()._score(probe) + float(torch.rand(()))


class Painting(Broken):
    """Writes into the images that others look at next."""

    def _score(self, probe):
        probe.x[0] = 0.0
        return super()._score(probe)


@pytest.mark.parametrize(
    ("broken", "law"),
    [
        (Counting, "the_neighbours_change_nothing"),
        (Restless, "alone_as_together_and_twice_the_same"),
        (Absent, "every_kind_of_cut_off_edge_has_a_value"),
        (Infinite, "a_cell_that_computes_nothing_is_no_error"),
        (Infinite, "where_nothing_passes_there_is_a_number_or_none"),
        (Drawing, "the_random_state_and_the_images_are_left_alone"),
        (Painting, "others_score_what_they_score_without_it"),
    ],
)
def test_a_broken_proxy_is_found(broken, law):
    class Laws(ProxyLaws):
        def make(self):
            return broken()

    with torch.random.fork_rng(devices=[]), pytest.raises(AssertionError):
        getattr(Laws(), f"test_{law}")()
