"""Which parameters are edges."""

import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from surrobust.sessions.studies.edges import explain, read_edge, read_ops, two_cells
from surrobust.spaces import EDGES, OPS

NNI_OPS = tuple(op.removeprefix("nor_") for op in OPS)
OURS, NNI = CategoricalDistribution(OPS), CategoricalDistribution(NNI_OPS)


@pytest.mark.parametrize("place", ["", "cell/", "model/cell/", "cell__", "a.b__", "cell."])
def test_edges_are_read_by_the_names_of_three_packages(place):
    for position, (source, target) in enumerate(EDGES):
        names = f"{source}->{target}", f"{source}_{target}", f"hp_x{position}"
        for edge in (read_edge(place + name, NNI) for name in names):
            assert (edge.place, edge.position) == (place, position)
            assert edge.choices == dict(enumerate(NNI_OPS))
        assert read_edge(place + names[0], OURS).ops == {0, 1, 2, 3, 4}


@pytest.mark.parametrize(
    ("name", "distribution", "word"),
    [
        ("lr", CategoricalDistribution(OPS), "an edge's name"),
        ("1->0", CategoricalDistribution(NNI_OPS), "an edge's name"),
        ("hp_x6", CategoricalDistribution(OPS), "an edge's name"),
        ("0->12", CategoricalDistribution((*OPS, "sep_conv_3x3")), "an edge's name"),
        ("op_0_1", CategoricalDistribution(OPS), "an edge's name"),
        ("0_1", CategoricalDistribution((*OPS, "sep_conv_3x3")), "names of ops as choices"),
        ("cell__0_1", CategoricalDistribution((0, 1, 2)), "names of ops as choices"),
        ("0_1", CategoricalDistribution((None, "none")), "names of ops as choices"),
        ("0_1", IntDistribution(0, 4), "names of ops as choices"),
        ("hp_x0", FloatDistribution(0, 1), "names of ops as choices"),
        ("lr", FloatDistribution(0, 1), None),
        ("stem", CategoricalDistribution(("conv_1x1", "conv_3x3")), None),
        ("0_1_2", IntDistribution(0, 4), None),
    ],
)
def test_what_is_no_edge_and_why(name, distribution, word):
    assert read_edge(name, distribution) is None
    told = explain(name, distribution)
    assert told is word if word is None else word in told and "\n" not in told


def test_ops_are_read_at_their_place():
    params = {"0->1": "none", "a/0_2": "conv_3x3", "a/1_2": 3, "a/2->3": "max_pool", "lr": 0.1}
    assert read_ops(params, "") == {0: 0}
    assert read_ops(params, "a/") == {1: 3}


@pytest.mark.parametrize(
    ("names", "pair"),
    [
        (["0->1", "0_2", "hp_x2", "lr"], None),
        (["a/0_1", "lr", "b/0_2"], ("a/0_1", "b/0_2")),
        (["0->1", "0->2", "0_1"], ("0->1", "0_1")),
    ],
)
def test_two_cells_have_two_places_or_an_edge_twice(names, pair):
    assert two_cells(dict.fromkeys(names, OURS)) == pair


def test_constants_belong_to_any_cell():
    constant = CategoricalDistribution(("none",))
    assert two_cells({"a/0_1": OURS, "b/0_1": constant, "0->1": constant}) is None
