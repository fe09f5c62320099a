import random

import numpy as np
import pytest
import torch

from surrobust.encodings import Columns
from surrobust.encodings.graphs import pack_graphs
from surrobust.errors import InvalidInputError, InvalidModelError
from surrobust.metrics import kendall_tau
from surrobust.predictors import load_folder, make_predictor
from surrobust.predictors.graph import predictor as graph_network
from surrobust.predictors.graph.flow import FlowNetwork, GatedFlow, collate
from surrobust.predictors.graph.predictor import GraphNetwork
from surrobust.predictors.graph.training import loss_of, one_thread
from surrobust.predictors.saving.weights import pack_model, restore_model
from surrobust.spaces import Architecture, NASBench201

SMALL = {"members": 2, "width": 8, "layers": 2, "updates": 20, "features": ""}


def as_batch(*codes):
    packed = pack_graphs([Architecture.parse(code) for code in codes])
    return collate(*(torch.tensor(array, dtype=torch.int64) for array in packed))


def small(seed=0, **options):
    options = {**SMALL, "calibration_folds": 0, **options}
    return make_predictor("gnn", seed=seed, **options)


def test_graphs_are_joined_with_two_ports_a_node():
    batch = as_batch("000000", "300310")  # nothing; a convolution summed twice
    assert batch.kinds.tolist() == [0, 4, 0, 2, 4]
    assert batch.flow.tolist() == [[4, 6, 6, 7, 9, 9], [6, 8, 8, 5, 7, 7]]
    assert batch.ends.tolist() == [1, 4]
    assert batch.owners.tolist() == [0, 0, 1, 1, 1]
    assert batch.shares.flatten().tolist() == pytest.approx([1 / 2, 1 / 3])


def test_one_layer_by_hand():
    layer = GatedFlow(1, 1, 1, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        layer.mix[:] = torch.tensor([2.0, 3.0, 5.0])  # itself, along the flow, against it
        layer.gate[:] = torch.tensor([1.0, -1.0])
        states = torch.tensor([[[1.0], [10.0], [100.0]]])
        ops = torch.zeros(1, 5, 1)
        ops[0, 2, 0] = float(np.log(3))  # gates of the convolution 3/4 and 1/4, of others 1/2
        out = layer(states, ops, as_batch("300310"))
    at_input = 2 * 1 + 1 / 2 * (5 * 10)
    at_convolution = 2 * 10 + 3 / 4 * (3 * 1) + 1 / 4 * (2 * 5 * 100)
    at_output = 2 * 100 + 1 / 2 * (2 * 3 * 10)
    expected = [at_input, at_convolution, at_output]
    assert out.flatten().tolist() == pytest.approx(expected, rel=1e-5)


def test_members_and_graphs_do_not_mix():
    generator = torch.Generator().manual_seed(1)
    network = FlowNetwork(
        kinds=5, features=1, outputs=2, members=3, width=6, layers=3, generator=generator
    )
    rows = torch.tensor([[0.5], [-0.2]])
    both = network(as_batch("323133", "104301"), rows)
    assert both.shape == (3, 2, 2)
    torch.testing.assert_close(both[:, :1], network(as_batch("323133"), rows[:1]))
    with torch.no_grad():
        for parameter in network.flows.parameters():
            parameter[2] = 0
    changed = network(as_batch("323133", "104301"), rows)
    torch.testing.assert_close(changed[:2], both[:2])
    assert not torch.allclose(changed[2], both[2])


def test_the_loss_by_hand():
    outputs = torch.tensor([[[0.0], [0.5]]])
    Y = torch.tensor([[[0.2], [0.0]]])
    seen = torch.ones(1, 2, 1)
    huber = (0.5 * 0.2**2 + 0.2 * (0.5 - 0.1)) / 2
    hinge = 0.1 + 0.5  # the pair is ranked the wrong way round, seen from both cells
    assert loss_of(outputs, Y, seen, ranking=0.0).item() == pytest.approx(huber)
    assert loss_of(outputs, Y, seen, ranking=2.0).item() == pytest.approx(huber + 2 * hinge)
    seen[0, 1] = 0
    assert loss_of(outputs, Y, seen, ranking=2.0).item() == pytest.approx(0.5 * 0.2**2 / 2)


def test_it_learns(toy_cells, toy_values):
    model = small(members=2, width=16, layers=4, updates=80).fit(toy_cells[:45], toy_values[:45])
    # Over six draws and seeds .95 +- .03 and .75 +- .09; by chance 0 +- .10 and 0 +- .19.
    assert kendall_tau(toy_values[:45], model.predict(toy_cells[:45])) > 0.8
    assert kendall_tau(toy_values[45:], model.predict(toy_cells[45:])) > 0.5
    assert model.predict(toy_cells) == pytest.approx(toy_values, abs=0.1)


def test_features_are_read_in_units_of_their_spread():
    generator = torch.Generator().manual_seed(2)
    network = FlowNetwork(
        kinds=5, features=2, outputs=1, members=2, width=4, layers=1, generator=generator
    )
    network.see_features(torch.tensor([[0.0, 7.0], [20.0, 7.0]]))
    assert network.centre.tolist() == [10, 7]
    assert network.scale.tolist() == pytest.approx([0.1, 1])
    batch = as_batch("323133")
    assert not torch.equal(*(network(batch, torch.tensor([[v, 7.0]])) for v in (0.0, 20.0)))
    assert torch.equal(*(network(batch, torch.tensor([[v, 7.0]])) for v in (51.0, 1e9)))


@pytest.mark.parametrize("features", ["features", "paths+one_hot"])
def test_features_may_join_the_graph(toy_cells, toy_values, tmp_path, features):
    model = small(features=features, updates=60).fit(toy_cells[:45], toy_values[:45])
    assert model.encoder == f"graphs+{features}"
    # Over six draws and seeds .80 +- .04 and .77 +- .05.
    assert kendall_tau(toy_values[45:], model.predict(toy_cells[45:])) > 0.5
    model.save(tmp_path / "model")
    assert (load_folder(tmp_path / "model").predict(toy_cells) == model.predict(toy_cells)).all()
    first, second = model.predict(["310310", "300310"])
    assert (first == second) == (features == "features")


def test_columns_tell_what_the_graph_cannot(rng, tmp_path):
    cells = NASBench201().representatives()[::40]
    hidden = rng.normal(size=len(cells))
    columns = Columns.of(["hidden"], hidden, cells)
    model = small(features="features", columns=columns, updates=200).fit(cells[:120], hidden[:120])
    # .85 +- .02 over seeds of the numbers and of the network, -.02 +- .16 without the column.
    assert kendall_tau(hidden[120:], model.predict(cells[120:])) > 0.6
    model.save(tmp_path / "model")
    assert (load_folder(tmp_path / "model").predict(cells) == model.predict(cells)).all()
    with pytest.raises(InvalidInputError, match="columns: expected features"):
        small(columns=columns)


def test_twins_get_one_prediction(toy_cells, toy_values):
    model = small().fit(toy_cells, toy_values)
    twins = ["310310", "300310"]  # they differ in a skip that leads nowhere
    first, second = model.predict(twins)
    assert first == second
    assert [model.predict([twin])[0] for twin in twins] == [model.predict(twins[:1])[0]] * 2


def test_same_seed_same_bits_and_no_global_state(toy_cells, toy_values):
    before, plain = torch.get_rng_state(), random.getstate()
    threads = torch.get_num_threads()
    Y = np.column_stack([toy_values, -toy_values])
    first = small(seed=3).fit(toy_cells, Y)
    second = small(seed=3).fit(toy_cells, Y)
    assert (first.predict(toy_cells) == second.predict(toy_cells)).all()
    assert (first.predict_std(toy_cells) == second.predict_std(toy_cells)).all()
    assert (first.predict(toy_cells) != small(seed=4).fit(toy_cells, Y).predict(toy_cells)).any()
    assert torch.equal(torch.get_rng_state(), before)
    assert random.getstate() == plain
    assert torch.get_num_threads() == threads


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_the_callers_mode_changes_nothing(toy_cells, toy_values, mode):
    whole = small().fit(toy_cells, toy_values).predict(toy_cells)
    with mode():
        model = small().fit(toy_cells, toy_values)
    assert np.array_equal(model.predict(toy_cells), whole)


def test_threads_are_put_back_after_an_error():
    threads = torch.get_num_threads()
    with pytest.raises(ZeroDivisionError), one_thread():
        _ = 1 / 0
    assert torch.get_num_threads() == threads


def test_out_of_fold_members_never_see_their_cells(toy_cells, toy_values):
    changed = toy_values.copy()
    model = small(calibration_folds=3)
    folds = model._folds(toy_cells)
    changed[folds == 1] += 5.0
    plain = model._out_of_fold(toy_cells, toy_values[:, None])
    other = model._out_of_fold(toy_cells, changed[:, None])
    assert (plain.mean[folds == 1] == other.mean[folds == 1]).all()
    assert (plain.mean[folds != 1] != other.mean[folds != 1]).all()


def test_intervals_and_two_targets(toy_cells, toy_values):
    Y = np.column_stack([toy_values, 1 - toy_values])
    model = small(calibration_folds=3, updates=60).fit(toy_cells, Y)
    lower, upper = model.predict_interval(toy_cells, coverage=0.8)
    assert lower.shape == upper.shape == (60, 2)
    assert ((lower < model.predict(toy_cells)) & (model.predict(toy_cells) < upper)).all()
    assert ((lower <= Y) & (upper >= Y)).mean() > 0.7


def test_saved_and_loaded_it_predicts_the_same_bits(toy_cells, toy_values, tmp_path):
    model = small(calibration_folds=2).fit(toy_cells, toy_values)
    model.save(tmp_path / "model")
    loaded = load_folder(tmp_path / "model")
    assert isinstance(loaded, GraphNetwork)
    cells = list(range(0, 15625, 97))
    assert (loaded.predict(cells) == model.predict(cells)).all()
    assert (loaded.predict_std(cells) == model.predict_std(cells)).all()
    for end, same in zip(
        loaded.predict_interval(cells), model.predict_interval(cells), strict=True
    ):
        assert (end == same).all()


def test_a_constant_is_predicted_as_it_is(toy_cells, toy_values):
    Y = np.column_stack([np.full_like(toy_values, 0.1), toy_values])
    model = small(calibration_folds=3).fit(toy_cells, Y)
    assert model.predict([1, 2, 3])[:, 0] == pytest.approx(np.full(3, 0.1), rel=1e-15)
    assert (model.predict_std([1, 2, 3])[:, 0] < 1e-15).all()
    assert (model.predict([1, 2, 3])[:, 1] != 0.1).all()


def test_a_tiny_training_set():
    assert (small().fit([1, 2], [0.5, 0.5]).predict([1, 2, 3]) == 0.5).all()
    assert np.isfinite(small().fit([1, 2], [0.5, 0.6]).predict([0, 4])).all()


def test_layers_that_are_not_there_are_refused(toy_cells, toy_values):
    tensors, files = pack_model(small().fit(toy_cells, toy_values))
    number = sum(name.endswith(".mix") for name in tensors)
    last = f"network.flows.{number - 1}."
    fewer = {name: array for name, array in tensors.items() if not name.startswith(last)}
    with pytest.raises(InvalidModelError, match=f"expected {number} layers, got {number - 1}"):
        restore_model(small(), fewer, files, 1)
    renamed = {name.replace(last, "network.flows.9."): array for name, array in tensors.items()}
    with pytest.raises(InvalidModelError, match=r"expected"):
        restore_model(small(), renamed, files, 1)
    restore_model(small(), tensors, files, 1)


@pytest.mark.parametrize(
    "options",
    [
        {"members": 1},
        {"width": 0},
        {"layers": 65},
        {"updates": 0},
        {"learning_rate": -1},
        {"learning_rate": float("nan")},
        {"ranking": True},
        {"features": "feathers"},
        {"weight_decay": "much"},
    ],
)
def test_options_are_checked(options):
    with pytest.raises(InvalidInputError, match=": expected"):
        make_predictor("gnn", **options)


@pytest.mark.parametrize("device", ["abacus", "meta", "hpu"])
def test_an_unknown_device_is_one_line(device):
    with pytest.raises(InvalidInputError, match="device: expected") as caught:
        small(device=device).fit([1, 2], [0.1, 0.2])
    assert "\n" not in str(caught.value)


def test_a_device_that_computes_nothing_here_is_replaced_by_the_cpu(
    tmp_path, toy_cells, toy_values
):
    model = small().fit(toy_cells, toy_values)
    for device in ("meta", "cuda:99", "abacus"):
        model.device = device
        model.save(tmp_path / "model")
        loaded = load_folder(tmp_path / "model")
        assert loaded.device == device
        np.testing.assert_array_equal(loaded.predict(toy_cells), model.predict(toy_cells))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="torch finds no CUDA device here")
def test_on_a_gpu_it_predicts_nearly_the_same(toy_cells, toy_values):
    here = small().fit(toy_cells, toy_values).predict(toy_cells)
    there = small(device="cuda").fit(toy_cells, toy_values).predict(toy_cells)
    assert there == pytest.approx(here, abs=0.05)


def test_steps_suit_the_number_of_distinct_cells(toy_cells, toy_values, monkeypatch):
    asked = []
    monkeypatch.setattr(graph_network, "_suitable_updates", lambda n: asked.append(n) or 1)
    small(updates=None).fit(toy_cells * 3, np.tile(toy_values, 3))
    assert asked == [60]
