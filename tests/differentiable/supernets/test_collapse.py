"""Which cells count as collapsed."""

import pytest

from surrobust.differentiable.supernets import find_collapse
from surrobust.spaces import Architecture


@pytest.mark.parametrize(
    ("code", "word"),
    [
        ("111111", "skips"),
        ("000100", "skips"),
        ("330000", "zeros"),  # convolutions that lead nowhere
        ("340104", "no convolution"),  # the convolution leads nowhere
        ("300114", None),  # 0->1 is a convolution, 1->3 passes it on
        ("323133", None),
    ],
)
def test_collapse(code, word):
    found = find_collapse(Architecture.parse(code))
    assert (found is None) if word is None else found.startswith(word)
