"""Devices by name: those that compute, and one line for all others."""

import pytest
import torch

from surrobust.errors import InvalidInputError
from surrobust.networks import find_device


def test_the_cpu_is_always_there():
    assert find_device("cpu") == find_device(torch.device("cpu")) == torch.device("cpu")
    assert find_device("auto").type in ("cpu", "cuda")


@pytest.mark.parametrize(
    "name", ["abacus", "", "meta", "hpu", "privateuseone", "mkldnn", "xla", "cuda:99", 99, None, []]
)
def test_what_computes_nothing_here_is_refused_in_one_line(name):
    with pytest.raises(InvalidInputError, match="device: expected") as caught:
        find_device(name)
    assert "\n" not in str(caught.value)
    # A warning would have been an error here.
    assert len(str(caught.value)) < 250
