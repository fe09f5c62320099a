"""NAS-Bench-201: all cells of 4 nodes and 6 edges over five ops (Dong & Yang, ICLR 2020)."""

from .._checks import check_integer
from .._random import as_generator
from ..errors import InvalidInputError
from ..typing import Seed
from ._canonical import N_EDGES, N_OPS, ordered_codes
from .architecture import Architecture, representative_indices
from .base import AbstractSearchSpace


class NASBench201(AbstractSearchSpace[Architecture]):
    """The 15625 cells in the published order."""

    def __len__(self) -> int:
        return N_OPS**N_EDGES

    def __getitem__(self, index: int) -> Architecture:
        return Architecture.parse(index)

    def sample(self, n: int, *, seed: Seed) -> list[Architecture]:
        """Return ``n`` distinct cells, drawn uniformly without replacement.

        Raises:
            InvalidInputError: If ``n`` is negative or above 15625.
        """
        check_integer("n", n, minimum=0)
        if n > len(self):
            msg = f"n: expected at most {len(self)} distinct architectures, got {n}"
            raise InvalidInputError(msg)
        # Indices and not representatives: isomorphic cells are different points of the space.
        drawn = as_generator(seed).choice(len(self), size=n, replace=False)
        return [self[int(index)] for index in drawn]

    def neighbours(self, architecture: Architecture) -> list[Architecture]:
        """Return the 24 cells that differ in exactly one op, edge by edge."""
        ops = architecture.ops
        return [
            Architecture((*ops[:edge], op, *ops[edge + 1 :]))
            for edge in range(N_EDGES)
            for op in range(N_OPS)
            if op != ops[edge]
        ]

    def mutate(self, architecture: Architecture, *, seed: Seed) -> Architecture:
        """Return one of the 24 neighbours, drawn uniformly."""
        around = self.neighbours(architecture)
        return around[int(as_generator(seed).integers(len(around)))]

    def representatives(self) -> list[Architecture]:
        """Return the 6466 cells that represent their isomorphism class, by ascending index."""
        codes = ordered_codes()
        return [Architecture(codes[index]) for index in representative_indices()]
