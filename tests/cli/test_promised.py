"""What was predicted, beside what ``surrobust verify`` measured."""

import numpy as np
from PIL import Image

import surrobust as sr
from surrobust.cli.promised import promises
from surrobust.images import ImageSet
from surrobust.spaces import DARTS_SPACES
from surrobust.verification import plan
from surrobust.verification.evaluation import parse_metrics

GENOTYPE = "|avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|none~0|none~1|nor_conv_3x3~2|"


def record(architecture: str, images: str = "cifar10", recipe: str = "robbench201"):
    return {"architecture": architecture, "images": images, "recipe": recipe}


def test_predictions_of_the_shipped_predictor(capsys):
    target = "nas-robbench-201/cifar10/pgd-8"
    predictor = sr.load_predictor("nas-robbench-201-v1")
    expected = predictor.predict([GENOTYPE])[0, predictor.targets.index(target)]
    found = promises([record(GENOTYPE)], ["pgd-8", "apgd-ce-8"])
    assert found == {"predicted pgd-8": [expected]}
    told = capsys.readouterr().err
    assert "trained by robbench201\n" in told


def test_other_recipes_and_the_other_suite_are_told(capsys):
    found = promises([record(GENOTYPE, recipe="fast")], ["clean", "autoattack-8"])
    assert list(found) == ["predicted clean", "predicted autoattack-8"]
    told = capsys.readouterr().err
    assert "measured: fast" in told
    assert "a suite of ten steps" in told


def test_networks_of_the_other_benchmark_are_promised_what_it_measured(capsys):
    target = "jung2023/cifar10/pgd-1"
    predictor = sr.load_predictor("jung2023-v1")
    expected = predictor.predict([GENOTYPE])[0, predictor.targets.index(target)]
    one = record(GENOTYPE, recipe="nasbench201")
    attacks = parse_metrics(["jung2023"])
    one["attacks"] = {name: attack.describe() for name, attack in attacks.items() if attack}
    found = promises([one], ["clean", "pgd-1", "apgd-ce-1"])
    assert list(found) == ["predicted clean", "predicted pgd-1", "predicted apgd-ce-1"]
    assert found["predicted pgd-1"] == [expected]
    assert "trained by nasbench201\n" in capsys.readouterr().err


def test_an_attack_of_the_same_name_is_not_set_beside(capsys):
    one = record(GENOTYPE, recipe="nasbench201")
    one["attacks"] = {"pgd-1": sr.ATTACKS["pgd"](1 / 255).describe()}
    assert list(promises([one], ["clean", "pgd-1"])) == ["predicted clean"]
    told = capsys.readouterr().err
    assert "pgd-1: not beside jung2023/cifar10/pgd-1, which is pgd (steps 40" in told
    assert "measured: pgd (steps 20" in told


def test_nothing_is_said_of_what_the_predictor_does_not_know(capsys):
    assert promises([record(GENOTYPE, images="digits")], ["pgd-8"]) == {}
    assert promises([record(GENOTYPE)], ["square-8"]) == {}
    darts = DARTS_SPACES["arnas"].sample(1, seed=0)[0].text
    assert promises([record(darts)], ["pgd-8"]) == {}
    assert capsys.readouterr().err == ""
    (column,) = promises([record(darts), record(GENOTYPE)], ["pgd-8"]).values()
    assert np.isnan(column[0])
    assert 0 < column[1] < 1


OPTIONS = ["--recipe", "smoke", "--epochs", "1", "--channels", "2", "--attack", "pgd-8"]
OPTIONS += ["--attack", "corruptions", "--device", "cpu"]


def test_verify_prints_them_for_images_of_the_benchmark(rng, run_cli, monkeypatch):
    def few(*_: object, split: str, **__: object) -> ImageSet:
        n = 16 if split == "train" else 8
        x = rng.integers(0, 256, (n, 3, 8, 8), dtype=np.uint8)
        return ImageSet("cifar10", split, x, np.arange(n) % 2, ("cat", "dog"))

    monkeypatch.setattr(plan, "load_images", few)
    code, shown, told = run_cli(["verify", "2581", "--images", "cifar10", *OPTIONS])
    assert code == 0, told
    header, _ = shown.splitlines()
    assert "predicted pgd-8" in header
    assert "measured: smoke" in told
    assert "corruptions: made as the published arrays were but for frost" in told


def test_verify_prints_none_for_a_folder_of_that_name(rng, run_cli, tmp_path):
    for split, count in (("train", 8), ("test", 4)):
        for name in ("cat", "dog"):
            folder = tmp_path / "cifar10" / split / name
            folder.mkdir(parents=True)
            for number in range(count):
                pixels = rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(folder / f"{number}.png")
    code, shown, told = run_cli(["verify", "2581", "--images", tmp_path / "cifar10", *OPTIONS])
    assert code == 0, told
    assert "predicted" not in shown + told
