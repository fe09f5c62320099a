"""Malformed architectures: as text on the command line, as JSON, as mappings."""

import json
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from surrobust.errors import InvalidArchitectureError
from surrobust.spaces import Architecture, NASBench201

Refused = Callable[..., str]

GENOTYPE = "|nor_conv_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|none~0|skip_connect~1|nor_conv_3x3~2|"
EDGES = Architecture.parse(GENOTYPE).edges
NNI = {
    key: op.removeprefix("nor_")
    for key, op in zip(("0_1", "0_2", "1_2", "0_3", "1_3", "2_3"), EDGES.values(), strict=True)
}
SYNE_TUNE = {f"hp_x{i}": op for i, op in enumerate(EDGES.values())}

# What the line must name, by the malformed text.
TEXTS = {
    "": "nothing",
    " ": "nothing",
    "\n": "nothing",
    "\t \r\n": "nothing",
    "x": "'x'",
    "cell": "'cell'",
    "None": "'None'",
    "nan": "'nan'",
    "true": "'true'",
    "0x10": "'0x10'",
    "1e3": "'1e3'",
    "12.0": "'12.0'",
    "+5": "'+5'",
    "1_000": "'1_000'",
    "1,000": "'1,000'",
    "٢٥٨١": "index",  # digits of another script
    "²": "index",
    "15625": "15624",
    "99999": "15624",
    "0001": "'0001'",
    "02581": "'02581'",
    "1234567": "15624",
    "0000000": "code",
    "9" * 400: "15624",
    "9" * 100_000: "15624",
    "323135": "2->3",
    "923133": "0->1",
    "329133": "1->2",
    "777777": "0->1",
    "|": "three nodes",
    "||": "three nodes",
    "~": "three nodes",
    "+": "expected",
    "++": "expected",
    "|+|": "three nodes",
    "|+|+|": "op~source",
    "|~|+|~|~|+|~|~|~|": "op~source",
    GENOTYPE[:-20]: "skip_conne",
    GENOTYPE.replace("nor_conv_3x3~0", "nor_conv_5x5~0"): "0->1",
    GENOTYPE.replace("nor_conv_3x3~0", "conv_3x3~0"): "0->1",
    GENOTYPE.replace("nor_conv_3x3~0", "NOR_CONV_3X3~0"): "0->1",
    GENOTYPE.replace("nor_conv_3x3~0", "~0"): "0->1",
    GENOTYPE.replace("nor_conv_3x3~0", "nor_conv_3x3~1"): "source 0..0",
    GENOTYPE.replace("skip_connect~1|+", "skip_connect~0|+"): "0->2",
    GENOTYPE.replace("nor_conv_3x3~2", "nor_conv_3x3~3"): "source 0..2",
    GENOTYPE.replace("nor_conv_3x3~2", "nor_conv_3x3~-1"): "op~source",
    GENOTYPE.replace("nor_conv_3x3~2", "nor_conv_3x3"): "op~source",
    GENOTYPE.replace("nor_conv_3x3~2", "nor_conv_3x3~22"): "op~source",
    GENOTYPE.replace("nor_conv_3x3~2", "nor_conv_3x3~2~2"): "op~source",
    GENOTYPE.replace("|none~0", ""): "0->3",
    GENOTYPE.replace("none~0", "none~0|none~0"): "0->3",
    GENOTYPE.replace("+", "|"): "three nodes",
    GENOTYPE.replace("+", "++"): "three nodes",
    GENOTYPE + "+" + GENOTYPE: "three nodes",
    GENOTYPE + "x": "op~source",
    "x" + GENOTYPE: "node 1",
    GENOTYPE.replace("none", "no\u0000ne"): "0->3",
    GENOTYPE.replace("none", "no\x1b[31mne"): "0->3",
    GENOTYPE.replace("none", "n\u043ene"): "0->3",  # a Cyrillic letter
    GENOTYPE.replace("none", "\udcff"): "0->3",
    GENOTYPE.replace("~", "\u223c"): "op~source",
    GENOTYPE[1:-1].replace("|", ""): "op~source",
    GENOTYPE * 20_000: "three nodes",
    "|" * 100_000: "three nodes",
    "Structure(4 nodes with |none~0|)": "three nodes",
    "(0, 1, 2, 3, 4, 0)": "unambiguous",
    "[0, 1, 2, 3, 4, 0]": "unambiguous",
    "(0, 1, 2)x": "JSON",
    "--": "FILE|ARCH",
    "-5": "-5",
    "-": "empty",
    "- ": "'- '",
    "../": "directory",
    "nowhere/cells.json": "No such file",
    "cells.CSV": "No such file",
    "a" * 300: "aaa",
    "a" * 100_000 + ".json": "name too long",
    "nul\0.json": "null",
}


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: ascii(text)[:40])
def test_a_malformed_text_is_refused(refused: Refused, text: str) -> None:
    assert TEXTS[text].lower() in refused(["convert", text]).lower()


DOCUMENTS = {
    "null": "None",
    "true": "True",
    "1.5": "1.5",
    "-1": "-1",
    "15625": "15625",
    "323133": "text",
    "[null]": "item 1",
    "[true]": "item 1",
    "[false, 3]": "item 1",
    "[2581.0]": "2581.0",
    "[-1]": "15624",
    "[15625]": "15624",
    "[323133]": "code is written as text",
    '[2581, "323135"]': "item 2",
    "[1e400]": "inf",
    "[[2581]]": "item 1",
    "[[0, 1, 2, 3, 4, 0]]": "unambiguous",
    "[[[[[[]]]]]]": "item 1",
    "[]": "empty list",
    "[{}]": "item 1",
    "[0, 0, 0, 0, 0, 0]": "op_indices",
    "[" * 100 + "]" * 100: "item 1",
    "[" * 100_000 + "]" * 100_000: "nested too deeply",
    '{"a":' * 100_000 + "1" + "}" * 100_000: "nested too deeply",
    "[" + "9" * 5_000 + "]": "digit",
    "[" + "9" * 1_000_000 + "]": "digit",
    "[" + "9" * 4_000 + "]": "15624",
    "[NaN]": "NaN",
    "[Infinity]": "Infinity",
    "[-Infinity]": "Infinity",
    "[2581": "JSON",
    "[2581,]": "JSON",
    "[2581]]": "JSON",
    "[2581] 1000": "JSON",
    "[02581]": "JSON",
    "['323133']": "JSON",
    '["323133"': "JSON",
    '["323133]': "JSON",
    '["\\x"]': "JSON",
    '["\\ud800"]': "item 1",
    '["\t"]': "JSON",
    "{}": "no keys",
    "{": "JSON",
    "{]": "JSON",
    "{'architecture': 2581}": "JSON",
    '{"architecture"}': "JSON",
    '{"architecture": 2581, "architecture": 2581}': "same key twice",
    '{"architecture": null}': "None",
    '{"architecture": true}': "True",
    '{"architecture": 2581.5}': "2581.5",
    '{"architecture": ""}': "nothing",
    '{"architecture": "x"}': "'x'",
    '{"architecture": [0, 1, 2, 3, 4, 0]}': "unambiguous",
    '{"architecture": {"architecture": 2581}}': "an object",
    '{"architecture": 2581, "arch": 2582}': "several",
    '{"architecture": 2581, "op_indices": [0, 0, 0, 0, 0, 0]}': "several",
    '{"architecture": 2581, "index": 2582}': "2581",
    '{"architecture": 2581, "index": true}': "2581",
    '{"architecture": 2581, "index": "2581"}': "2581",
    '{"cell": 2581}': "op_indices",
    '{"index": 15625}': "15624",
    '{"index": -1}': "15624",
    '{"index": 5.0}': "5.0",
    '{"index": true}': "True",
    '{"index": "002581"}': "as index",
    '{"index": 1e400}': "inf",
    '{"index": null}': "None",
    '{"code": "32313"}': "six digits",
    '{"code": 323135}': "2->3",
    '{"code": 1000000}': "six digits",
    '{"code": -1}': "six digits",
    '{"code": 323133.0}': "six digits",
    '{"code": "323133", "index": 2582}': "2581",
    '{"code": "323133", "architecture": 2582}': "several",
    '{"genotype": "x"}': "'x'",
    '{"op_indices": null}': "six integers",
    '{"op_indices": 3}': "six integers",
    '{"op_indices": "210342"}': "six integers",
    '{"op_indices": []}': "six integers",
    '{"op_indices": [0, 1, 2, 3, 4]}': "six integers",
    '{"op_indices": [0, 1, 2, 3, 4, 0, 1]}': "six integers",
    '{"op_indices": [0, 1, 2, 3, 4, 5]}': "six integers",
    '{"op_indices": [0, 1, 2, 3, 4, -1]}': "six integers",
    '{"op_indices": [0, 1, 2, 3, 4, 1.0]}': "six integers",
    '{"op_indices": [0, 1, 2, 3, 4, true]}': "six integers",
    '{"op_indices": [0, 1, 2, 3, 4, "1"]}': "six integers",
    '{"op_indices": [[0, 1, 2, 3, 4, 1]]}': "six integers",
    '{"op_indices": {"0": 1}}': "six integers",
    '{"edges": []}': "edges",
    '{"edges": null}': "edges",
    '{"edges": {}}': "0->1",
    json.dumps({"edges": {**EDGES, "0->1": "conv"}}): "0->1",
    json.dumps({"edges": {**EDGES, "0->1": None}}): "0->1",
    json.dumps({"edges": {**EDGES, "0->1": 3}}): "0->1",
    json.dumps({"edges": {**EDGES, "0->1": ["none"]}}): "0->1",
    json.dumps({"edges": {**EDGES, "3->1": "none"}}): "3->1",
    json.dumps({"edges": {key: EDGES[key] for key in list(EDGES)[:5]}}): "2->3",
    json.dumps({"edges": NNI}): "0_1",
    json.dumps({key: NNI[key] for key in list(NNI)[1:]}): "0_1",
    json.dumps({f"cell/{key}": op for key, op in list(NNI.items())[1:]}): "0_1",
    json.dumps({**NNI, **{f"other/{key}": "none" for key in NNI}}): "several",
    json.dumps({**NNI, "0_1": "nor_skip_connect"}): "0_1",
    json.dumps({**NNI, "0_1": None}): "0_1",
    json.dumps({key: SYNE_TUNE[key] for key in list(SYNE_TUNE)[:5]}): "hp_x5",
    json.dumps({**SYNE_TUNE, "hp_x3": "conv_5x5"}): "hp_x3",
    json.dumps({**SYNE_TUNE, **NNI, "0_1": "none"}): "several",
    '{"finalists": {}}': "finalists",
    '{"finalists": []}': "finalists",
    '{"finalists": [{"value": 1}]}': "finalists: item 1",
    '{"predictions": [[1]]}': "predictions: item 1",
}


@pytest.mark.parametrize("text", DOCUMENTS, ids=lambda text: text[:40])
def test_a_malformed_json_file_is_refused(refused: Refused, tmp_path, text: str) -> None:
    (tmp_path / "cells.json").write_text(text)
    line = refused(["convert", "cells.json"])
    assert "cells.json" in line
    assert DOCUMENTS[text] in line


@pytest.mark.parametrize("text", [t for t in DOCUMENTS if t[0] in "{["], ids=lambda text: text[:40])
def test_malformed_inline_json_is_refused(refused: Refused, text: str) -> None:
    assert DOCUMENTS[text] in refused(["convert", text])


NOT_CELLS = st.one_of(
    st.text(),
    st.none(),
    st.booleans(),
    st.floats(),
    st.integers(max_value=-1),
    st.integers(min_value=15625),
    st.lists(st.integers(), max_size=8),
    st.dictionaries(st.text(), st.integers(), max_size=4),
    st.dictionaries(
        st.sampled_from(["architecture", "arch", "op_indices", "edges", "0_1", "hp_x0"]),
        st.one_of(st.none(), st.text(max_size=5), st.lists(st.integers(0, 9)), st.floats()),
        min_size=1,
    ),
)


FORMS: list[Callable[[Architecture], object]] = [
    lambda cell: cell.index,
    lambda cell: cell.code,
    lambda cell: cell.genotype,
    lambda cell: f" {cell.genotype.strip('|')}\n",
    lambda cell: {"architecture": cell.code, "value": None},
    lambda cell: {"op_indices": list(cell.op_indices)},
    lambda cell: json.dumps({"edges": cell.edges}),
]


@settings(max_examples=100, deadline=None)
@given(index=st.integers(0, 15624), form=st.sampled_from(FORMS))
def test_what_is_a_cell_is_read(index: int, form: Callable[[Architecture], object]) -> None:
    cell = NASBench201()[index]
    assert parse(form(cell)) == (cell, "")


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(value=NOT_CELLS)
@example(value="000000")
@example(value=[2, 0, 5, 3, 1, 4])
def test_parse_refuses_in_one_line_or_returns_a_cell(value: object) -> None:
    cell, refusal = parse(value)
    if cell is None:
        assert "\n" not in refusal
        assert refusal.startswith("architecture: expected")
    else:
        assert Architecture.parse(cell.genotype) == cell


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_a_genotype_with_one_character_changed_is_refused_or_a_cell(data) -> None:
    genotype = NASBench201()[data.draw(st.integers(0, 15624))].genotype
    at = data.draw(st.integers(0, len(genotype) - 1))
    changed = genotype[:at] + data.draw(st.text(max_size=2)) + genotype[at + 1 :]
    cell, refusal = parse(changed)
    if cell is None:
        assert "\n" not in refusal
    else:
        # Only the bars at the ends of a node and white space are free.
        assert "".join(changed.split()).replace("|", "") == cell.genotype.replace("|", "")


def parse(value: object) -> tuple[Architecture | None, str]:
    """Return the cell, or None and the message."""
    try:
        return Architecture.parse(value), ""
    except InvalidArchitectureError as error:
        return None, str(error)
