"""The part of a report that is about a search."""

import math
from collections.abc import Sequence

from ..searches import SearchResult
from ..searches.base import Evaluation
from ..spaces import Architecture, count_flops, count_parameters
from ..targets import Target
from ..typing import AnyPath
from . import markup
from .course import draw_front, draw_incumbent, regret_of
from .drawing import Bar, draw_bars, draw_cell, format_number
from .knowledge import COVERAGE, Estimate, estimate

_DRAWN = 12


def search_sections(result: SearchResult, *, data_dir: AnyPath | None = None) -> list[str]:
    """Return what was asked, how the search went, its finalists, and all evaluations."""
    sections = [markup.section("What was asked", markup.facts(_asked(result)))]
    if result.evaluations and not result.all_failed:
        sections.append(markup.section("How the search went", *_course(result, data_dir)))
    sections.append(markup.section("Finalists", *_finalists(result, data_dir)))
    if result.evaluations:
        sections.append(markup.section("All evaluations", _all(result)))
    return sections


def _asked(result: SearchResult) -> dict[str, object]:
    goal = result.target or "a function of the user's"
    asked: dict[str, object] = {
        "target": f"{goal}, {'higher' if result.higher_is_better else 'lower'} is better",
        "strategy": result.strategy,
        "budget": f"{result.budget} evaluations, {_made(result)}",
        "values from": result.objective,
        "seed": result.seed,
        "surrobust": result.version,
    }
    if result.directions:
        names = result.targets or [f"objective {j}" for j in range(len(result.directions))]
        pairs = zip(names, result.directions, strict=True)
        asked["objectives"] = ", ".join(f"{way} {name}" for name, way in pairs)
    if result.bounds:
        asked["bounds"] = ", ".join(map(str, result.bounds))
    if result.warm_start:
        asked["warm start"] = f"{result.warm_start} best by zero-cost scores first"
    return asked


def _made(result: SearchResult) -> str:
    failed = f", {len(result.failures)} of them failed" if result.failures else ""
    return f"{len(result.evaluations)} made{failed}"


def _course(result: SearchResult, data_dir: AnyPath | None) -> list[str]:
    """Draw the incumbent, its regret where the table is here, and the front if there is one."""
    known = [e for e in result.evaluations if not e.failed]
    found = (max if result.higher_is_better else min)(known, key=lambda e: e.value)
    told = f"Best value {format_number(found.value)}, at evaluation {found.trial + 1} "
    told += f"of {len(result.evaluations)}."
    behind = regret_of(result, data_dir=data_dir)
    if behind is not None:
        told += f" Regret, the distance to the best in the table: {behind:.4f}."
    drawn = [draw_incumbent(result, data_dir=data_dir)]
    drawn.append(markup.paragraph(told + " Dots: evaluations; line: best so far."))
    if len(result.directions) > 1:
        drawn.append(draw_front(result))
        drawn.append(markup.paragraph("Filled: what no other evaluation dominates."))
    return drawn


def _finalists(result: SearchResult, data_dir: AnyPath | None) -> list[str]:
    finalists = result.finalists
    if not finalists:
        return [markup.paragraph("None: nothing was measured, or nothing keeps the bounds.")]
    shown = finalists[:_DRAWN]
    cells = [e.architecture for e in shown]
    none: list[list[Estimate]] = [[] for _ in cells]
    known = estimate(cells, result.target, data_dir=data_dir) if result.target else none
    content = [
        markup.cards(
            _card(rank, e, own) for rank, (e, own) in enumerate(zip(shown, known, strict=True), 1)
        )
    ]
    if len(finalists) > len(shown):
        content.append(markup.paragraph(f"{len(finalists)} in all; the first {_DRAWN} are drawn."))
    if any(known):
        content.insert(0, markup.paragraph(_legend(known), note=True))
    return content


def _legend(known: Sequence[Sequence[Estimate]]) -> str:
    flat = [one for own in known for one in own]
    drawn = Target.parse(flat[0].target).is_accuracy
    predicted, measured = ("Bars", "Red line") if drawn else ("Predicted", "Measured")
    told = f"{predicted}: by the shipped predictor, with its {COVERAGE:.0%} interval. "
    if any(one.measured is not None for one in flat):
        told += f"{measured}: in the published table. "
    else:
        told += "The published tables are not here, so that measured values are left out. "
    if any(one.trained_on for one in flat):
        told += "The predictor was trained on these cells: they are no test of it."
    return told


def _card(rank: int, evaluation: Evaluation, known: Sequence[Estimate]) -> str:
    cell, value = evaluation.architecture, evaluation.value
    title = f"{rank}. index {cell.index}, code {cell.code}"
    content = [draw_cell(cell)]
    facts = describe_cell(cell)
    if not math.isnan(value):
        numbers = evaluation.values or (value,)
        facts = {"value": ", ".join(map(format_number, numbers)), **facts}
    content.append(markup.facts(facts))
    accuracies = [one for one in known if Target.parse(one.target).is_accuracy]
    if accuracies:
        bars = [
            Bar(Target.parse(one.target).metric, one.mean, (one.lower, one.upper), one.measured)
            for one in accuracies
        ]
        content.append(draw_bars(bars, mark="measured"))
    elif known:
        content.append(markup.table(("target", "predicted", "interval", "measured"), _rows(known)))
    return markup.card(title, *content)


def _rows(known: Sequence[Estimate]) -> list[tuple[object, ...]]:
    return [
        (
            Target.parse(one.target).metric,
            format_number(one.mean),
            f"{format_number(one.lower)} to {format_number(one.upper)}",
            "–" if one.measured is None else format_number(one.measured),
        )
        for one in known
    ]


def describe_cell(cell: Architecture) -> dict[str, object]:
    """Return what is known of a cell without any measurement."""
    return {
        "genotype": cell.genotype,
        "parameters": f"{count_parameters(cell):,}",
        "FLOPs": f"{count_flops(cell):,}",
    }


def _all(result: SearchResult) -> str:
    rows = [
        (
            e.trial + 1,
            f"failed: {e.error}"
            if e.failed
            else ", ".join(format_number(v) for v in e.values or (e.value,)),
            e.architecture.index,
            e.architecture.code,
            e.source,
        )
        for e in result.evaluations
    ]
    return markup.table(("evaluation", "value", "index", "code", "source"), rows)
