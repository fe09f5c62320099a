import json
import math

import numpy as np
import pytest

import surrobust as sr
from surrobust.errors import InvalidInputError
from surrobust.sessions.ranking import (
    combination_key,
    fit_combination,
    load_combination,
    training_targets,
    zero_cost_scores,
)
from surrobust.spaces import count_flops
from surrobust.tables import load_proxy_scores, load_table
from surrobust.targets import targets_of

TARGET = "nas-robbench-201/cifar10/pgd-8"


@pytest.mark.parametrize("benchmark", ["nas-robbench-201", "jung2023"])
def test_no_combination_saw_the_image_set_that_it_ranks_for(benchmark):
    for target in targets_of(benchmark):
        learnt = training_targets(combination_key(target))
        assert learnt
        assert not {t.split("/")[1] for t in learnt} & {target.split("/")[1]}
        assert {t.split("/")[0] for t in learnt} == {benchmark}
        assert load_combination(target).columns


def test_natural_accuracies_learn_from_natural_ones_and_attacks_from_all():
    assert training_targets(combination_key("jung2023/cifar10/corruptions")) == [
        "jung2023/cifar100/clean",
        "jung2023/cifar100/corruptions",
        "jung2023/imagenet16-120/clean",
    ]
    learnt = training_targets(combination_key(TARGET))
    assert {"nas-robbench-201/cifar100/pgd-8", "nas-robbench-201/cifar100/clean"} <= set(learnt)


def test_scores_are_of_the_cells_whose_proxies_ship():
    scores = zero_cost_scores(TARGET)
    assert {cell.index for cell in scores} <= set(load_proxy_scores().index)
    assert len(scores) > 300
    assert all(map(math.isfinite, scores.values()))
    assert all(cell.representative == cell for cell in scores)


def test_closed_form_scores_are_of_all_cells_and_latency_wants_few_flops():
    assert len(zero_cost_scores(TARGET, proxy="params")) == 6466
    latency = zero_cost_scores("hw-nas-bench/cifar10/raspi4-latency")
    best = max(latency, key=latency.__getitem__)
    assert count_flops(best) == min(map(count_flops, latency))


def test_an_unknown_proxy_is_refused():
    told = r"proxy: expected one of \w+, .* or \d+ more; got 'nothing'"
    with pytest.raises(InvalidInputError, match=told):
        zero_cost_scores(TARGET, proxy="nothing")


@pytest.mark.tables
def test_combinations_are_those_that_the_tables_teach(data_dir):
    key = combination_key(TARGET)
    shipped = load_combination(TARGET)
    known = load_proxy_scores()[list(shipped.columns)].dropna()
    table = load_table("nas-robbench-201", data_dir=data_dir)
    values = {t: np.array([table.query(int(i), t) for i in known.index]) for t in table.targets}
    fitted = fit_combination(key, list(shipped.columns), known.to_numpy(), values)
    assert np.allclose(fitted.score(known), shipped.score(known), rtol=1e-4, atol=1e-4)


@pytest.mark.tables
def test_the_combination_ranks_better_than_the_parameter_count(data_dir):
    from scipy.stats import spearmanr

    table = load_table("nas-robbench-201", data_dir=data_dir)
    scores = zero_cost_scores(TARGET)
    params = zero_cost_scores(TARGET, proxy="params")
    y = [table.query(cell, TARGET) for cell in scores]
    learnt = spearmanr(list(scores.values()), y).statistic
    assert learnt > spearmanr([params[cell] for cell in scores], y).statistic + 0.05


def test_a_budget_of_zero_ranks(tmp_path):
    result = sr.search(TARGET, budget=0, strategy="zero_cost", objective="surrogate", out=tmp_path)
    scores = zero_cost_scores(TARGET)
    best = sorted(scores, key=scores.__getitem__, reverse=True)
    assert result.evaluations == ()
    assert len(result.finalists) == 5
    assert result.finalists[0].architecture == best[0]
    document = json.loads((tmp_path / "search.json").read_text())
    assert document["evaluations"] == []
    assert [f["value"] for f in document["finalists"]] == [None] * 5
    again = sr.search(out=tmp_path, resume=True)
    assert [e.architecture for e in again.finalists] == [e.architecture for e in result.finalists]


def test_a_search_without_training_spends_its_budget_from_the_top():
    result = sr.search(TARGET, budget=4, strategy="zero_cost", objective="surrogate")
    ranked = sr.search(TARGET, budget=0, strategy="zero_cost", objective="surrogate")
    asked = [e.architecture for e in result.evaluations]
    assert asked == [e.architecture for e in ranked.finalists[:4]]


def test_other_strategies_need_a_budget():
    with pytest.raises(InvalidInputError, match="budget: expected an integer of at least 1"):
        sr.search(TARGET, budget=0, objective="surrogate")


def test_a_warm_start_begins_with_the_best_ranked(tmp_path):
    options = {"strategy": "random", "objective": "surrogate"}
    ranked = sr.search(TARGET, budget=0, strategy="zero_cost", objective="surrogate").finalists
    whole = sr.search(TARGET, budget=6, warm_start=3, **options)
    asked = [e.architecture for e in whole.evaluations]
    assert asked[:3] == [e.architecture for e in ranked[:3]]
    assert set(asked[3:]).isdisjoint(e.architecture for e in ranked)
    sr.search(TARGET, budget=2, warm_start=3, out=tmp_path, **options)
    again = sr.search(out=tmp_path, resume=True, budget=6)
    assert again.evaluations == whole.evaluations
    assert json.loads((tmp_path / "search.json").read_text())["warm_start"] == 3


def test_a_function_of_the_users_own_can_be_started_warm():
    mine = sr.run_search(lambda cell: cell.index, budget=3, warm_start=2, strategy="random")
    scores = zero_cost_scores()
    best = sorted(scores, key=scores.__getitem__, reverse=True)
    assert mine.evaluations[0].architecture == best[0]
