"""The third parties' layouts: whatever differs from what was published is one clear line."""

import json

import numpy as np
import pytest

from surrobust.errors import InvalidInputError
from surrobust.spaces import NASBench201, representatives_by_index
from surrobust.tables.published import formats as _formats
from surrobust.tables.published import hwnasbench, nasrobbench201

PAGE = "NAS-RobBench-201_html.json"
ISOMORPHIC = next(i for i, r in enumerate(representatives_by_index()) if i != r)


def _read(document, prefix=b"acc="):
    return nasrobbench201.read({PAGE: prefix + json.dumps(document).encode()})


def test_a_page_copy_is_read_in_the_order_of_the_representatives(page_document, made_up_values):
    np.testing.assert_array_equal(_read(page_document), made_up_values("nas-robbench-201"))


def test_representatives_may_be_written_as_integers(page_document):
    document = {k: int(v) if isinstance(v, str) else v for k, v in page_document.items()}
    np.testing.assert_array_equal(_read(document), _read(page_document))


@pytest.mark.parametrize(
    ("key", "entry", "told"),
    [
        ("0", None, "cell 0: expected a list of 18 numbers, got None"),
        ("0", "3", "cell 0: expected a list of 18 numbers, got '3'"),
        ("0", [0.5] * 17, "cell 0: expected a list of 18 numbers"),
        ("0", [0.5] * 17 + ["0.5"], "cell 0: expected a list of 18 numbers, got '0.5'"),
        ("0", [0.5] * 17 + [True], "cell 0: expected a list of 18 numbers, got True"),
        ("0", [0.5] * 17 + [None], "cell 0: expected a list of 18 numbers, got None"),
        (str(ISOMORPHIC), "1", f"cell {ISOMORPHIC}: expected its representative"),
        (str(ISOMORPHIC), [0.5] * 18, f"cell {ISOMORPHIC}: expected its representative"),
        (str(ISOMORPHIC), True, f"cell {ISOMORPHIC}: expected its representative"),
        (str(ISOMORPHIC), 3.0, f"cell {ISOMORPHIC}: expected its representative"),
        ("", ["clean"], "expected the columns cifar10#val_acc"),
        ("", None, "expected the columns cifar10#val_acc"),
        ("15625", "0", "expected 15625 cells, got 15626"),
    ],
)
def test_a_page_copy_with_another_entry_is_refused(page_document, key, entry, told):
    with pytest.raises(InvalidInputError, match=_escaped(told)) as caught:
        _read({**page_document, key: entry})
    assert str(caught.value).startswith(PAGE)
    assert "\n" not in str(caught.value)


def test_a_page_copy_without_a_cell_is_refused(page_document):
    document = {key: value for key, value in page_document.items() if key != "77"}
    with pytest.raises(InvalidInputError, match="expected 15625 cells, got 15624"):
        _read(document)
    document["x"] = 1
    with pytest.raises(InvalidInputError, match="cell 77"):
        _read(document)


@pytest.mark.parametrize(
    "content",
    [b"", b"acc=", b"acc=[]", b"acc=null", b"{}", b"acc={'0': 1}", b"acc=\xff", b"acc={} trailing",
     b'acc={"0": NaN}', b'acc={"0": 1, "0": 1}', b"acc=" + b"[" * 100_000, b"\0\0\0\0"],
)  # fmt: skip
def test_what_is_no_page_copy_is_refused(content):
    with pytest.raises(InvalidInputError) as caught:
        nasrobbench201.read({PAGE: content})
    assert str(caught.value).startswith(PAGE)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 1000


def test_a_truncated_page_copy_is_refused(page_document):
    content = b"acc=" + json.dumps(page_document).encode()
    for share in (0.1, 0.5, 0.99):
        with pytest.raises(InvalidInputError, match="expected JSON"):
            nasrobbench201.read({PAGE: content[: int(len(content) * share)]})


HEADER = (
    "net,edgegpu_latency,edgegpu_energy,raspi4_latency,edgetpu_latency,pixel3_latency,"
    "eyeriss_latency,eyeriss_energy,eyeriss_arithmetic_intensity,fpga_latency,fpga_energy"
)


@pytest.fixture(scope="module")
def device_lines() -> list[str]:
    numbers = "1.5,2,3,-1.0,5,6,7,8,9,10"
    return [HEADER, *(f'"{cell.op_indices}",{numbers}' for cell in NASBench201()), ""]


def _read_devices(lines):
    return hwnasbench.read({"hw_cifar10.csv": "\n".join(lines).encode()})


def test_a_device_that_did_not_run_is_nan(device_lines):
    values = _read_devices(device_lines)
    assert values.shape == (15625, 10)
    assert np.isnan(values[:, 3]).all()
    assert (values[:, [0, 1, 2, 4, 5, 6, 7, 8, 9]] == [1.5, 2, 3, 5, 6, 7, 8, 9, 10]).all()


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('"(4, 3, 3, 0, 0, 5)",1,2,3,4,5,6,7,8,9,10', "line 3: expected \"(six op indices)\""),
        ('"(4, 3, 3, 0, 0)",1,2,3,4,5,6,7,8,9,10', "line 3: expected \"(six op indices)\""),
        ("(4, 3, 3, 0, 0, 0),1,2,3,4,5,6,7,8,9,10", "line 3: expected \"(six op indices)\""),
        ('"(4, 3, 3, 0, 0, 0)"', "line 3: expected \"(six op indices)\""),
        ("", "line 3: expected \"(six op indices)\""),
        ("first", "line 3: expected each cell once, got cell 0 again"),
        ("key,1,2,3", "cell 1: expected 10 numbers, got 3"),
        ("key,1,2,3,4,5,6,7,8,9,ten", "cell 1: expected numbers, got"),
        ("key,1,2,3,4,5,6,7,8,9,", "cell 1: expected numbers, got"),
    ],
)  # fmt: skip
def test_a_csv_with_another_line_is_refused(device_lines, line, told):
    lines = list(device_lines)
    key = lines[2].partition(",1.5")[0]
    lines[2] = lines[1] if line == "first" else line.replace("key", key)
    with pytest.raises(InvalidInputError, match=_escaped(told)) as caught:
        _read_devices(lines)
    assert str(caught.value).startswith("hw_cifar10.csv")
    assert "\n" not in str(caught.value)


def test_a_csv_of_another_extent_is_refused(device_lines):
    with pytest.raises(InvalidInputError, match="expected the header net,edgegpu_latency"):
        _read_devices(["net,edgegpu_latency", *device_lines[1:]])
    with pytest.raises(InvalidInputError, match="expected a newline at the end"):
        _read_devices(device_lines[:-1])
    with pytest.raises(InvalidInputError, match="expected 15625 cells, got 15624"):
        _read_devices([*device_lines[:-2], ""])
    with pytest.raises(InvalidInputError, match="expected UTF-8 text"):
        hwnasbench.read({"hw_cifar10.csv": b"\xff\xfe"})


def test_the_keys_are_naslib_tuples_of_all_cells():
    keys = _formats._indices_by_key()
    assert len(keys) == 15625
    assert keys['"(4, 3, 3, 0, 0, 0)"'] == 0  # the first cell in HW-NAS-Bench's own example


def _escaped(text: str) -> str:
    return "".join(f"\\{c}" if c in "()[]|+*.?" else c for c in text)
