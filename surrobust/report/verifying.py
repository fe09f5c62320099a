"""The part of a report that is about verification records."""

from collections.abc import Mapping, Sequence
from typing import Any

from ..spaces import Genotype, draw_genotype, parse_any
from ..tables.attacked import attack_of, tell_attack
from . import markup
from .drawing import Bar, draw_bars, draw_cell
from .searching import describe_cell

_DRAWN = 24
_CLEAN = "clean"


def record_sections(name: str, records: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return a file's records: one card each, the most robust first, and where they are from.

    Args:
        name: Of the file.
        records: As ``read_records`` returns them, at least one.
    """
    metrics = list(dict.fromkeys(metric for record in records for metric in record["accuracy"]))
    ranked = sorted(records, key=_robustness, reverse=True)
    told = f"{len(records)} records of {len({r['index'] for r in records})} cells."
    if len(ranked) > _DRAWN:
        told += f" The {_DRAWN} most robust ones are drawn, all are in the table."
    told += " Whiskers: 95 % intervals from the number of test images; not the noise of training."
    told += _ambiguous(records, metrics)
    header = ("index", "code", "images", "recipe", "seed", *metrics, "test images")
    return [
        markup.section(
            f"Verified: {name}",
            markup.paragraph(told, note=True),
            markup.cards(_card(record) for record in ranked[:_DRAWN]),
            markup.table(header, [_row(record, metrics) for record in ranked]),
        ),
        markup.section(f"Provenance of {name}", _provenance(records)),
    ]


def _ambiguous(records: Sequence[Mapping[str, Any]], metrics: Sequence[str]) -> str:
    """Say which metrics are not the same attack in all records; nothing if all are."""
    told = ""
    for metric in metrics:
        own = [attack_of(record, metric) for record in records if metric in record["accuracy"]]
        meant = list(dict.fromkeys(map(tell_attack, own)))
        if len(meant) > 1:
            told += f" {metric} is not one attack but {', '.join(meant)}: do not compare these."
    return told


def _robustness(record: Mapping[str, Any]) -> float:
    """Return the least accuracy under attack, the clean one where there is no attack."""
    accuracy = record["accuracy"]
    attacked = [value for metric, value in accuracy.items() if metric != _CLEAN]
    return min(attacked or list(accuracy.values()), default=-1.0)


def _card(record: Mapping[str, Any]) -> str:
    cell = parse_any(record["architecture"])
    bars = [
        Bar(metric, float(value), _interval(record, metric))
        for metric, value in record["accuracy"].items()
    ]
    facts = {
        "trained": f"{record['recipe']} on {record['images']}, seed {record['seed']}",
        **({"genotype": cell.text} if isinstance(cell, Genotype) else describe_cell(cell)),
    }
    if record.get("pruned"):
        facts = {"cut short": "yes: the training was not finished", **facts}
    drawn = [draw_bars(bars)] if bars else []
    if isinstance(cell, Genotype):
        return markup.card(cell.code, draw_genotype(cell), *drawn, markup.facts(facts))
    title = f"index {cell.index}, code {cell.code}"
    return markup.card(title, draw_cell(cell), *drawn, markup.facts(facts))


def _interval(record: Mapping[str, Any], metric: str) -> tuple[float, float] | None:
    """Return the interval of an accuracy; None where the record has none that makes sense."""
    intervals = record.get("intervals")
    ends = intervals.get(metric) if isinstance(intervals, Mapping) else None
    if not isinstance(ends, list) or len(ends) != 2:
        return None
    if not all(isinstance(end, int | float) and 0 <= end <= 1 for end in ends):
        return None
    return float(ends[0]), float(ends[1])


def _row(record: Mapping[str, Any], metrics: Sequence[str]) -> tuple[object, ...]:
    accuracy = record["accuracy"]
    return (
        record["index"],
        parse_any(record["architecture"]).code,
        record["images"],
        record["recipe"],
        record["seed"],
        *(f"{accuracy[metric]:.4f}" if metric in accuracy else "–" for metric in metrics),
        record["n_test"],
    )


def _provenance(records: Sequence[Mapping[str, Any]]) -> str:
    """Tell how, where and with what each group of records was made."""
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for record in records:
        settings = {k: v for k, v in record["train"].items() if k not in _OF_A_RUN}
        made = [record["recipe"], _images(record), record.get("identity")]
        shared = [*made, settings, record["device"], record["versions"], record.get("commit")]
        groups.setdefault(str(shared), []).append(record)
    content = []
    for own in groups.values():
        first = own[0]
        starts = sorted(record["started"] for record in own)
        facts = {
            "records": len(own),
            "recipe": first["recipe"],
            "images": _images(first),
            **{k: v for k, v in first["train"].items() if k not in _OF_A_RUN},
            "attacks": "; ".join(_attacks(own)) or "–",
            "device": first["device"],
            "versions": ", ".join(f"{k} {v}" for k, v in first["versions"].items()),
            "commit": first.get("commit") or "–",
            "started": starts[0] if len(own) == 1 else f"{starts[0]} to {starts[-1]}",
            "seconds of training": f"{sum(map(_seconds, own)):.1f}",
        }
        content.append(markup.facts(facts))
    return "\n".join(content)


def _images(record: Mapping[str, Any]) -> str:
    """Return which images a record is of, by name and, where it says so, by content."""
    identity = record.get("identity") or {}
    digests = [
        f"{part} {identity[part]['sha256'][:12]}" for part in ("train", "test") if part in identity
    ]
    told = f" (sha256: {', '.join(digests)})" if digests else ""
    return f"{record['images']}{told}"


def _attacks(records: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return what the names of metrics mean in records, each meaning once."""
    told = {
        f"{metric}: {tell_attack(attack)}": None
        for record in records
        for metric in record["accuracy"]
        if (attack := attack_of(record, metric)) is not None
    }
    return list(told)


_OF_A_RUN = ("loss", "alarms", "seconds")
"""Entries of ``train`` that are outcomes, not settings."""


def _seconds(record: Mapping[str, Any]) -> float:
    seconds = record["train"].get("seconds")
    return float(seconds) if isinstance(seconds, int | float) else 0.0
