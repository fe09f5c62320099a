"""A whole search on noise: reproducible, resumable, its files whole or refused."""

import json
import os
from dataclasses import replace

import numpy as np
import pytest
import torch

from surrobust._checkpoints import read_checkpoint, write_checkpoint
from surrobust.differentiable import (
    GRADIENT_CLASSES,
    PRESETS,
    Arnas,
    Dsrna,
    Settings,
    gradient_search,
    search,
)
from surrobust.differentiable.batches import Halves, shift_and_mirror
from surrobust.errors import InvalidInputError
from surrobust.images import load_images
from surrobust.spaces import Genotype

SMALL = Settings(
    channels=1, cells=1, image_size=4, limit=16, batch=4, epochs=2, order=1, alpha_rate=0.1
)


def start(name="darts", **options):
    settings = replace(SMALL, **options.pop("settings", {}))
    method = GRADIENT_CLASSES[name](**({"steps": 1} if name == "arnas" else {}))
    return gradient_search(method, "random", settings=settings, **options)


@pytest.mark.parametrize("name", list(GRADIENT_CLASSES))
def test_the_seed_decides(name):
    settings = {"limit": 4, "batch": 2, "order": 1 if name == "dsrna" else 2, "epochs": 1}
    first, again, other = (start(name, seed=s, settings=settings) for s in (1, 1, 2))
    assert np.array_equal(first.probabilities, again.probabilities)
    assert not np.array_equal(first.probabilities, other.probabilities)
    assert first.roles == tuple(first.cells)
    np.testing.assert_allclose(first.probabilities.sum(-1), 1.0, rtol=1e-5)
    moved = np.array(first.document["trajectory"][-1]["probabilities"])
    np.testing.assert_allclose(moved, first.probabilities, atol=1e-5)


def test_interrupted_and_resumed_is_as_never_interrupted(tmp_path):
    whole = start("arnas", seed=3, out=tmp_path / "whole")

    class KillError(Exception):
        pass

    def kill(step, total, notes):
        if step == 3:
            raise KillError

    with pytest.raises(KillError):
        start("arnas", seed=3, out=tmp_path / "part", progress=kill)
    seen = []
    resumed = start(
        "arnas", seed=3, out=tmp_path / "part", progress=lambda step, *_: seen.append(step)
    )
    assert seen == [4]
    assert np.array_equal(whole.probabilities, resumed.probabilities)
    assert whole.document["trajectory"] == resumed.document["trajectory"]
    document = json.loads((tmp_path / "part" / "gradient.json").read_text())
    assert document["cells"] == {role: cell.genotype for role, cell in resumed.cells.items()}
    assert len(list((tmp_path / "part").glob("*.safetensors"))) == 1
    again = start("arnas", seed=3, out=tmp_path / "part", progress=lambda *_: 1 / 0)
    assert again.cells == whole.cells


def test_partial_channels_from_start_to_file(tmp_path):
    settings = {"space": "darts", "channels": 2, "cells": 3, "partial": 2, "image_size": 8}
    settings |= {"limit": 8, "batch": 2}

    def kill(step, *_):
        if step == 3:
            raise KeyboardInterrupt

    whole = start(settings=settings)
    with pytest.raises(KeyboardInterrupt):
        start(settings=settings, out=tmp_path, progress=kill)
    found = start(settings=settings, out=tmp_path)
    assert np.array_equal(found.probabilities, whole.probabilities)
    document = json.loads((tmp_path / "gradient.json").read_text())
    assert document.pop("checksum")
    assert document == {**whole.document, "seconds": document["seconds"]}
    weights = np.array([point["edge_weights"] for point in document["trajectory"]])
    assert weights.shape == (len(document["trajectory"]), 2, 14)
    np.testing.assert_allclose(weights[:, :, :2].sum(-1), 1.0, atol=1e-5)
    assert np.abs(weights[-1] - weights[0]).max() > 0.01  # edges move too
    np.testing.assert_allclose(document["edge_weights"], weights[-1])
    assert Genotype.parse(document) == whole.genotype
    with pytest.raises(InvalidInputError, match="image_size: expected a multiple of 4 as channels"):
        start(settings={**settings, "image_size": 9})


def test_a_checkpoint_of_before_partial_channels_goes_on_as_it_began(tmp_path):
    before = {"normalised": True, "in_turn": True, "whole": True}
    start(seed=0, out=tmp_path, settings=before)
    path = tmp_path / "checkpoint.safetensors"
    tensors, state = read_checkpoint(path, advice="")
    assert state["settings"].pop("partial") is None
    for name, value in before.items():
        assert state["settings"].pop(name) is value
    write_checkpoint(path, tensors, state)
    start(seed=0, out=tmp_path, settings=before, progress=lambda *_: 1 / 0)
    message = "settings: in_turn: expected False as in this search, got True in"
    with pytest.raises(InvalidInputError, match=message):
        start(seed=0, out=tmp_path)


def test_a_checkpoint_of_other_images_is_refused(tmp_path):
    start(seed=0, out=tmp_path)
    remake(tmp_path, {"images_sha256": "0" * 64})
    with pytest.raises(InvalidInputError, match="images_sha256: expected"):
        start(seed=0, out=tmp_path)


def test_a_search_that_an_older_version_began_is_not_begun_anew(tmp_path):
    (tmp_path / "state.json").write_text("{}")
    with pytest.raises(
        InvalidInputError, match=r"got the state of an older .*\(delete state\.json"
    ):
        start(seed=0, out=tmp_path)
    (tmp_path / "state.json").unlink()
    start(seed=0, out=tmp_path)


def test_two_searches_at_once_are_refused(tmp_path):
    def another(*_):
        with pytest.raises(InvalidInputError, match=f"got process {os.getpid()} on "):
            start(seed=1, out=tmp_path)

    start(seed=0, out=tmp_path, progress=another)
    start(seed=0, out=tmp_path)
    assert not list(tmp_path.glob("*.lock"))


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_the_callers_mode_changes_nothing(mode):
    whole = start(seed=0)
    with mode():
        assert np.array_equal(start(seed=0).probabilities, whole.probabilities)


def test_a_checkpoint_of_another_search_or_a_damaged_one_is_refused(tmp_path):
    start(seed=0, out=tmp_path)
    with pytest.raises(InvalidInputError, match="seed: expected 1 as in this search, got 0"):
        start(seed=1, out=tmp_path)
    with pytest.raises(InvalidInputError, match="settings: epochs: expected 3 as in this search"):
        start(seed=0, out=tmp_path, settings={"epochs": 3})
    (weights,) = tmp_path.glob("*.safetensors")
    whole = weights.read_bytes()
    for damaged in (whole[:-1], whole.replace(b"trajectory", b"trajectorz"), b""):
        weights.write_bytes(damaged)
        told = r"expected a checkpoint, got .*\(delete checkpoint\.safetensors to search anew\)"
        with pytest.raises(InvalidInputError, match=told):
            start(seed=0, out=tmp_path)


def remake(folder, change_state=None, change_tensors=None):
    """Make a checkpoint say something else, with a checksum that fits."""
    (path,) = folder.glob("*.safetensors")
    tensors, state = read_checkpoint(path, advice="")
    write_checkpoint(path, (change_tensors or dict)(tensors), {**state, **(change_state or {})})


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"step": 99}, "got the step 99 of 4"),
        ({"step": -1}, "got the step -1 of 4"),
        ({"step": "1"}, "got the step '1' of 4"),
        ({"step": True}, "got the step True of 4"),
        ({"trajectory": "ab"}, "got the trajectory 'ab'"),
        ({"trajectory": [1]}, r"got the trajectory \[1\]"),
        ({"seconds": "1"}, "got '1' seconds"),
        ({"seconds": -1}, "got -1 seconds"),
    ],
)
def test_a_state_that_no_search_has_is_refused(tmp_path, change, told):
    start(seed=0, out=tmp_path)
    remake(tmp_path, change)
    with pytest.raises(
        InvalidInputError, match=rf"{told} \(delete checkpoint\.safetensors to search anew\)"
    ):
        start(seed=0, out=tmp_path)


@pytest.mark.parametrize("part", ["network.", "sgd.", "adam."])
@pytest.mark.parametrize("how", ["missing", "(1,)", "float64"])
def test_tensors_of_another_search_are_refused(tmp_path, part, how):
    start(seed=0, out=tmp_path)

    def change(tensors):
        name = max((n for n in tensors if n.startswith(part)), key=lambda n: tensors[n].numel())
        old = tensors.pop(name)
        new = {"missing": {}, "(1,)": {name: torch.zeros(1)}, "float64": {name: old.double()}}
        return {**tensors, **new[how]}

    remake(tmp_path)
    start(seed=0, out=tmp_path, progress=lambda *_: 1 / 0)
    remake(tmp_path, change_tensors=change)
    with pytest.raises(InvalidInputError, match=rf"in the place of .* as '{part}"):
        start(seed=0, out=tmp_path)


def test_a_checkpoint_from_before_an_option_was_there_is_refused(tmp_path, monkeypatch):
    options = Dsrna().options
    old = {name: value for name, value in options.items() if name != "relaxation"}
    settings = {"limit": 4, "batch": 2, "epochs": 1}
    with monkeypatch.context() as patch:
        patch.setattr(Dsrna, "options", old)
        start("dsrna", settings=settings, out=tmp_path)
    message = "options: relaxation: expected 'interval' as in this search, got None in"
    with pytest.raises(InvalidInputError, match=message):
        start("dsrna", settings=settings, out=tmp_path)


def test_a_checkpoint_of_another_attack_is_refused(tmp_path, monkeypatch):
    options = Arnas(steps=1).options
    old = {name: options[name] for name in options if name not in ("modes", "clipped", "unrolled")}
    settings = {"limit": 4, "batch": 2, "epochs": 1}
    with monkeypatch.context() as patch:
        patch.setattr(Arnas, "options", old)
        start("arnas", settings=settings, out=tmp_path)
    message = "options: modes: expected 'train' as in this search, got None in"
    with pytest.raises(InvalidInputError, match=message):
        start("arnas", settings=settings, out=tmp_path)


@pytest.mark.parametrize("name", ["darts", "arnas"])
def test_the_strategies_own_cells(tmp_path, name):
    settings = {"space": "darts", "cells": 4, "limit": 4, "batch": 2, "epochs": 1}
    found = start(name, seed=0, settings=settings, out=tmp_path)
    assert found.cells == {}
    assert found.genotype.space == name
    document = json.loads((tmp_path / "gradient.json").read_text())
    assert Genotype.parse(document["genotype"]) == Genotype.parse(document) == found.genotype
    assert (tmp_path / "genotype.svg").read_text().startswith("<svg")


def test_warm_up_leaves_the_architecture_alone():
    found = start(seed=0, settings={"warm_up": 2})
    points = [point["probabilities"] for point in found.document["trajectory"]]
    assert all(point == points[0] for point in points)


def test_a_collapse_is_said(caplog, monkeypatch):
    monkeypatch.setattr("surrobust.differentiable.supernets.AbstractSupernet.draw_alphas", _skips)
    found = start(seed=0, settings={"warm_up": 2})
    assert found.collapses == {"cell": found.document["collapse"]["cell"]}
    assert found.collapses["cell"].startswith("skips")
    assert "has collapsed to skips" in caplog.text


def _skips(network, generator):
    with torch.no_grad():
        network.alphas.zero_()
        network.alphas[..., 1] = 1.0


def test_halves_share_no_image_and_follow_from_the_step():
    images = load_images("random", image_size=8, limit=32, seed=0)
    options = {"batch": 4, "augment": False, "device": torch.device("cpu"), "in_turn": True}
    halves, again = (Halves(images, seed=1, **options) for _ in range(2))
    assert halves.steps == 4
    fit = torch.cat([halves.fit(step).x for step in range(4)]).flatten(1)
    held = torch.cat([halves.held(step).x for step in range(4)]).flatten(1)
    every = torch.cat([fit, held])
    assert len(torch.unique(every, dim=0)) == 32
    assert torch.equal(halves.fit(9).x, again.fit(9).x)
    assert not torch.equal(halves.fit(0).x, halves.fit(4).x)
    with pytest.raises(InvalidInputError, match="expected at least 34 for two batches, got 32"):
        Halves(images, seed=1, **(options | {"batch": 17}))


def test_batches_are_those_of_the_authors_loaders():
    images = load_images("random", image_size=8, limit=22, seed=0)
    options = {"batch": 4, "augment": False, "seed": 1, "device": torch.device("cpu")}
    halves = Halves(images, **options)
    assert halves.steps == 3  # 4, 4 and what is left of 11
    batches = [halves.fit(step) for step in range(6)]
    assert [len(batch.x) for batch in batches] == 2 * [4, 4, 3]
    first, second = (torch.cat([b.x for b in batches[i : i + 3]]).flatten(1) for i in (0, 3))
    assert len(torch.unique(first, dim=0)) == len(torch.unique(torch.cat([first, second]), dim=0))
    held = [halves.held(step).x.flatten(1) for step in range(30)]
    assert {len(torch.unique(x, dim=0)) for x in held} == {4}
    every = torch.unique(torch.cat(held), dim=0)
    assert len(every) == 11
    assert len(torch.unique(torch.cat([every, first]), dim=0)) == 22
    # In an epoch each is drawn once or not at all only where they are passed through in turn.
    assert len(torch.unique(torch.cat(held[:3]), dim=0)) < 11
    turn = Halves(images, **options, in_turn=True)
    assert len(torch.unique(torch.cat([turn.held(s).x for s in range(3)]).flatten(1), dim=0)) == 11
    assert Halves(images, **options, whole=True).steps == 2
    assert Halves(images, **{**options, "batch": 5}).steps == 2  # one image is left out


def test_images_that_are_not_normalised():
    settings = {"limit": 4, "batch": 2, "epochs": 1}
    plain, as_usual = (start(settings={**settings, "normalised": n}) for n in (False, True))
    assert not np.array_equal(plain.probabilities, as_usual.probabilities)
    images = load_images("random", image_size=4, limit=4, seed=0)
    x = torch.rand(2, 3, 4, 4)
    for normalised, same in ((False, True), (True, False)):
        settings = replace(SMALL, normalised=normalised)
        network = search._build(GRADIENT_CLASSES["darts"](), settings, images, 0)
        assert torch.equal(network.normalise(x), x) is same


def test_shifts_and_mirrors_keep_pixels():
    x = torch.arange(1, 65).reshape(1, 1, 8, 8).float().repeat(64, 1, 1, 1) / 64
    found = shift_and_mirror(x, np.random.default_rng(0))
    assert found.shape == x.shape
    forms = set()
    for image in found[:, 0]:
        down, right = (int(v) for v in np.argwhere(image.numpy() > 0).mean(0).round() - 3)
        row, column = 4, 4
        value = int((image[row, column] * 64).round())
        forms.add((down, right, (value - 1) // 8 - row))
        step = int(((image[4, 5] - image[4, 4]) * 64).round())
        assert step in (1, -1)
    assert len(forms) > 5


def test_presets_are_settings():
    assert {"cpu", "gpu", "dsrna-paper", "arnas-paper"} <= set(PRESETS)
    # The code of PC-DARTS, and that of ARNAS.
    pc_darts, arnas = PRESETS["dsrna-paper"], PRESETS["arnas-paper"]
    assert (pc_darts.weight_rate, pc_darts.weight_rate_end, pc_darts.order) == (0.1, 0.0, 2)
    assert (arnas.normalised, arnas.in_turn, arnas.whole) == (False, False, False)
    for settings in PRESETS.values():
        assert Settings.from_document(settings.to_document()) == settings


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"order": 3}, "order: expected 1 or 2"),
        ({"space": "everything"}, "space: expected one of"),
        ({"partial": 2}, "partial: expected None in nas-bench-201, got 2"),
        ({"space": "darts", "channels": 6, "partial": 4}, "channels: expected a multiple of 4"),
        ({"batch": 1}, "batch: expected an integer of at least 2"),
        ({"weight_rate": -1.0}, "weight_rate: expected a number of at least 0"),
        ({"in_turn": "no"}, "in_turn: expected True or False, got 'no'"),
        ({"augment": 1}, "augment: expected True or False, got 1"),
    ],
)
def test_bad_settings(option, message):
    with pytest.raises(InvalidInputError, match=message):
        Settings(**option)
    with pytest.raises(InvalidInputError, match="settings: expected an object"):
        Settings.from_document({"space": "nas-bench-201"})
