"""From a cell to a record."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import surrobust as sr
from surrobust.attacks.balls import draw
from surrobust.cli.promised import promises
from surrobust.errors import InvalidInputError
from surrobust.tables import read_records, records_table
from surrobust.tables.attacked import attack_of
from surrobust.training import RECIPES, Training, loop, train_together
from surrobust.verification import (
    compare_records,
    make_plan,
    run_plan,
    run_several,
    several,
    surroundings,
)
from surrobust.verification.comparing import pack_outcomes, unpack_outcomes
from surrobust.verification.evaluation import parse_metrics

SMALL = {
    "recipe": "smoke",
    "images": "digits",
    "device": "cpu",
    "epochs": 1,
    "channels": 2,
    "n_images": 150,
    "n_test": 50,
}


def test_a_record_says_everything():
    record = sr.verify("323133", attacks=["fgsm-8", "pgd"], **SMALL)
    assert json.loads(json.dumps(record)) == record
    assert (record["index"], record["images"], record["recipe"]) == (2581, "digits", "smoke")
    assert (record["seed"], record["device"], record["n_test"]) == (0, "cpu", 50)
    assert record["train"]["epochs"] == 1
    assert record["train"]["n_images"] == 150
    assert record["train"]["seconds"] > 0
    assert list(record["accuracy"]) == ["clean", "fgsm-8", "pgd-8"]
    for name, value in record["accuracy"].items():
        low, high = record["intervals"][name]
        assert 0 <= low <= value <= high <= 1
    assert record["accuracy"]["pgd-8"] <= record["accuracy"]["clean"]
    assert {"surrobust", "torch", "python"} <= set(record["versions"])
    assert record["started"][:2] == "20"


def test_the_accuracy_is_that_of_the_network():
    plan = make_plan(attacks=["pgd-8"], **SMALL)
    record = run_plan(sr.Architecture.parse(1000), plan)
    training = Training(sr.Architecture.parse(1000), plan.train_images, plan.recipe, device="cpu")
    training.run()
    network = training.network.eval()
    x = torch.from_numpy(plan.test_images.x).float() / 255
    y = torch.from_numpy(plan.test_images.y)
    attacked = sr.ATTACKS["pgd"](epsilon=8 / 255)(network, x, y)
    for name, images in (("clean", x), ("pgd-8", attacked)):
        share = float((network(images).argmax(1) == y).float().mean())
        assert record["accuracy"][name] == pytest.approx(share)


def test_what_is_recorded_is_not_run_again(tmp_path):
    out = tmp_path / "records.jsonl"
    first = sr.verify(2581, out=out, **SMALL)
    assert sr.verify("323133", out=out, **SMALL) == first
    assert sr.verify("323133", out=out, attacks=["fgsm-8"], **SMALL) == first
    assert len(read_records(out)) == 1
    others = ({"seed": 1}, {"epochs": 2}, {"n_test": 40}, {"attacks": ["pgd-2"]})
    for number, change in enumerate(others, start=2):
        sr.verify(2581, out=out, **{**SMALL, **change})
        assert len(read_records(out)) == number
    assert list(tmp_path.iterdir()) == [out]  # no checkpoint stays


def test_an_interrupted_training_goes_on(tmp_path):
    out = tmp_path / "records.jsonl"
    options = {**SMALL, "epochs": 2}

    def interrupt(cell: sr.Architecture, end: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sr.verify(2581, out=out, report=interrupt, **options)
    assert read_records(out) == []
    epochs = []
    record = sr.verify(2581, out=out, report=lambda _, end: epochs.append(end.epoch), **options)
    assert epochs == [2]
    assert record["accuracy"] == sr.verify(2581, **options)["accuracy"]


def test_an_interrupted_attack_goes_on(tmp_path, monkeypatch):
    from surrobust import attacks

    out, calls = tmp_path / "records.jsonl", []
    options = {**SMALL, "n_test": 300, "attacks": ["pgd-8"]}
    real = attacks.PGD._perturb

    def interrupted(self, *arguments):
        calls.append(1)
        if len(calls) == 2:  # the second batch of 256
            raise KeyboardInterrupt
        return real(self, *arguments)

    monkeypatch.setattr(attacks.PGD, "_perturb", interrupted)
    with pytest.raises(KeyboardInterrupt):
        sr.verify(2581, out=out, **options)
    record = sr.verify(2581, out=out, **options)
    assert len(calls) == 3
    monkeypatch.undo()
    assert record["accuracy"] == sr.verify(2581, **options)["accuracy"]
    assert list(tmp_path.iterdir()) == [out]


def test_kept_weights_are_attacked_again_without_training(tmp_path):
    out = tmp_path / "records.jsonl"
    sr.verify(2581, out=out, keep=True, **SMALL)
    epochs: list[int] = []
    record = sr.verify(
        2581,
        out=out,
        attacks=["pgd-2"],
        report=lambda _, end: epochs.append(end.epoch),
        **SMALL,
    )
    assert epochs == []
    assert "pgd-2" in record["accuracy"]


def test_kept_weights_are_attacked_on_other_images(tmp_path):
    out, place = tmp_path / "records.jsonl", tmp_path / "records.jsonl.checkpoints"
    first = sr.verify(2581, out=out, keep=True, attacks=["fgsm-8"], **SMALL)
    assert [file.suffix for file in place.iterdir()] == [".safetensors"]
    other = {**SMALL, "n_test": 30}
    second = sr.verify(2581, out=out, keep=True, attacks=["fgsm-8"], **other)
    assert (first["n_test"], second["n_test"]) == (50, 30)
    assert second["train"] == first["train"]


def test_weights_from_a_gpu_are_said_to_be_when_they_are_attacked_elsewhere(tmp_path, monkeypatch):
    out, half = tmp_path / "records.jsonl", {**SMALL, "precision": "bf16"}
    with monkeypatch.context() as there:
        there.setattr(loop, "name_device", lambda _: "cuda: NVIDIA H200")
        there.setattr(Training, "precision", "bf16")
        sr.verify(2581, out=out, keep=True, **half)
    record = sr.verify(2581, out=out, attacks=["pgd-2"], **half)
    assert record["device"] == "cpu"
    assert record["train"]["device"] == "cuda: NVIDIA H200"
    assert record["train"]["precision"] == "bf16"
    assert "device" not in sr.verify(2581, **SMALL)["train"]


def test_a_copy_knows_its_commit_with_an_old_git_folder_and_without(monkeypatch, tmp_path):
    monkeypatch.delenv("SURROBUST_COMMIT", raising=False)
    here = tmp_path / "surrobust" / "verification" / "surroundings.py"
    monkeypatch.setattr(surroundings, "__file__", str(here))
    find = surroundings.find_commit.__wrapped__
    assert find() is None
    monkeypatch.setenv("SURROBUST_COMMIT", "0123456789ab")
    assert find() == "0123456789ab"
    (tmp_path / ".git").mkdir()
    said = {"rev-parse": "ba9876543210", "status": " M surrobust/errors.py"}
    monkeypatch.setattr(surroundings, "_git", lambda _, command, *__: said[command])
    assert find() == "0123456789ab"
    monkeypatch.setenv("SURROBUST_COMMIT", "")
    assert find() == "ba9876543210+"


def test_metrics_by_name():
    metrics = parse_metrics(["pgd", "fgsm-0.5", "clean", "pgd-8"])
    assert list(metrics) == ["clean", "pgd-8", "fgsm-0.5"]
    assert metrics["clean"] is None
    assert metrics["fgsm-0.5"] is not None
    assert metrics["fgsm-0.5"].epsilon == pytest.approx(0.5 / 255)
    assert list(parse_metrics(["robbench"])) == ["clean", "fgsm-3", "pgd-3", "fgsm-8", "pgd-8"]
    for wrong in ("magic-8", "pgd-x", "pgd-inf", "-8"):
        with pytest.raises(
            InvalidInputError,
            match=r"attack: expected clean, corruptions, one of robbench.*, or one of fgsm",
        ):
            parse_metrics([wrong])


def test_names_mean_the_attacks_of_an_evaluation():
    theirs = parse_metrics(["jung2023"])
    assert list(theirs) == ["clean", "fgsm-1", "pgd-1", "apgd-ce-1", "square-1"]
    pgd, apgd, square = (theirs[name] for name in ("pgd-1", "apgd-ce-1", "square-1"))
    assert (pgd.steps, pgd.random_start, pgd.restarts) == (40, True, 1)
    assert pgd.step_size == pytest.approx(1 / 7650)  # 1 / 255 / 30
    assert (apgd.steps, apgd.restarts) == (100, 1)
    assert (square.queries, square.rescaled) == (5000, False)
    named = parse_metrics(["pgd-1", "pgd-0"], "jung2023")
    assert named["pgd-1"].describe() == pgd.describe()
    assert named["pgd-0"].epsilon == 0
    ours = parse_metrics(["pgd-1"])["pgd-1"]
    assert (ours.steps, ours.step_size) == (20, pytest.approx(1 / 2040))
    assert RECIPES["nasbench201"].metrics == tuple(theirs)[1:]
    for metric, attack in make_plan("nasbench201", "digits").metrics.items():
        assert (attack and attack.describe()) == (theirs[metric] and theirs[metric].describe())
    with pytest.raises(
        InvalidInputError, match=r"one meaning of pgd-1, got those of jung2023, rob"
    ):
        parse_metrics(["jung2023", "pgd-1"])
    with pytest.raises(InvalidInputError, match=r"evaluation: expected one of robbench, jung2023"):
        parse_metrics(["pgd-1"], "madry")


def test_pgd_of_jung2023_by_hand():
    # On a linear network each step goes up by epsilon / 30, so that 40 of them take a start d to
    # d + 4/3 epsilon at most: not all reach the other side, which those of NAS-RobBench-201 do.
    epsilon = 3 / 255
    x, y = torch.full((1, 1, 8, 8), 0.5), torch.tensor([1])
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 2, bias=False))
    torch.nn.init.constant_(network[1].weight[0], 1.0)
    torch.nn.init.constant_(network[1].weight[1], 0.0)
    start = draw(x, "Linf", epsilon, torch.Generator().manual_seed(0))
    moved = (parse_metrics(["pgd-3"], "jung2023")["pgd-3"](network, x, y) - x).detach()
    assert torch.allclose(moved, (start + 4 / 3 * epsilon).clamp(max=epsilon), atol=1e-6)
    assert (moved < 0.99 * epsilon).any()
    moved = (parse_metrics(["pgd-3"])["pgd-3"](network, x, y) - x).detach()
    assert torch.allclose(moved, torch.full_like(x, epsilon), atol=1e-6)


def test_records_of_other_attacks_of_one_name_are_told_apart(tmp_path):
    out = tmp_path / "records.jsonl"
    ours = sr.verify(2581, out=out, attacks=["pgd-3", "fgsm-3"], **SMALL)
    assert ours["attacks"]["pgd-3"] == sr.ATTACKS["pgd"](3 / 255).describe()
    assert set(ours["attacks"]) == {"pgd-3", "fgsm-3"}
    recipe = replace(RECIPES["smoke"], evaluation="jung2023")
    theirs = sr.verify(2581, out=out, attacks=["pgd-3", "fgsm-3"], **{**SMALL, "recipe": recipe})
    assert theirs["identity"] == ours["identity"]  # of the same network
    assert theirs["attacks"]["pgd-3"]["steps"] == 40
    assert len(read_records(out)) == 2  # one was not taken for the other
    assert compare_records(ours, theirs, "fgsm-3").difference == 0
    told = r"second: expected a record whose pgd-3 is pgd \(.*steps 20.*, got pgd \(.*steps 40"
    with pytest.raises(InvalidInputError, match=told):
        compare_records(ours, theirs, "pgd-3")
    with pytest.raises(InvalidInputError, match=r"got another attack of pgd-3: pgd \(steps 20"):
        sr.load_table(str(out))
    # What earlier versions wrote without saying it was attacked as names by themselves still mean.
    old = {name: value for name, value in ours.items() if name != "attacks"}
    for metric, attack in ours["attacks"].items():
        assert attack_of(old, metric) == attack
    assert compare_records(old, ours, "pgd-3").difference == 0
    assert make_plan(attacks=["pgd-3"], **SMALL).matches(old, 2581)
    with pytest.raises(InvalidInputError, match=r"whose pgd-3 is pgd"):
        compare_records(old, theirs, "pgd-3")


@pytest.mark.parametrize("name", sr.ATTACKS)
def test_names_mean_what_they_meant_before_records_said_it(name):
    old = {"accuracy": {f"{name}-8": 0.5}}
    assert attack_of(old, f"{name}-8") == sr.ATTACKS[name](8 / 255).describe()


def test_outcomes_are_kept_and_compared():
    first = sr.verify("323133", attacks=["fgsm-8"], **SMALL)
    second = sr.verify("111111", attacks=["fgsm-8"], **SMALL)
    found = compare_records(first, second, "fgsm-8")
    difference = first["accuracy"]["fgsm-8"] - second["accuracy"]["fgsm-8"]
    assert found.difference == pytest.approx(difference)
    assert found.n == 50
    with pytest.raises(InvalidInputError, match="metric: expected one with outcomes in both"):
        compare_records(first, second, "pgd-8")
    with pytest.raises(InvalidInputError, match="second: expected a record of the images"):
        compare_records(first, {**second, "n_test": 49}, "fgsm-8")


@pytest.mark.parametrize("n", [1, 8, 13])
def test_outcomes_by_hand(n, rng):
    correct = rng.random(n) < 0.5
    assert (unpack_outcomes(pack_outcomes(correct), n) == correct).all()
    assert pack_outcomes(np.array([1, 0, 0, 0, 0, 0, 0, 1, 1], dtype=bool)) == "8180"
    with pytest.raises(InvalidInputError, match="outcomes: expected hexadecimal digits of 99"):
        unpack_outcomes(pack_outcomes(correct), 99)


def folder_of_images(place: Path, rng: np.random.Generator) -> Path:
    for split in ("train", "test"):
        for name in ("cat", "dog"):
            folder = place / split / name
            folder.mkdir(parents=True)
            for number in range(6):
                pixels = rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(folder / f"{number}.png")
    return place


def test_a_folder_of_images(tmp_path, rng):
    place = folder_of_images(tmp_path / "pets", rng)
    options = {**SMALL, "images": place, "n_images": None, "n_test": None}
    record = sr.verify(1000, **options)
    assert (record["images"], record["n_test"], record["train"]["n_images"]) == ("pets", 12, 12)


def test_a_damaged_image_is_told_and_records_stay(tmp_path, rng):
    place, out = folder_of_images(tmp_path / "pets", rng), tmp_path / "records.jsonl"
    options = {**SMALL, "images": place, "n_images": None, "n_test": None, "out": out}
    sr.verify(1000, **options)
    before = out.read_bytes()
    broken = place / "train" / "dog" / "3.png"
    broken.write_bytes(broken.read_bytes()[:60])
    with pytest.raises(InvalidInputError, match=r"3\.png: expected a readable image"):
        sr.verify(12, **options)
    assert out.read_bytes() == before


def bright(place: Path, **classes: int) -> Path:
    """Write folders of noise around one grey per class."""
    rng = np.random.default_rng(sum(classes.values()))
    for name, grey in classes.items():
        for split in ("train", "test"):
            (place / split / name).mkdir(parents=True)
            for number in range(16):
                pixels = rng.integers(grey - 20, grey + 20, (8, 8, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(place / split / name / f"{number}.png")
    return place


OWN = {**SMALL, "recipe": "standard", "epochs": 8, "channels": 4, "cells": 1}
OWN |= {"n_images": None, "n_test": None, "attacks": ["clean"]}


def test_a_class_without_test_images_keeps_its_number(tmp_path):
    place = bright(tmp_path / "pets", ant=40, bee=130, cat=220)
    shutil.rmtree(place / "test" / "ant")
    # Two of three classes, far apart: by wrong numbers none would be right.
    assert sr.verify(2581, **{**OWN, "images": place})["accuracy"]["clean"] > 0.5


def test_a_record_is_of_its_images_not_of_their_name(tmp_path):
    out = tmp_path / "records.jsonl"
    places = [
        bright(tmp_path / part / "images", a=40, b=grey) for part, grey in (("p", 90), ("q", 220))
    ]
    first, second = (sr.verify(12, out=out, **{**OWN, "images": place}) for place in places)
    assert first["images"] == second["images"] == "images"
    assert first["identity"] != second["identity"]
    assert len(read_records(out)) == 2
    # The same images elsewhere are the same.
    moved = shutil.copytree(places[0], tmp_path / "elsewhere")
    assert sr.verify(12, out=out, **{**OWN, "images": moved}) == first
    with pytest.raises(InvalidInputError, match="second: expected a record of the images"):
        compare_records(first, second, "clean")
    with pytest.raises(InvalidInputError, match=r"got another test \(by content\)"):
        sr.load_table(out)
    # One changed image is another set.
    Image.new("RGB", (8, 8)).save(places[0] / "test" / "a" / "0.png")
    changed = sr.verify(12, out=out, **{**OWN, "images": places[0]})
    assert changed["identity"]["train"] == first["identity"]["train"]
    assert changed["identity"]["test"] != first["identity"]["test"]


def test_a_record_is_of_its_recipe_not_of_its_name(tmp_path):
    out = tmp_path / "records.jsonl"
    mine = replace(RECIPES["smoke"], name="mine")
    others = [replace(mine, weight_decay=0.1), replace(mine, flip=not mine.flip)]
    found = [sr.verify(2581, out=out, **{**SMALL, "recipe": r}) for r in (mine, *others)]
    assert len(read_records(out)) == 3
    assert len({record["train"]["loss"] for record in found}) == 3
    # What is measured in the end is no part of how it is trained.
    again = replace(mine, metrics=("clean",))
    assert sr.verify(2581, out=out, **{**SMALL, "recipe": again}) == found[0]


def test_checkpoints_of_other_trainings_lie_beside_each_other(tmp_path):
    out = tmp_path / "records.jsonl"
    mine = replace(RECIPES["smoke"], name="mine")
    for recipe in (mine, replace(mine, weight_decay=0.1)):
        sr.verify(12, out=out, keep=True, **{**SMALL, "recipe": recipe})
    assert len(list((tmp_path / "records.jsonl.checkpoints").iterdir())) == 2
    # Weights are taken for other measurements, also by a recipe that only measures otherwise.
    told: list[object] = []
    again = {**SMALL, "recipe": replace(mine, metrics=("clean",)), "n_test": 20}
    sr.verify(12, out=out, keep=True, report=lambda *event: told.append(event), **again)
    assert told == []
    plans = [make_plan(**{**SMALL, "precision": precision}) for precision in ("fp32", "bf16")]
    assert plans[0].digest != plans[1].digest


def test_a_record_that_does_not_say_what_it_is_of_is_not_taken(tmp_path, caplog):
    out = tmp_path / "records.jsonl"
    record = sr.verify(12, out=out, **SMALL)
    del record["identity"], record["checksum"]
    out.write_text(json.dumps(record) + "\n")
    assert "identity" in sr.verify(12, out=out, **SMALL)
    assert "does not say of which images and settings it is; it is measured anew" in caplog.text
    assert len(read_records(out)) == 2
    assert sr.load_table(out).query(12, "records/digits/clean") == record["accuracy"]["clean"]


def test_a_folder_named_like_a_set_is_not_that_set(tmp_path):
    place = bright(tmp_path / "cifar10", a=40, b=220)
    for given in (place, str(place)):
        plan = make_plan(**{**OWN, "images": given})
        assert plan.name == "cifar10-folder"
        assert plan.identity["train"]["normalisation"] is None
        assert plan.published_corruptions is None
    record = sr.verify(12, **{**OWN, "images": place})
    assert record["images"] == "cifar10-folder"
    assert promises([record], ["clean"]) == {}


def untrained(monkeypatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise AssertionError("it was trained")

    monkeypatch.setattr(Training, "__init__", fail)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda place: shutil.move(place / "test", place / "val"), "expected a folder test/"),
        (lambda place: shutil.copytree(place / "test" / "a", place / "test" / "c"), "got c$"),
        (lambda place: shutil.rmtree(place / "test" / "a"), None),
        (lambda place: [shutil.rmtree(place / s / "a") for s in ("train", "test")], "2 classes"),
        (
            lambda place: [
                Image.new("RGB", (9, 9)).save(path) for path in (place / "test").glob("*/*.png")
            ],
            "expected 8 x 8 pixels for testing as for training, got 9 x 9",
        ),
    ],
)
def test_what_can_be_known_is_checked_before_training(tmp_path, monkeypatch, change, told):
    place = bright(tmp_path / "pets", a=40, b=220)
    change(place)
    untrained(monkeypatch)
    options = {**OWN, "images": place, "out": tmp_path / "records.jsonl"}
    with pytest.raises(InvalidInputError if told else AssertionError, match=told or "was trained"):
        sr.verify(12, **options)
    assert not (tmp_path / "records.jsonl").exists()


@pytest.mark.parametrize("attack", ["autoattack-8", "apgd-t-8"])
def test_attacks_that_need_more_classes_are_refused_before_training(tmp_path, monkeypatch, attack):
    untrained(monkeypatch)
    place = bright(tmp_path / "pets", a=40, b=220)
    with pytest.raises(InvalidInputError, match="expected at least 4 classes, got 2"):
        sr.verify(12, **{**OWN, "images": place, "attacks": [attack]})


def test_a_folder_without_splits_is_not_tested_on_what_it_was_trained_on(tmp_path, monkeypatch):
    untrained(monkeypatch)
    place = bright(tmp_path / "pets", a=40, b=220) / "train"
    with pytest.raises(InvalidInputError, match=r"expected train/ and test/ with a folder"):
        sr.verify(12, **{**OWN, "images": place})


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_the_callers_mode_changes_nothing(mode):
    record = sr.verify(2581, **SMALL)
    with mode():
        again = sr.verify(2581, **SMALL)
    assert (again["accuracy"], again["outcomes"]) == (record["accuracy"], record["outcomes"])
    assert again["train"]["loss"] == record["train"]["loss"]


def test_answers_that_are_not_finite_fail_one_cell_alone(monkeypatch):
    cells = [sr.Architecture.parse(index) for index in (2581, 1000)]
    plan = make_plan(**SMALL)

    def breaking(trainings, told):
        failures = train_together(trainings, told)
        if trainings[0].architecture.index == 2581:
            next(trainings[0].network.parameters()).data.fill_(torch.nan)
        return failures

    monkeypatch.setattr(several, "train_together", breaking)
    first, second = run_several(cells, plan)
    assert isinstance(first, FloatingPointError)
    assert str(first).startswith("cell 2581: network: expected finite logits")
    assert second["index"] == 1000


def test_a_label_that_is_no_class_is_told(monkeypatch):
    from surrobust.verification import plan

    def load(*args: object, split: str, **options: object) -> sr.load_images:
        x = np.zeros((2, 3, 8, 8), dtype=np.uint8)
        return type(sr.load_images("digits"))("made", split, x, np.array([0, 7]), ("a", "b"))

    monkeypatch.setattr(plan, "load_images", load)
    with pytest.raises(InvalidInputError, match="y: expected classes 0 to 1, got 0 to 7"):
        sr.verify(1000, **SMALL)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"recipe": "slow"}, "recipe: expected one of robbench201, trades, fast, standard, nasbe"),
        ({"images": "nothing"}, "images: expected one of random, digits"),
        ({"device": "abacus"}, "device: expected auto or a device that is here"),
        ({"n_test": 0}, "n_test: expected an integer of at least 1, got 0"),
        ({"seed": -1}, "seed: expected an integer of at least 0, got -1"),
        ({"epochs": 0}, "epochs: expected an integer of at least 1, got 0"),
    ],
)
def test_mistakes(change, told):
    with pytest.raises(InvalidInputError, match=told):
        sr.verify(1000, **{**SMALL, **change})


def test_corruptions_in_a_record(tmp_path):
    out = tmp_path / "records.jsonl"
    options = {**SMALL, "n_test": 4, "attacks": ["corruptions"]}
    record = sr.verify(2581, out=out, **options)
    assert list(record["accuracy"]) == ["clean", "corruptions"]
    told = record["corruptions"]
    drawn = "as published, ice drawn"
    assert (told["source"], list(told["by"])) == (drawn, list(sr.CORRUPTIONS))
    assert record["accuracy"]["corruptions"] == pytest.approx(np.mean(list(told["by"].values())))
    assert "corruptions" not in record["outcomes"]
    assert list(tmp_path.iterdir()) == [out]
    assert sr.verify(2581, out=out, **options) == record
    plan = make_plan(**options)
    assert plan.matches(record, 2581)
    old = {**record, "corruptions": {**told, "source": "own"}}  # of before the published arithmetic
    assert not plan.matches(old, 2581)
    with pytest.raises(InvalidInputError, match=r"another source of corruptions: 'own' and"):
        records_table([old, {**record, "seed": 1}])
    table = sr.load_table(out)
    value = table.query(2581, "records/digits/corruptions")
    assert value == pytest.approx(record["accuracy"]["corruptions"])


def test_published_corruptions_are_those_of_the_official_images(tmp_path):
    (tmp_path / "CIFAR-10-C").mkdir()
    assert make_plan("smoke", "cifar10", data_dir=tmp_path).published_corruptions is None
    for name in (*sr.CORRUPTIONS, "labels"):
        (tmp_path / "CIFAR-10-C" / f"{name}.npy").touch()
    small = make_plan("smoke", "cifar10", data_dir=tmp_path, image_size=16)
    assert small.published_corruptions is None
    found = [make_plan("smoke", name, data_dir=tmp_path) for name in ("cifar10", "cifar100")]
    assert [p.published_corruptions for p in found] == [tmp_path / "CIFAR-10-C", None]
    folder = make_plan("smoke", tmp_path / "cifar10", data_dir=tmp_path)
    assert folder.published_corruptions is None


def test_a_record_of_a_network_without_convolutions_of_zeros_is_not_taken(tmp_path, caplog):
    out = tmp_path / "records.jsonl"
    record = sr.verify("033113", out=out, **SMALL)
    assert record["network"] == "convolves zeros"
    assert sr.verify("033113", out=out, **SMALL) == record
    del record["network"], record["checksum"]
    out.write_text(json.dumps(record) + "\n")
    sr.verify("033113", out=out, **SMALL)
    assert "left out convolutions of zeros; it is measured anew" in caplog.text
    assert len(read_records(out)) == 2
    assert "network" not in sr.verify("323133", out=out, **SMALL)
