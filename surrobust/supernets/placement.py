"""Which cell stands where: accurate near the input, robust near the output, reductions between."""

ACCURATE, REDUCTION, ROBUST, CELL = "accurate", "reduction", "robust", "cell"
"""The roles of a cell; ``cell`` where one cell stands at every place that does not reduce."""


def roles_at(length: int, *, placed: bool) -> tuple[str, ...]:
    """Return the role at each of ``length`` positions, reductions included.

    Reductions stand at a third and at two thirds of the length, rounded down. Where ``placed``,
    accurate cells stand before the second of them and robust ones behind it (Ou, Feng & Sun,
    "Towards Accurate and Robust Architectures via Neural Architecture Search", CVPR 2024, section
    3); otherwise one cell stands everywhere, as in DARTS.

    Args:
        length: Cells and reductions, at least 3.
        placed: Whether there are accurate and robust cells.
    """
    reductions = (length // 3, 2 * length // 3)
    before, behind = (ACCURATE, ROBUST) if placed else (CELL, CELL)
    return tuple(
        REDUCTION if i in reductions else before if i < reductions[1] else behind
        for i in range(length)
    )
