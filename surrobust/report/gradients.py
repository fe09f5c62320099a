"""The part of a report that is about a gradient search: what its weights did, where it ended."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from .._checks import brief
from .._files import read_json
from .._seals import unseal
from ..errors import InvalidInputError
from ..spaces import EDGES, OPS, Architecture, Genotype, draw_genotype
from . import markup
from .drawing import COLOURS, LABELS, Axis, draw_cell

_LARGEST = 1e15
"""Steps and seconds are less."""

_WIDTH, _HEIGHT, _LEFT, _TOP = 210, 120, 30, 18


def read_gradient(path: Path) -> dict[str, Any]:
    """Return what a gradient search wrote, ``gradient.json``.

    Raises:
        InvalidInputError: If the file is damaged.
    """
    document = unseal(read_json(path), str(path))
    try:
        _check(document)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        msg = f"{path}: expected the outcome of a gradient search, got: {brief(str(error))}"
        raise InvalidInputError(msg) from None
    return dict(document)


def _check(document: Any) -> None:
    roles, ops = len(document["roles"]), len(document["ops"])
    # Raises where one is no object, as the names below do where one is not there.
    document["settings"].items(), document["options"].items()
    _check_numbers([document["seconds"]], most=_LARGEST)
    for point in document["trajectory"]:
        _check_numbers([point["step"]], most=_LARGEST)
        weights = point["probabilities"]
        if len(weights) != roles or any(len(edge) != ops for role in weights for edge in role):
            msg = "a trajectory that does not fit its roles and ops"
            raise ValueError(msg)
        # A softmax in single precision may come out a little above 1.
        _check_numbers((number for role in weights for edge in role for number in edge), most=1.001)
    if "genotype" in document:
        Genotype.parse(document["genotype"])
    else:
        for role in document["roles"]:
            Architecture.parse(document["cells"][role])
        sizes = {len(role) for p in document["trajectory"] for role in p["probabilities"]}
        if ops != len(OPS) or sizes != {len(EDGES)}:
            msg = f"{ops} ops on {sorted(sizes)} edges"
            raise ValueError(msg)
    for name in ("strategy", "images", "seed", "steps"):
        document[name]
    document["collapse"].items()


def _check_numbers(numbers: Iterable[Any], *, most: float) -> None:
    for number in numbers:
        if not isinstance(number, int | float) or not 0 <= number <= most:
            msg = f"{brief(number)} in the place of a number from 0 to {most:g}"
            raise ValueError(msg)


def gradient_section(document: Mapping[str, Any]) -> str:
    """Return what a gradient search was asked, its cells, and how the weights of ops went."""
    settings = ", ".join(f"{name} {value}" for name, value in dict(document["settings"]).items())
    facts = {
        "strategy": document["strategy"],
        "options": ", ".join(f"{k} {v}" for k, v in document["options"].items()) or "none",
        "images": f"{document['images']}, {document.get('n_images', '?')} of them",
        "steps": f"{document['steps']}, in {float(document['seconds']):.0f} seconds",
        "seed": document["seed"],
        "settings": settings,
    }
    content = [markup.facts(facts)]
    content += [
        markup.paragraph(f"The {role} cell has collapsed to {text}.")
        for role, text in document["collapse"].items()
        if text
    ]
    if "genotype" in document:
        genotype = Genotype.parse(document["genotype"])
        content += [f"<p><code>{escape(str(genotype))}</code></p>", draw_genotype(genotype)]
        return markup.section("The gradient search", *content)
    for number, role in enumerate(document["roles"]):
        cell = Architecture.parse(document["cells"][role])
        title = f"{role}: index {cell.index}, code {cell.code}"
        content.append(markup.card(title, draw_cell(cell), _edges(document, number)))
    content.append(
        markup.paragraph("Curves: the weight of each op on an edge, by step.", note=True)
    )
    return markup.section("The gradient search", *content)


def _edges(document: Mapping[str, Any], role: int) -> str:
    """Draw the weights of one role: a panel for each edge, a line for each op."""
    steps = [float(point["step"]) for point in document["trajectory"]]
    weights = [point["probabilities"][role] for point in document["trajectory"]]
    most = max(number for point in weights for edge in point for number in edge)
    panels = []
    for number, (source, target) in enumerate(EDGES):
        x0, y0 = _WIDTH * (number % 3), _HEIGHT * (number // 3)
        # Where step 0 is the only one, the axis would have no length.
        x = Axis(0.0, max(*steps, 1.0), x0 + _LEFT, x0 + _WIDTH - 8)
        y = Axis(0.0, most, y0 + _HEIGHT - 14, y0 + _TOP)
        panels.append(
            f'<text x="{x0 + _LEFT}" y="{y0 + 12}">{source}→{target}</text>'
            f'<path d="M{x(0)} {y(most)}V{y(0)}H{x(max(*steps, 1.0))}" fill="none" stroke="#111"/>'
            f'<text x="{x0 + _LEFT - 4}" y="{y(most) + 8}" text-anchor="end">{most:.2f}</text>'
        )
        for op in range(len(OPS)):
            panels.append(_line(x, y, steps, [point[number][op] for point in weights], op))
    key = "".join(
        f'<text x="{_LEFT + 95 * op}" y="{2 * _HEIGHT + 16}" fill="{COLOURS[op]}">{label}</text>'
        for op, label in enumerate(LABELS)
    )
    return (
        f'<svg viewBox="0 0 {3 * _WIDTH} {2 * _HEIGHT + 24}" width="{3 * _WIDTH}" role="img" '
        f'aria-label="weights of ops by step">{"".join(panels)}{key}</svg>'
    )


def _line(x: Axis, y: Axis, steps: Sequence[float], values: Sequence[float], op: int) -> str:
    points = " ".join(f"{x(s)},{y(v)}" for s, v in zip(steps, values, strict=True))
    colour = COLOURS[op]
    return f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.5"/>'
