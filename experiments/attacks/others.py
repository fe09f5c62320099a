"""Attacks of others: foolbox's, and the authors' own."""

from collections.abc import Callable

import torch
from torch import Tensor

FOOLBOX = ("fgsm", "pgd", "pgd-from-image")


def reference(name: str, epsilon: float, norm: str) -> Callable[..., Tensor]:
    return foolbox_attack(name, epsilon, norm) if name in FOOLBOX else authors(name, epsilon, norm)


def foolbox_attack(name: str, epsilon: float, norm: str, *, seed: int = 0) -> Callable[..., Tensor]:
    import foolbox

    single = {"Linf": foolbox.attacks.FGSM, "L2": foolbox.attacks.FGM}[norm]
    steps = {"Linf": foolbox.attacks.LinfPGD, "L2": foolbox.attacks.L2PGD}[norm]
    torch.manual_seed(seed)  # foolbox draws from the global generator
    attack = (
        single()
        if name == "fgsm"
        else steps(rel_stepsize=1 / 8, steps=20, random_start=name == "pgd")
    )

    def run(network, x, y):
        model = foolbox.PyTorchModel(network, bounds=(0, 1))
        return attack(model, x, y, epsilons=epsilon)[1]

    return run


def authors(name: str, epsilon: float, norm: str) -> Callable[..., Tensor]:
    import pyautoattack

    def run(network, x, y):
        suite = pyautoattack.AutoAttack(network, norm=norm, eps=epsilon, seed=0)
        if name != "autoattack":
            suite.attacks_to_run = [name]
        return suite.run_standard_evaluation(x, y, batch_size=256)[0]

    return run
