"""How messages about arguments are worded, where several folders share them."""

import pytest

from surrobust._checks import check_choice, check_same, listed
from surrobust.errors import InvalidInputError
from surrobust.targets import check_target, targets_of

MANY = [f"name-{i}" for i in range(30)]


def test_few_names_are_listed_and_of_many_the_closest():
    assert listed("abc", "x") == "a, b, c"
    assert listed(["a", "a"], "x") == "a"
    assert listed(MANY, "name-7", most=30) == ", ".join(MANY)
    shown, more = listed(MANY, "nama-17").split(" or ")
    assert shown.split(", ")[0] == "name-17"
    assert more == "27 more"
    with pytest.raises(InvalidInputError, match=r"thing: expected one of .*name-17.* more; got"):
        check_choice("thing", "nama-17", MANY)


def test_a_wrong_target_is_told_the_closest():
    for benchmark in ("nas-robbench-201", "jung2023", "hw-nas-bench"):
        assert check_target(targets_of(benchmark)[-1]) == targets_of(benchmark)[-1]
    told = r"^target: expected one of .*nas-robbench-201/cifar10/pgd-8.* or \d+ more; got"
    with pytest.raises(InvalidInputError, match=told):
        check_target("nas-robbench-201/cifar10/pgd-80")


@pytest.mark.parametrize(
    ("got", "told"),
    [
        ({"a": 1, "b": {"c": 2}}, None),
        ({"a": 2, "b": {"c": 2}}, "x: a: expected 1 as in it, got 2 in there"),
        ({"b": {"c": 2}}, "x: a: expected 1 as in it, got None in there"),
        ({"a": 1, "b": {"c": [2]}}, "x: b: c: expected 2 as in it, got [2] in there"),
        ({"a": 1, "b": {"c": 2, "d": 3}}, "x: b: expected {'c': 2} as in it, got {'c': 2, 'd': 3}"),
        (None, "x: expected {'a': 1, 'b': {'c': 2}} as in it, got None in there"),
    ],
)
def test_what_differs_is_named_by_its_entry(got, told):
    expected = {"a": 1, "b": {"c": 2}}
    if told is None:
        check_same("x", got, expected, as_in="it", where="there")
        return
    with pytest.raises(InvalidInputError) as caught:
        check_same("x", got, expected, as_in="it", where="there")
    assert str(caught.value).startswith(told)
