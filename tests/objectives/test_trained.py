"""The objective ``train`` and successive halving."""

import json
import multiprocessing
from itertools import product

import pytest
from optuna import load_study
from optuna.trial import TrialState
from PIL import Image

from surrobust import verification
from surrobust._seals import seal
from surrobust.errors import InvalidInputError
from surrobust.objectives.halving import Halving, HalvingRun, rungs_of
from surrobust.objectives.trained import (
    JOURNAL_FILE,
    TrainOptions,
    own_device,
    settle_options,
    train_target,
)
from surrobust.searches import read_result
from surrobust.searches.sharing.storage import open_storage
from surrobust.sessions import search
from surrobust.spaces import Architecture, count_flops, count_parameters
from surrobust.tables import load_table, read_records

SMALL = {
    "recipe": "smoke",
    "images": "digits",
    "device": "cpu",
    "epochs": 1,
    "channels": 2,
    "n_images": 120,
    "n_test": 40,
}
CELLS = [Architecture.parse(code) for code in ("323133", "111111", "222222", "333333", "123123")]


def run(out, **changes):
    options = {"budget": 2, "strategy": "random", "training": SMALL, **changes}
    return search("nas-robbench-201/cifar10/fgsm-8", objective="train", out=out, **options)


def test_values_are_those_of_the_records(tmp_path):
    result = run(tmp_path)
    assert result.target == "records/digits/fgsm-8"
    assert result.objective == "train"
    records = read_records(tmp_path / "records.jsonl")
    assert [e.value for e in result.evaluations] == [r["accuracy"]["fgsm-8"] for r in records]
    assert {e.source for e in result.evaluations} == {"train"}
    assert read_result(tmp_path) == result
    table = load_table(str(tmp_path / "records.jsonl"))
    best = result.finalists[0]
    assert table.query(best.architecture, "records/digits/fgsm-8") == best.value


def test_it_goes_on_as_if_never_interrupted(tmp_path):
    whole = run(tmp_path / "a", budget=3)
    run(tmp_path / "b", budget=1)
    resumed = search(out=tmp_path / "b", resume=True, budget=3)
    assert resumed == whole
    with pytest.raises(InvalidInputError, match="channels: expected 2 as in"):
        search(out=tmp_path / "b", resume=True, budget=4, training={**SMALL, "channels": 3})


def test_images_of_another_content_do_not_go_on(tmp_path):
    place = tmp_path / "pets"
    for split, name, grey in product(("train", "test"), ("a", "b"), (40, 220)):
        (place / split / name).mkdir(parents=True, exist_ok=True)
        Image.new("L", (8, 8), grey).save(place / split / name / f"{grey}.png")
    training = {**SMALL, "images": str(place), "n_images": None, "n_test": None}
    result = run(tmp_path / "a", budget=1, training=training)
    assert result.target == "records/pets/fgsm-8"
    assert len(search(out=tmp_path / "a", resume=True, budget=2).evaluations) == 2
    Image.new("L", (8, 8), 99).save(place / "train" / "a" / "40.png")
    with pytest.raises(InvalidInputError, match="expected the images and settings with which the"):
        search(out=tmp_path / "a", resume=True, budget=3)


def test_what_can_be_known_is_told_before_the_first_training(tmp_path):
    with pytest.raises(InvalidInputError, match="device: expected auto or a device that is here"):
        run(tmp_path, training={**SMALL, "device": "abacus"})
    assert not (tmp_path / "records.jsonl").exists()


@pytest.mark.parametrize("min_epochs", [None, 1])
def test_a_training_that_diverges_is_recorded_and_the_search_goes_on(
    tmp_path, monkeypatch, min_epochs
):
    trained, run_plan = [], verification.run_plan

    def diverging(cell, *args, **kwargs):
        trained.append(cell)
        if len(trained) == 2:
            raise FloatingPointError("epoch 1: the loss is nan")
        return run_plan(cell, *args, **kwargs)

    monkeypatch.setattr(verification, "run_plan", diverging)
    options = {**SMALL, "min_epochs": min_epochs, "epochs": 2}
    result = run(tmp_path, budget=3, training=options)
    assert [e.failed for e in result.evaluations] == [False, True, False]
    (failure,) = result.failures
    assert failure.error == "FloatingPointError: epoch 1: the loss is nan"
    assert read_result(tmp_path) == result
    more = search(out=tmp_path, resume=True, budget=4)
    assert more.evaluations[:3] == result.evaluations
    assert len(trained) == 4  # none of them anew
    if min_epochs:
        place = open_storage(tmp_path / JOURNAL_FILE)
        states = [t.state for t in load_study(study_name=None, storage=place).get_trials()]
        assert TrialState.RUNNING not in states
        assert states.count(TrialState.FAIL) == 1


def test_workers_share_it(tmp_path):
    result = run(tmp_path, workers=2, budget=2, training={**SMALL, "min_epochs": 1, "epochs": 2})
    assert len(result.evaluations) == 2
    assert len(read_records(tmp_path / "records.jsonl")) == 2


def test_default_strategy_takes_records_as_a_target(tmp_path):
    assert len(run(None, strategy="default", budget=1).evaluations) == 1
    assert len(run(None, budget=1, warm_start=1).evaluations) == 1


def test_rungs_by_hand():
    assert rungs_of(50, 2, 3) == (2, 6, 18)
    assert rungs_of(6, 2, 3) == (2,)
    assert rungs_of(2, 2, 3) == ()


def test_one_of_three_goes_on():
    halving = Halving("it", epochs=9, min_epochs=1, reduction=3)
    assert halving.epochs == (1, 3)
    passed = []
    for cell, value in zip(CELLS, (0.5, 0.4, 0.3, 0.6, 0.45), strict=True):
        rungs = halving.begin(cell)
        passed.append(rungs.goes_on(1, lambda value=value: value))
        rungs.end(value, stopped=not passed[-1])
    # The first has nothing to be compared with; .6 is the best of four; .45 is not the best.
    assert passed == [True, False, False, True, False]


def test_an_interrupted_one_is_taken_up_again(tmp_path):
    storage = tmp_path / "rungs.journal"

    def begin(cell):
        return Halving("it", epochs=9, min_epochs=1, reduction=3, storage=storage).begin(cell)

    first = begin(CELLS[0])
    assert first.goes_on(1, lambda: 0.5)

    def again() -> float:
        raise AssertionError  # known from before the crash

    second = begin(CELLS[0])
    assert second.goes_on(1, again)
    second.end(0.6, stopped=False)
    study = load_study(study_name=None, storage=open_storage(storage))
    assert len(study.get_trials()) == 1


def test_stopped_cells_have_the_value_of_their_rung(tmp_path, monkeypatch):
    goes_on, seen = HalvingRun.goes_on, []

    def worse_each_time(self, epoch, measured):
        seen.append(measured())
        return goes_on(self, epoch, lambda: 1 / len(seen))

    # What the networks learn in an epoch differs by machine; which of them goes on must not.
    monkeypatch.setattr(HalvingRun, "goes_on", worse_each_time)
    options = {**SMALL, "epochs": 4, "min_epochs": 1, "reduction": 2}
    result = run(tmp_path, budget=5, training=options)
    records = read_records(tmp_path / "records.jsonl")
    done = [record["train"]["epochs_done"] for record in records]
    assert [bool(record.get("pruned")) for record in records] == [n < 4 for n in done]
    assert done == [4, 1, 1, 1, 1]
    assert [record["accuracy"]["fgsm-8"] for record in records[1:]] == seen[2:]
    assert [e.value for e in result.evaluations] == [r["accuracy"]["fgsm-8"] for r in records]
    assert read_result(tmp_path) == result
    whole = load_table(str(tmp_path / "records.jsonl")).values("records/digits/fgsm-8")
    assert (whole == whole).sum() == done.count(4)  # stopped ones are in no table


def test_options_and_target(tmp_path):
    target = "nas-robbench-201/cifar100/pgd-8"
    options = settle_options(None, target, None)
    assert options.images == "cifar100"
    assert train_target(target, options) == "records/cifar100/pgd-8"
    folder = settle_options({"images": "some/where/pets"}, target, None)
    assert train_target(target, folder) == "records/pets/pgd-8"
    assert (options.recipe, folder.recipe) == ("robbench201", "robbench201")
    jung = "jung2023/cifar10/pgd-1"  # its networks were trained otherwise, and so attacked
    assert settle_options(None, jung, None).recipe == "nasbench201"
    assert settle_options({"recipe": "fast"}, jung, None).recipe == "fast"
    path = tmp_path / "training.json"
    path.write_text(json.dumps(settle_options(None, jung, None).to_document()))
    resumed = settle_options({"images": "cifar10"}, "records/cifar10/pgd-1", tmp_path)
    assert resumed.recipe == "nasbench201"
    path.write_text(json.dumps(folder.to_document()))
    assert settle_options(None, target, tmp_path) == folder
    with pytest.raises(InvalidInputError, match="training: expected options of recipe"):
        TrainOptions.parse({"speed": 1})
    for name, value in (("images", 5), ("device", None), ("epochs", 1.5), ("reduction", None)):
        with pytest.raises(InvalidInputError, match=f"^{name}: expected .*, got {value}$"):
            TrainOptions.parse({name: value})
    path.write_text("[1]")
    with pytest.raises(InvalidInputError, match="expected the options of a search that trains"):
        settle_options(None, target, tmp_path)
    path.write_text(json.dumps(seal(folder.to_document())))
    assert settle_options(None, target, tmp_path) == folder
    path.write_text(path.read_text().replace('"reduction": 3', '"reduction": 2'))
    with pytest.raises(InvalidInputError, match=r"training\.json: checksum: expected"):
        settle_options(None, target, tmp_path)


def test_workers_take_gpus_in_turn(monkeypatch):
    import torch

    assert own_device("auto") == "auto"
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(multiprocessing.current_process(), "_identity", (3,))
    assert own_device("cuda") == "cuda:0"
    assert own_device("cpu") == "cpu"
    monkeypatch.setattr(multiprocessing.current_process(), "_identity", (2,))
    assert own_device("auto") == "cuda:1"


@pytest.mark.parametrize(
    ("training", "told"),
    [
        ({**SMALL, "recipe": "slow"}, "recipe: expected one of robbench201"),
        ({**SMALL, "min_epochs": 0, "epochs": 2}, "min_epochs: expected an integer of at least 1"),
        ({**SMALL, "reduction": 1, "min_epochs": 1}, "reduction: expected an integer of at least"),
    ],
)
def test_mistakes(tmp_path, training, told):
    with pytest.raises(InvalidInputError, match=told):
        run(tmp_path, training=training)


def test_what_cannot_be_attacked_is_refused():
    with pytest.raises(InvalidInputError, match="attack: expected clean, corruptions, one of"):
        search("hw-nas-bench/cifar10/raspi4-latency", objective="train", training=SMALL)


def test_what_is_known_beforehand_goes_with_it(tmp_path):
    targets = ["nas-robbench-201/cifar10/fgsm-8", "params"]
    options = {"objective": "train", "strategy": "nsga2", "training": SMALL}
    options["maximum"] = {"flops": 80e6}
    result = search(targets, budget=3, **options, out=tmp_path)
    assert result.targets == ("records/digits/fgsm-8", "params")
    assert (result.directions, result.objective) == (("maximize", "minimize"), "train")
    for e, record in zip(result.evaluations, read_records(tmp_path / "records.jsonl"), strict=True):
        cell = e.architecture
        assert e.values == (record["accuracy"]["fgsm-8"], count_parameters(cell))
        assert e.bounded == (count_flops(cell),)
        assert count_flops(cell) <= 80e6
    assert search(budget=3, out=tmp_path, resume=True) == result
    for more, told in (
        ({"target": [*targets, "clean"]}, "objective: expected params, flops, latencies"),
        ({"target": targets, "minimum": {"clean": 0.5}}, "min: expected a target or one of"),
    ):
        with pytest.raises(InvalidInputError, match=told):
            search(budget=3, **{**options, **more})
