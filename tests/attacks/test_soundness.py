"""Warnings about networks that defeat the attack rather than the attacker."""

import logging
import re

import pytest
import torch

from surrobust.attacks import FGSM


def linear(x: torch.Tensor) -> torch.Tensor:
    return x.flatten(1)[:, :3] * 4


def noisy(generator: torch.Generator):
    return lambda x: linear(x) + torch.rand((len(x), 3), generator=generator)


def warnings_of(network, caplog, **options) -> list[str]:
    x = torch.rand((40, 3, 4, 4), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        y = linear(x).argmax(1)
    with caplog.at_level(logging.WARNING, logger="surrobust"):
        FGSM(epsilon=0.1)(network, x, y, **options)
    return [record.getMessage() for record in caplog.records]


def test_nothing_is_said_of_a_sound_network(caplog) -> None:
    assert warnings_of(linear, caplog) == []
    assert warnings_of(lambda x: linear(x).log_softmax(1), caplog) == []


def test_random_networks_are_told(caplog) -> None:
    network = noisy(torch.Generator().manual_seed(0))
    (said,) = warnings_of(network, caplog)
    assert said.startswith("fgsm: ")
    assert "random" in said


@pytest.mark.parametrize(
    "network",
    [lambda x: linear(x).round(), lambda x: linear(x).detach(), lambda x: linear(x) * 1e4],
    ids=["rounded", "detached", "saturated"],
)
def test_vanishing_gradients_are_told(network, caplog) -> None:
    (said,) = warnings_of(network, caplog)
    found = re.search(r"gradients vanish on (\d+) of \d+ images", said)
    assert found is not None
    assert int(found[1]) >= 20


def test_probabilities_are_told(caplog) -> None:
    (said,) = warnings_of(lambda x: linear(x).softmax(1), caplog)
    assert "probabilities" in said


def test_several_signs_are_one_warning(caplog) -> None:
    (said,) = warnings_of(lambda x: linear(x).mul(1e4).softmax(1), caplog)
    assert "probabilities" in said
    assert "vanish" in said


def test_checks_can_be_left_out(caplog) -> None:
    assert warnings_of(lambda x: linear(x).softmax(1), caplog, checks=False) == []


def test_misclassified_images_do_not_count(caplog) -> None:
    x = torch.rand((8, 3, 4, 4), generator=torch.Generator().manual_seed(0))
    with caplog.at_level(logging.WARNING, logger="surrobust"):
        FGSM()(lambda x: linear(x).round(), x, (linear(x).round().argmax(1) + 1) % 3)
    assert caplog.records == []
