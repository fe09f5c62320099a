import pytest

from surrobust.errors import InvalidInputError
from surrobust.threat import ThreatModel


@pytest.mark.parametrize("text", ["Linf-8", "Linf-0.5", "L2-0.5", "L2-2"])
def test_parse_and_format_are_inverse(text: str) -> None:
    assert ThreatModel.parse(text).format() == text


def test_epsilon_of_linf_is_written_in_255ths() -> None:
    assert ThreatModel.parse("Linf-8") == ThreatModel(8 / 255, "Linf")
    assert ThreatModel.parse("L2-0.5") == ThreatModel(0.5, "L2")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("8", "expected a text such as Linf-8"),
        ("L1-8", "norm: expected one of Linf, L2"),
        ("Linf-nan", "epsilon: expected a number of at least 0"),
        ("L2--1", "epsilon: expected a number of at least 0"),
        ("Linf-300", "epsilon: expected at most 1"),
    ],
)
def test_other_texts_are_refused(text: str, message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        ThreatModel.parse(text)


def test_bounds_are_checked() -> None:
    with pytest.raises(InvalidInputError, match="bounds: expected"):
        ThreatModel(0.1, bounds=(1.0, 0.0))
