"""What every proxy of the registry promises."""

import math

import numpy as np
import pytest
import torch
from PIL import Image

from surrobust.errors import InvalidArchitectureError, InvalidInputError
from surrobust.proxies import PROXIES, ProxyScorer, score_proxies
from surrobust.spaces import Architecture

SMALL = {"channels": 4, "cells_per_stage": 1, "seed": 3}
CODES = ("323133", "444444", "300000", "231011")


@pytest.fixture(scope="module")
def images():
    generator = torch.Generator().manual_seed(1)
    x = torch.rand(6, 3, 8, 8, generator=generator)
    return x, torch.tensor([0, 1, 2, 0, 1, 2])


@pytest.fixture(scope="module")
def together(images):
    return score_proxies(CODES, list(PROXIES), images, **SMALL)


def test_table_of_all(together):
    assert list(together.columns) == list(PROXIES)
    assert list(together.index) == [Architecture.parse(code).index for code in CODES]
    assert together.index.name == "index"
    values = together.to_numpy()
    assert values.dtype == np.float64
    assert not np.isinf(values).any()
    alive = together.loc[Architecture.parse("323133").index]
    assert alive.notna().all()


@pytest.mark.parametrize("name", PROXIES)
def test_alone_as_together_and_twice_the_same(name, images, together):
    cell = Architecture.parse("323133")
    alone = score_proxies([cell], [name], images, **SMALL)
    again = score_proxies([cell], [name], images, **SMALL)
    assert alone.equals(again)
    assert alone.iloc[0, 0] == pytest.approx(together.loc[cell.index, name], rel=1e-4)


@pytest.mark.parametrize("name", PROXIES)
def test_a_cell_that_computes_nothing_is_no_error(name, images):
    value = score_proxies(["000000"], [name], images, **SMALL).iloc[0, 0]
    assert isinstance(value, float)
    assert not math.isinf(value)


CUT_OFF = ("043424", "033113", "020302", "300103", "000104", "144100", "404230")
"""Convolutions of zeros, convolutions that nothing reads, skips and pools; the input passes."""

SHUT = ("000000", "300000", "300002", "014010", "002002", "313000", "000034")
"""The input does not pass."""

COMPARING = {"jacov", "epe_nas", "zen", "croze", "nwot"}


@pytest.mark.parametrize("name", PROXIES)
def test_every_kind_of_cut_off_edge_has_a_value_unless_nothing_passes(name, images):
    table = score_proxies([*CUT_OFF, *SHUT], [name], images, **SMALL)[name].to_numpy()
    assert np.isfinite(table[: len(CUT_OFF)]).all()
    if name in COMPARING - {"nwot"}:
        assert np.isnan(table[len(CUT_OFF) :]).all()
    elif name not in COMPARING:
        assert np.isfinite(table[len(CUT_OFF) :]).all()


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


def test_the_random_state_and_the_images_are_left_alone(images):
    x, y = images[0].clone(), images[1].clone()
    before, dtype = torch.get_rng_state(), torch.get_default_dtype()
    np_before = np.random.get_state()[1].copy()  # noqa: NPY002
    score_proxies(["323133"], list(PROXIES), images, **SMALL)
    assert torch.equal(before, torch.get_rng_state())
    assert np.array_equal(np_before, np.random.get_state()[1])  # noqa: NPY002
    assert torch.get_default_dtype() == dtype
    assert torch.is_grad_enabled()
    assert torch.equal(x, images[0])
    assert torch.equal(y, images[1])
    assert images[0].grad is None


def test_scores_depend_on_the_seed_and_not_on_the_neighbours(images):
    options = {**SMALL, "seed": 4}
    one = score_proxies(["323133", "333333"], ["synflow"], images, **SMALL)
    turned = score_proxies(["333333", "323133"], ["synflow"], images, **SMALL)
    other = score_proxies(["323133"], ["synflow"], images, **options)
    assert one.sort_index().equals(turned.sort_index())
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


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_the_callers_mode_changes_nothing(images, together, mode):
    with mode():
        given = tuple(part.clone() for part in images)
        found = score_proxies(CODES, list(PROXIES), given, **SMALL)
    assert found.equals(together)
