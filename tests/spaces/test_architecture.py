"""Written forms, the published order, and the two notions of sameness."""

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from surrobust.errors import InvalidArchitectureError
from surrobust.spaces import OPS, Architecture, NASBench201
from surrobust.spaces._forms import from_op_indices

# Facts published by others: (index, genotype), NATS-Bench's own list.
PUBLISHED = [
    (
        0,
        "|avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|"
        "+|nor_conv_1x1~0|skip_connect~1|skip_connect~2|",
    ),
    (
        1,
        "|nor_conv_3x3~0|+|nor_conv_3x3~0|avg_pool_3x3~1|"
        "+|skip_connect~0|nor_conv_3x3~1|skip_connect~2|",
    ),
    (
        6111,
        "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|"
        "+|skip_connect~0|nor_conv_3x3~1|nor_conv_1x1~2|",
    ),
]


@pytest.mark.parametrize(("index", "genotype"), PUBLISHED)
def test_published_indices(index: int, genotype: str):
    assert Architecture.parse(index).genotype == genotype
    assert Architecture.parse(genotype).index == index


@pytest.mark.parametrize(
    ("index", "code"), [(2581, "323133"), (9930, "333133"), (13714, "333123"), (50, "232312")]
)
def test_published_codes(index: int, code: str):
    assert Architecture.parse(index).code == code
    assert Architecture.parse(code).index == index


def test_naslib_worked_example():
    cell = Architecture.parse(
        "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|avg_pool_3x3~0|nor_conv_1x1~1|none~2|"
    )
    assert cell.op_indices == (2, 1, 4, 0, 3, 1)
    assert cell.edges == {
        "0->1": "nor_conv_3x3",
        "0->2": "none",
        "1->2": "skip_connect",
        "0->3": "avg_pool_3x3",
        "1->3": "nor_conv_1x1",
        "2->3": "none",
    }


def test_every_form_is_the_inverse_of_its_reader_for_all_cells(space: NASBench201):
    for index, cell in enumerate(space):
        assert cell.index == index
        assert from_op_indices(cell.op_indices) == cell.ops
        forms = [
            cell.genotype,
            cell.code,
            index,
            str(index),
            {"architecture": cell.genotype},
            {"op_indices": cell.op_indices},
            {"edges": cell.edges},
        ]
        assert all(Architecture.parse(form) == cell for form in forms)


def test_forms_of_other_tools():
    cell = Architecture.parse("323140")
    nni = {
        "0_1": "conv_3x3",
        "0_2": "conv_1x1",
        "1_2": "conv_3x3",
        "0_3": "skip_connect",
        "1_3": "avg_pool_3x3",
        "2_3": "none",
    }
    syne_tune = {f"hp_x{position}": OPS[op] for position, op in enumerate(cell.ops)}
    assert Architecture.parse(nni) == cell
    assert Architecture.parse(syne_tune) == cell
    assert Architecture.parse({"arch": cell.index, "note": "anything"}) == cell
    assert Architecture.parse(np.int64(cell.index)) == cell
    assert Architecture.parse(cell) is cell


class Structure:
    """Writes itself as the authors' class does."""

    def __init__(self, text: object) -> None:
        self.text = text

    def tostr(self) -> object:
        if isinstance(self.text, Exception):
            raise self.text
        return self.text


def numbers_of_other_tools() -> list[object]:
    ops = CELL.op_indices
    return [
        *(np.array(ops), np.array(ops, dtype=np.uint8), np.array(ops, dtype=object)),
        *([np.int8(op) for op in ops], tuple(ops), torch.tensor(ops), list(torch.tensor(ops))),
        pd.Series(ops),
    ]


CELL = Architecture.parse("323140")


@pytest.mark.parametrize("ops", numbers_of_other_tools(), ids=lambda ops: type(ops).__name__)
def test_op_indices_are_integers_of_any_kind(ops: object):
    assert Architecture.parse({"op_indices": ops}) == CELL
    with pytest.raises(InvalidArchitectureError, match='as code "'):
        Architecture.parse(ops)


def test_integers_and_text_of_any_kind_are_read():
    for index in (np.int16(7), np.array(7), torch.tensor(7), {"index": np.uint64(7)}):
        assert Architecture.parse(index).index == 7
    for text in (np.str_("323140"), np.array("323140"), {"code": 323140}, {"code": "323140"}):
        assert Architecture.parse(text) == CELL


def test_a_structure_is_read_as_it_writes_itself():
    structure = Structure(CELL.genotype)
    assert Architecture.parse(structure) == Architecture.parse({"arch": structure}) == CELL


class Strange:
    def __index__(self) -> int:
        raise RuntimeError

    __repr__ = __str__ = __index__  # type: ignore[assignment]


@pytest.mark.parametrize(
    "value",
    [
        *(10**5000, -(10**5000), {"index": 10**5000}, {"code": 10**5000}),
        *({"op_indices": [10**5000] * 6}, [10**5000], [[10**5000]] * 6, {10**5000: 1}),
        *(torch.tensor([7]), np.array([7]), torch.tensor(True), np.bool_(True), np.array(1.5)),
        *(Structure(None), Structure(7.5), Structure(RuntimeError()), Structure, np.ndarray),
        *(Strange(), {"arch": Strange()}, {Strange(): 1}, b"323140", np.bytes_(b"7"), object()),
        *(7.0, {"index": 7.0}, {"architecture": 7, "index": 7.0}, {"code": 7.0}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_strange_values_are_refused_in_one_line(value: object):
    with pytest.raises(InvalidArchitectureError, match=r"^architecture: expected") as caught:
        Architecture.parse(value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


EDGES = {"0_1": "nor_conv_3x3", "0_2": "conv_1x1", "1_2": "conv_3x3"}
EDGES |= {"0_3": "skip_connect", "1_3": "avg_pool_3x3", "2_3": "none"}


@pytest.mark.parametrize("label", ["", "cell/", "cell__", "model/stage.0/cell/", "config_"])
@pytest.mark.parametrize("written", ["as they are", "nor_", ""])
def test_labels_and_the_nor_of_convolutions_do_not_matter(label: str, written: str):
    def spell(op: str) -> str:
        if written == "as they are" or "conv" not in op:
            return op
        return written + op.removeprefix("nor_")

    ops = {key: spell(op) for key, op in EDGES.items()}
    assert Architecture.parse({label + key: op for key, op in ops.items()}) == CELL
    syne_tune = {f"{label}hp_x{n}": op for n, op in enumerate(ops.values())}
    assert Architecture.parse(syne_tune) == CELL
    flat = {key.replace("_", "->"): op for key, op in ops.items()}
    assert Architecture.parse(flat) == Architecture.parse({"edges": flat}) == CELL


def test_a_genotype_has_one_spelling():
    with pytest.raises(InvalidArchitectureError, match="nor_conv_3x3"):
        Architecture.parse(CELL.genotype.replace("nor_", ""))


def test_two_cells_in_one_object_are_refused():
    ops = {f"{label}/{key}": op for label in ("a", "b") for key, op in EDGES.items()}
    assert Architecture.parse(ops) == CELL
    with pytest.raises(InvalidArchitectureError, match="several: a/0_1 is 323140, b/0_1 is 023140"):
        Architecture.parse(ops | {"b/0_1": "none"})


def test_every_object_is_read_as_text_too(space: NASBench201):
    for cell in space.sample(20, seed=1):
        for form in (
            {"architecture": cell.index},
            {"index": cell.index},
            {"code": cell.code},
            {"op_indices": cell.op_indices},
            {"edges": cell.edges},
        ):
            assert Architecture.parse(form) == cell
            assert Architecture.parse(f" {json.dumps(form)}\n") == cell
            assert Architecture.parse({"arch": json.dumps(form)}) == cell


def test_six_digits_are_a_code_and_what_they_hide_is_told():
    assert Architecture.parse("001234").code == "001234"
    with pytest.raises(InvalidArchitectureError, match=r'padded is written \{"index": 5678\}'):
        Architecture.parse("005678")
    with pytest.raises(InvalidArchitectureError, match=r"got '5' in '155555'$"):
        Architecture.parse("155555")


def test_genotype_tolerates_order_and_white_space():
    text = " nor_conv_3x3~0 + |skip_connect~1| nor_conv_1x1 ~0 | + |nor_conv_3x3~2|none~0|none~1 "
    assert Architecture.parse(text).code == "321003"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ([4, 0, 3, 1, 4, 3], 'as {"op_indices": ...} (NASLib) it is |avg_pool_3x3~0|'),
        ((4, 0, 3, 1, 4, 3), 'as code "403143" it is |avg_pool_3x3~0|+|none~0|'),
        (323133, "a code is written as text"),
        ("323135", "a digit 0..4 for edge 2->3, got '5'"),
        (15625, "an index 0..15624, got 15625"),
        (True, "got True"),
        ("|nor_conv_3x3~0|+|nor_conv_3x3~0|", "three nodes joined by +, got 2"),
        ({"architecture": 5, "index": 6}, "expected index 5"),
        ({"architecture": 5, "op_indices": [0, 0, 0, 0, 0, 0]}, "names several"),
        ({"edges": {"0->1": "none"}}, "an op for 0->2"),
        ({"architecture": {"architecture": 5}}, "got an object"),
    ],
)
def test_what_is_not_a_cell_is_refused_in_one_line(value: object, expected: str):
    with pytest.raises(InvalidArchitectureError, match=re.escape(expected)) as caught:
        Architecture.parse(value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "ops", [(0, 1, 2, 3, 4), (0, 1, 2, 3, 4, 5), [0] * 6, (True, 0, 0, 0, 0, 0)]
)
def test_constructor_validates(ops: object):
    with pytest.raises(InvalidArchitectureError):
        Architecture(ops)  # type: ignore[arg-type]


def test_classes_have_the_published_sizes(space: NASBench201):
    representatives = space.representatives()
    assert len(representatives) == 6466
    assert len({cell.representative for cell in space}) == 6466
    assert len({cell.function_class for cell in representatives}) == 4930
    assert len({cell.function_class for cell in space}) == 4930
    assert all(cell.representative.function_class == cell.function_class for cell in space)
    assert [cell.index for cell in representatives] == sorted(c.index for c in representatives)


@pytest.mark.parametrize(
    ("code", "form"),
    [
        ("000000", "0"),
        ("100000", "0"),  # node 1 is never read
        ("000100", "x"),
        ("110111", "x+x+x"),
        ("300010", "conv3x3(x)"),
        ("313043", "conv3x3(conv3x3(conv3x3(x))+x)+pool(conv3x3(x))"),
    ],
)
def test_function_form_by_hand(code: str, form: str):
    assert Architecture.parse(code).function_class == form


def test_function_class_equals_brute_force_on_a_linear_model(space: NASBench201):
    """Two cells are in one class iff they give the same polynomial in random edge maps.

    The ops are replaced by fixed non-linear scalar functions; equal functions must agree on
    random inputs and different classes must not.
    """
    rng = np.random.default_rng(0)
    x = rng.normal(size=12)
    maps = {
        2: lambda v: np.sin(1.3 * v + 0.2),
        3: lambda v: np.tanh(0.7 * v - 0.4) + 0.1 * v**2,
        4: lambda v: np.cos(0.9 * v) - 0.3 * v,
    }
    values: dict[str, np.ndarray] = {}
    for cell in space.representatives():
        out = _run(cell.ops, x, maps)
        known = values.setdefault(cell.function_class, out)
        np.testing.assert_allclose(out, known, rtol=1e-9, atol=1e-9)
    rounded = {tuple(np.round(v, 6)) for v in values.values()}
    assert len(rounded) == len(values)


def _run(ops: tuple[int, ...], x: np.ndarray, maps: dict) -> np.ndarray:
    """Run the cell edge by edge; a node that nothing reaches stays None, its outputs too."""
    nodes: list[np.ndarray | None] = [x, None, None, None]
    edges = ((0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3))
    for (source, target), op in zip(edges, ops, strict=True):
        value = nodes[source]
        if op == 0 or value is None:
            continue
        out = value if op == 1 else maps[op](value)
        previous = nodes[target]
        nodes[target] = out if previous is None else previous + out
    return np.zeros_like(x) if nodes[3] is None else nodes[3]


@pytest.mark.tables
def test_order_equals_the_published_list(data_dir: Path, space: NASBench201):
    text = (data_dir / "nasrobbench201hp" / "ops.json").read_text()
    published = json.loads(text[text.index("[") :])
    assert [cell.code for cell in space] == published


@pytest.mark.tables
@pytest.mark.parametrize("name", ["NAS-RobBench-201_html.json", "acc.json"])
def test_representatives_equal_the_benchmarks_maps(data_dir: Path, space: NASBench201, name: str):
    text = (data_dir / "nasrobbench201hp" / name).read_text()
    published = json.loads(text[text.index("{") :])
    for index, cell in enumerate(space):
        row = published[str(index)]
        expected = index if isinstance(row, list) else int(row)
        assert cell.representative.index == expected
