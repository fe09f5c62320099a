"""The closed form against a search over all convex combinations."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from surrobust.differentiable import combine_two

numbers = st.lists(
    st.floats(-5, 5, allow_subnormal=False).map(lambda v: round(v, 3)), min_size=3, max_size=3
)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(first=numbers, second=numbers)
def test_no_convex_combination_is_shorter(first, second):
    a, b = torch.tensor(first).double(), torch.tensor(second).double()
    found, share = combine_two(a, b)
    shares = torch.linspace(0, 1, 1001).double()[:, None]
    lengths = (shares * a + (1 - shares) * b).norm(dim=1)
    assert float(found.norm()) <= float(lengths.min()) + 1e-9
    torch.testing.assert_close(found, share * a + (1 - share) * b)
    # A step against it raises neither loss, to first order.
    assert float(found @ a) >= float(found @ found) - 1e-9
    assert float(found @ b) >= float(found @ found) - 1e-9


@pytest.mark.parametrize(
    ("first", "second", "share"),
    [([1.0, 0], [0, 1.0], 0.5), ([2.0, 0], [0, 1.0], 0.2), ([1.0, 0], [3.0, 0], 1.0)],
)
def test_by_hand(first, second, share):
    found, got = combine_two(torch.tensor(first), torch.tensor(second))
    assert got == pytest.approx(share)
    expected = share * torch.tensor(first) + (1 - share) * torch.tensor(second)
    torch.testing.assert_close(found, expected)


def test_equal_gradients_stay():
    gradient = torch.tensor([1.0, -2.0])
    torch.testing.assert_close(combine_two(gradient, gradient)[0], gradient)
