"""Damaged and forged predictor folders: each is refused, none is executed."""

import hashlib
import json
import os
import pickle
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from surrobust.errors import SurrobustError
from surrobust.predictors import make_predictor
from surrobust.predictors.saving.weights import WEIGHTS as WEIGHTS_FILE
from surrobust.predictors.saving.weights import as_identity
from surrobust.predictors.shipped import load_predictor
from surrobust.spaces import Architecture

Refused = Callable[..., str]
Damage = Callable[[Path], None]

KINDS = ("xgboost", "random_forest", "gp", "gnn", "ensemble", "default")
SMALL: dict[str, dict[str, Any]] = {
    "xgboost": {"trees": 10},
    "random_forest": {"trees": 10},
    "gnn": {"updates": 2, "calibration_folds": 0},
    "gp": {"calibration_folds": 2},
    "ensemble": {"updates": 2, "calibration_folds": 0},
    "default": {"calibration_folds": 0},
}
"""Options with which a kind is fitted in a moment."""

ARGUMENTS = ["predict", "2581", "--predictor", "model"]


@pytest.fixture(scope="session")
def folders(
    tmp_path_factory: pytest.TempPathFactory,
    toy_cells: list[Architecture],
    toy_values: np.ndarray,
) -> Callable[[str], Path]:
    """Return a saved predictor of a kind, fitted once a session; to be copied, not changed."""
    made: dict[str, Path] = {}
    place = tmp_path_factory.mktemp("models")

    def folder(kind: str) -> Path:
        if kind not in made:
            name, _, seed = kind.partition("#")
            model = make_predictor(name, seed=int(seed or 0), **SMALL.get(name, {}))
            model.fit(toy_cells, toy_values).save(place / kind)
            made[kind] = place / kind
        return made[kind]

    return folder


def card_of(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "card.json").read_text())


def write_card(folder: Path, card: Any) -> None:
    (folder / "card.json").write_text(json.dumps(card))


def weights_of(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.name != "card.json")


def rewrite(path: Path, content: bytes) -> None:
    """Replace a weights file and forge its checksum in the card."""
    path.write_bytes(content)
    card = card_of(path.parent)
    assert path.name in card["files"]
    card["files"][path.name] = hashlib.sha256(content).hexdigest()
    write_card(path.parent, card)


class Trap:
    """An object whose unpickling leaves a mark."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (os.mkdir, (os.environ["SURROBUST_TEST_MARK"],))


def weights(damage: Callable[[bytes], bytes], *, forge: bool) -> Damage:
    def apply(folder: Path) -> None:
        path = weights_of(folder)[0]
        content = damage(path.read_bytes())
        if forge:
            rewrite(path, content)
        else:
            path.write_bytes(content)

    return apply


def flip(at: int) -> Callable[[bytes], bytes]:
    def damage(content: bytes) -> bytes:
        place = at % len(content)
        return content[:place] + bytes([content[place] ^ 0x55]) + content[place + 1 :]

    return damage


WEIGHTS: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda _: b"",
    "one byte": lambda content: content[:1],
    "eight bytes": lambda content: content[:8],
    "half": lambda content: content[: len(content) // 2],
    "last byte missing": lambda content: content[:-1],
    "one byte more": lambda content: content + b"\0",
    "twice": lambda content: content * 2,
    "first byte flipped": flip(0),
    "header flipped": flip(12),
    "zeros": lambda content: bytes(len(content)),
    "text": lambda _: b"these are no weights\n",
    "json": lambda _: b"{}",
    "pickle": lambda _: pickle.dumps(Trap()),
    "old pickle": lambda _: pickle.dumps(Trap(), protocol=0),
    "huge header": lambda _: struct.pack("<Q", 2**63) + b"{}",
    "header beyond the end": lambda _: struct.pack("<Q", 10_000) + b"{}",
    "header not JSON": lambda _: struct.pack("<Q", 4) + b"nope",
    "no tensors": lambda _: struct.pack("<Q", 2) + b"{}",
    "offsets beyond the end": lambda _: _tensors(
        '{"a":{"dtype":"F64","shape":[9],"data_offsets":[0,72]}}'
    ),
    "unknown dtype": lambda _: _tensors('{"a":{"dtype":"X1","shape":[1],"data_offsets":[0,8]}}'),
    "another tensor": lambda _: _tensors('{"a":{"dtype":"F64","shape":[1],"data_offsets":[0,8]}}'),
}


def _tensors(header: str) -> bytes:
    return struct.pack("<Q", len(header)) + header.encode() + bytes(8)


def replace_by_folder(folder: Path) -> None:
    path = weights_of(folder)[0]
    path.unlink()
    path.mkdir()


DAMAGES: dict[str, Damage] = {
    **{f"weights: {name}": weights(damage, forge=False) for name, damage in WEIGHTS.items()},
    **{f"forged: {name}": weights(damage, forge=True) for name, damage in WEIGHTS.items()},
    "weights missing": lambda folder: weights_of(folder)[0].unlink(),
    "weights a folder": replace_by_folder,
    "extra file": lambda folder: (folder / "notes.txt").write_text("hello"),
    "extra pickle": lambda folder: (folder / "model.pkl").write_bytes(pickle.dumps(Trap())),
    "extra folder": lambda folder: (folder / "more").mkdir(),
    "extra hidden file": lambda folder: (folder / ".hidden").write_text("x"),
    "card missing": lambda folder: (folder / "card.json").unlink(),
    "card a folder": lambda folder: (
        (folder / "card.json").unlink(),
        (folder / "card.json").mkdir(),
    ),
    "nothing": lambda folder: shutil.rmtree(folder),
    "empty folder": lambda folder: [path.unlink() for path in folder.iterdir()],
    "a file": lambda folder: (shutil.rmtree(folder), folder.write_text("model")),
}


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the folder to be damaged goes; afterwards no trap may have sprung."""
    mark = tmp_path / "executed"
    monkeypatch.setenv("SURROBUST_TEST_MARK", str(mark))
    yield tmp_path / "model"
    assert not mark.exists()


def resave(path: Path, change: Callable[[dict[str, np.ndarray]], None] = lambda _: None) -> None:
    """Write the tensors of a file anew, changed or not, and forge the checksum."""
    from safetensors.numpy import load, save

    tensors = load(path.read_bytes())
    change(tensors)
    rewrite(path, save(tensors))


def set_option(folder: Path, option: str, value: Any) -> None:
    """Set an option in the card, with an identity and checksums made to fit."""
    card = card_of(folder)
    card["options"][option] = value
    write_card(folder, card)
    # A text is written as JSON, and the identity is a text.
    identity = json.dumps(as_identity(card["kind"], card["options"])).encode()
    new = {"identity": np.frombuffer(identity, dtype=np.uint8)}
    resave(folder / WEIGHTS_FILE, lambda tensors: tensors.update(new))


def change_card(folder: Path, key: str, value: Any) -> None:
    """Replace an entry of the card; ``...`` deletes it."""
    card = place = card_of(folder)
    *keys, last = key.split(".")
    for part in keys:
        place = place[part]
    place[last] = value
    if value is ...:
        del place[last]
    write_card(folder, card)


HARMLESS: dict[str, Damage] = {
    "nothing": lambda _: None,
    "forged": lambda folder: [rewrite(path, path.read_bytes()) for path in weights_of(folder)],
    "tensors written anew": lambda folder: resave(folder / WEIGHTS_FILE),
    "card in another order": lambda folder: write_card(
        folder, dict(reversed(card_of(folder).items()))
    ),
    "an option as it is": lambda folder: set_option(folder, "seed", 0),
    "another name": lambda folder: change_card(folder, "name", "mine"),
    "another version": lambda folder: change_card(folder, "version", 7),
    "another date": lambda folder: change_card(folder, "date", "1999-01-01"),
    "no metrics": lambda folder: change_card(folder, "metrics", {}),
    "another metric": lambda folder: change_card(folder, "metrics", {"value": {"mine": 1.0}}),
    "of a table": lambda folder: change_card(folder, "trained_on", {"table": "mine"}),
}


@pytest.mark.parametrize("change", HARMLESS)
def test_a_harmless_change_is_taken(
    run_cli: Callable[..., tuple[int, str, str]],
    folders: Callable[[str], Path],
    model: Path,
    monkeypatch: pytest.MonkeyPatch,
    change: str,
) -> None:
    shutil.copytree(folders("xgboost"), model)
    HARMLESS[change](model)
    monkeypatch.chdir(model.parent)
    code, out, err = run_cli([*ARGUMENTS, "--json"])
    assert code == 0, err
    (shown,) = json.loads(out)["predictions"][0]["values"].values()
    expected = load_predictor(folders("xgboost")).predict([2581])[0]
    assert shown["mean"] == pytest.approx(expected)


@pytest.mark.parametrize("kind", KINDS)
def test_a_forged_folder_of_every_kind_is_taken_where_nothing_is_damaged(
    folders: Callable[[str], Path], model: Path, kind: str
) -> None:
    shutil.copytree(folders(kind), model)
    set_option(model, "seed", 0)
    for path in weights_of(model):
        if path.suffix == ".safetensors":
            resave(path)
    expected = load_predictor(folders(kind)).predict([2581])
    assert load_predictor(model).predict([2581]) == pytest.approx(expected)


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_folder_is_refused(
    refused: Refused, folders: Callable[[str], Path], model: Path, damage: str
) -> None:
    shutil.copytree(folders("xgboost"), model)
    DAMAGES[damage](model)
    assert "model" in refused(ARGUMENTS)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "xgboost"])
@pytest.mark.parametrize("forge", [False, True], ids=["plain", "forged"])
@pytest.mark.parametrize("damage", ["empty", "half", "header flipped", "pickle", "no tensors"])
def test_damaged_weights_of_every_kind_are_refused(
    refused: Refused,
    folders: Callable[[str], Path],
    model: Path,
    kind: str,
    damage: str,
    forge: bool,
) -> None:
    shutil.copytree(folders(kind), model)
    weights(WEIGHTS[damage], forge=forge)(model)
    refused(ARGUMENTS)


CARDS = {
    "empty": "",
    "blank": "\n",
    "null": "null",
    "list": "[]",
    "object": "{}",
    "text": '"card"',
    "number": "1" * 5000,
    "truncated": None,
    "deep": "[" * 50_000,
    "nul": "\0",
    "nan": '{"name": NaN}',
    "duplicate": '{"name": "a", "name": "a"}',
    "html": "<!doctype html>",
    "yaml": "name: xgboost\n",
}


@pytest.mark.parametrize("name", CARDS)
def test_a_card_that_is_no_card_is_refused(
    refused: Refused, folders: Callable[[str], Path], model: Path, name: str
) -> None:
    shutil.copytree(folders("xgboost"), model)
    text = CARDS[name]
    if text is None:
        text = (model / "card.json").read_text()[:-20]
    (model / "card.json").write_text(text)
    assert "card.json" in refused(ARGUMENTS)


CHANGES: list[tuple[str, Any]] = [
    *((key, ...) for key in ("format", "name", "version", "kind", "targets", "encoder", "options")),
    *((key, ...) for key in ("trained_on", "split", "metrics", "code_version", "date", "files")),
    ("fingerprint", ...),
    *(
        (key, [None])
        for key in ("format", "name", "version", "kind", "encoder", "options", "files")
    ),
    ("format", 1),
    ("format", 3),
    ("format", 10**30),
    ("format", -(10**30)),
    ("format", "2"),
    ("format", True),
    ("version", 1e400),
    ("version", 1.5),
    ("name", None),
    ("name", {"a": 1}),
    ("kind", "gp"),
    ("kind", "no-such-kind"),
    ("kind", "os.system"),
    ("kind", "../xgboost"),
    ("kind", ""),
    ("encoder", "one_hot"),
    ("encoder", "no-such-encoder"),
    ("encoder", ""),
    ("targets", []),
    ("targets", ["other"]),
    ("targets", ["value", "value"]),
    ("targets", ["value", "more"]),
    ("targets", "value"),
    ("targets", [1]),
    ("targets", {}),
    ("options.seed", -1),
    ("options.seed", "x"),
    ("options.seed", 5),
    ("options.seed", 1e400),
    ("options.members", 3),
    ("options.members", 10**12),
    ("options.members", 0),
    ("options.encoder", "one_hot"),
    ("options.encoder", ["features"]),
    ("options.calibration_folds", 0),
    ("options.calibration_folds", 1),
    ("options.unknown", 1),
    ("options.self", 1),
    ("options", []),
    ("metrics", "good"),
    ("metrics", {"value": 1}),
    ("metrics", {"value": {"kendall_tau": "high"}}),
    ("trained_on", "a table"),
    ("files", {}),
    ("files", []),
    ("files", {"../other.ubj": "0" * 64}),
    ("files", {"/etc/passwd": "0" * 64}),
    ("files", {"model.pkl": "0" * 64}),
    ("files", {"card.json": "0" * 64}),
    ("files", {"": ""}),
    ("files", {"booster-0.ubj": 3}),
    ("files", {"booster-0.ubj": "0" * 64}),
    ("unknown", 1),
]


@pytest.mark.parametrize(("key", "value"), CHANGES, ids=[f"{k}={str(v)[:20]}" for k, v in CHANGES])
def test_a_changed_card_is_refused(
    refused: Refused, folders: Callable[[str], Path], model: Path, key: str, value: Any
) -> None:
    shutil.copytree(folders("xgboost"), model)
    change_card(model, key, value)
    refused(ARGUMENTS)


FORGED: list[tuple[str, str, Any]] = [
    ("gnn", "members", 10**9),
    ("gnn", "members", 3),
    ("gnn", "layers", 10**6),
    ("gnn", "layers", 3),
    ("gnn", "width", 10**5),
    ("gnn", "width", 10**30),
    ("ensemble", "members", 10**9),
    ("xgboost", "members", 10**9),
    ("xgboost", "members", 1),
    ("xgboost", "trees", 10**9),
    ("random_forest", "trees", 10**9),
]
"""Options that are not those of the weights, with an identity and checksums made to fit."""


@pytest.mark.parametrize(("kind", "option", "value"), FORGED)
def test_a_card_does_not_decide_how_much_is_made(
    refused: Refused,
    folders: Callable[[str], Path],
    model: Path,
    kind: str,
    option: str,
    value: Any,
) -> None:
    shutil.copytree(folders(kind), model)
    set_option(model, option, value)
    # Before anything of that size was made, so before it could be asked for a prediction.
    assert "fingerprint" not in refused(ARGUMENTS)


def test_every_file_of_a_folder_is_needed_and_verified(
    refused: Refused, folders: Callable[[str], Path], model: Path
) -> None:
    names = [path.name for path in weights_of(folders("xgboost"))]
    assert len(names) >= 2
    for name in names:
        for damage in (flip(-1), lambda content: content[:-1]):
            shutil.copytree(folders("xgboost"), model)
            (model / name).write_bytes(damage((model / name).read_bytes()))
            assert name in refused(ARGUMENTS)
            shutil.rmtree(model)
        shutil.copytree(folders("xgboost"), model)
        (model / name).unlink()
        assert name in refused(ARGUMENTS)
        shutil.rmtree(model)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_weights_that_are_not_finite_are_refused(
    refused: Refused, folders: Callable[[str], Path], model: Path, kind: str, value: float
) -> None:
    spoilt = 0

    def spoil(tensors: dict[str, np.ndarray]) -> None:
        nonlocal spoilt
        floats = [array for array in tensors.values() if array.dtype.kind == "f" and array.size]
        for array in floats[:1]:
            array.flat[0] = value
            spoilt += 1

    for name in [p.name for p in weights_of(folders(kind)) if p.suffix == ".safetensors"]:
        shutil.copytree(folders(kind), model)
        before = spoilt
        resave(model / name, spoil)
        if spoilt > before:
            assert "finite" in refused(ARGUMENTS)
        shutil.rmtree(model)
    assert spoilt >= 1


@pytest.mark.parametrize("content", [b"\xff\xfe{}", b"\x80\x04\x95."], ids=["utf-16", "pickle"])
def test_a_card_that_is_no_text_is_refused(
    refused: Refused, folders: Callable[[str], Path], model: Path, content: bytes
) -> None:
    shutil.copytree(folders("xgboost"), model)
    (model / "card.json").write_bytes(content)
    assert "card.json" in refused(ARGUMENTS)


@pytest.mark.parametrize("other", ["random_forest", "xgboost#1"])
def test_the_card_of_another_model_is_refused(
    refused: Refused, folders: Callable[[str], Path], model: Path, other: str
) -> None:
    shutil.copytree(folders("xgboost"), model)
    shutil.copy(folders(other) / "card.json", model / "card.json")
    refused(ARGUMENTS)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_no_byte_of_a_folder_can_change_unnoticed(
    data, folders: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> None:
    model = tmp_path_factory.mktemp("flip") / "model"
    shutil.copytree(folders("xgboost"), model)
    path = data.draw(st.sampled_from(weights_of(model)))
    path.write_bytes(flip(data.draw(st.integers(0, 10**9)))(path.read_bytes()))
    with pytest.raises(SurrobustError):
        load_predictor(model)
