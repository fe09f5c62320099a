"""What every zero-cost proxy promises."""

import math
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from torch import Tensor

from ..proxies import PROXIES, AbstractProxy, score_proxies

if TYPE_CHECKING:
    from pandas import DataFrame

SMALL: dict[str, Any] = {"channels": 4, "cells_per_stage": 1, "seed": 3}
"""Sizes of the networks."""

CODES = ("323133", "444444", "300000", "231011")
"""Cells, the first one ordinary."""

CUT_OFF = ("043424", "033113", "020302", "300103", "000104", "144100", "404230")
"""Convolutions of zeros, convolutions that nothing reads, skips and pools; the input passes."""

SHUT = ("000000", "300000", "300002", "014010", "002002", "313000", "000034")
"""The input does not pass."""


@cache
def few_images() -> tuple[Tensor, Tensor]:
    """Return six small images and their classes."""
    x = torch.rand(6, 3, 8, 8, generator=torch.Generator().manual_seed(1))
    return x, torch.tensor([0, 1, 2, 0, 1, 2])


class ProxyLaws:
    """Laws of a proxy: derive from this, and say in :meth:`make` how yours is made."""

    def make(self) -> AbstractProxy:  # pragma: no cover
        """Return the proxy."""
        raise NotImplementedError

    def together(self) -> "DataFrame":
        """Return the scores of ``CODES`` by this and every registered proxy, in one pass each."""
        proxies: list[str | AbstractProxy] = [*PROXIES, self.make()]
        return score_proxies(CODES, proxies, few_images(), **SMALL)

    def score(self, *codes: str, **options: Any) -> "DataFrame":
        """Return the table of scores of cells by this proxy alone."""
        return score_proxies(codes, [self.make()], few_images(), **SMALL, **options)

    def test_an_ordinary_cell_has_a_finite_score(self) -> None:
        """There is one column, float64 and never infinite, with a value for an ordinary cell."""
        table = self.score(*CODES)
        assert list(table.columns) == [self.make().column]
        assert table.to_numpy().dtype == np.float64
        assert not np.isinf(table.to_numpy()).any()
        assert math.isfinite(table.to_numpy()[0, 0])

    def test_alone_as_together_and_twice_the_same(self) -> None:
        """A score is the same again, to the last bit, and among other proxies up to rounding."""
        alone, together = self.score(CODES[0]), self.together()[self.make().column]
        assert alone.equals(self.score(CODES[0]))
        assert alone.iloc[0, 0] == pytest.approx(together.iloc[0], rel=1e-4)

    def test_others_score_what_they_score_without_it(self) -> None:
        """It leaves network and images as they are, up to rounding, for those that come next."""
        mine = self.make()
        others = [name for name in ("synflow", "grad_norm", "nwot") if name != mine.column]
        alone = score_proxies(CODES[:1], others, few_images(), **SMALL)
        after = score_proxies(CODES[:1], [mine, *others], few_images(), **SMALL)[others]
        np.testing.assert_allclose(after, alone, rtol=1e-4)

    def test_a_cell_that_computes_nothing_is_no_error(self) -> None:
        """A cell of zeros has a number or NaN."""
        value = self.score("000000").iloc[0, 0]
        assert isinstance(value, float)
        assert not math.isinf(value)

    def test_every_kind_of_cut_off_edge_has_a_value(self) -> None:
        """Where the input passes there is a score, however many edges are cut off."""
        table = self.score(*CUT_OFF).iloc[:, 0].to_numpy()
        assert np.isfinite(table).all()

    def test_where_nothing_passes_there_is_a_number_or_none(self) -> None:
        """Where the input does not pass, no score is infinite."""
        assert not np.isinf(self.score(*SHUT).to_numpy()).any()

    def test_the_random_state_and_the_images_are_left_alone(self) -> None:
        """No global random state, default type, mode or image is changed."""
        images = few_images()
        x, y = (part.clone() for part in images)
        before, dtype = torch.get_rng_state(), torch.get_default_dtype()
        numpys = str(np.random.get_state())  # noqa: NPY002
        self.score("323133")
        assert torch.equal(before, torch.get_rng_state())
        assert str(np.random.get_state()) == numpys  # noqa: NPY002
        assert torch.get_default_dtype() == dtype
        assert torch.is_grad_enabled()
        assert torch.equal(x, images[0])
        assert torch.equal(y, images[1])
        assert images[0].grad is None

    def test_the_neighbours_change_nothing(self) -> None:
        """A score does not depend on what was scored before."""
        one, turned = self.score(*CODES), self.score(*CODES[::-1])
        assert one.equals(turned.loc[one.index])

    def test_several_architectures_at_a_time_score_the_same(self) -> None:
        """Threads change no bit."""
        assert self.score(*CODES, "111111", at_once=3).equals(self.score(*CODES, "111111"))

    @pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
    def test_the_callers_mode_changes_nothing(self, mode: Any) -> None:
        """Under ``torch.no_grad`` and ``torch.inference_mode`` the scores are the same."""
        expected = self.score(*CODES)
        with mode():
            given = tuple(part.clone() for part in few_images())
            found = score_proxies(CODES, [self.make()], given, **SMALL)
        assert found.equals(expected)
