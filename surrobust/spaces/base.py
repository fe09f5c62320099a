"""What every search space offers to samplers and searches."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Generic, TypeVar

from ..typing import Seed

A = TypeVar("A")


class AbstractSearchSpace(ABC, Generic[A]):
    """A finite set of architectures that can be counted, sampled and walked."""

    @abstractmethod
    def __len__(self) -> int:
        """Return the number of architectures."""

    @abstractmethod
    def __getitem__(self, index: int) -> A:
        """Return the architecture of an index."""

    def __iter__(self) -> Iterator[A]:
        return (self[index] for index in range(len(self)))

    @abstractmethod
    def sample(self, n: int, *, seed: Seed) -> list[A]:
        """Return ``n`` distinct architectures, drawn uniformly without replacement."""

    @abstractmethod
    def neighbours(self, architecture: A) -> list[A]:
        """Return all architectures that differ in exactly one op."""

    @abstractmethod
    def mutate(self, architecture: A, *, seed: Seed) -> A:
        """Return one neighbour, drawn uniformly."""
