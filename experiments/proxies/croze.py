"""``croze-code`` beside the code of its authors, on the same weights, biases and images.

    git clone https://github.com/HyeonjeongHa/CRoZe && git -C CRoZe checkout 3e89e3d
    python -m experiments.proxies.croze --authors CRoZe

Prints a line per cell: their score, ours, the relative difference. Cells of every kind: all ops, no
convolution, nodes that only zeros feed, nodes that nothing reads, no way at all.
"""

import argparse
import contextlib
import io
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import nn

from surrobust.networks import CellNetwork, build_network
from surrobust.proxies.croze_released import as_released, score_as_released
from surrobust.spaces import EDGES, OPS, Architecture

CELLS = (
    "323133", "234312", "333333", "103042", "043424", "033113", "002300", "141444", "300002",
    "000030", "000100", "000000",
)  # fmt: skip
STATISTICS = ((0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010))
"""What the authors' loader takes out of CIFAR-10."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--authors", type=Path, required=True, help="a clone of their repository")
    parser.add_argument("--cells", nargs="+", default=CELLS)
    given = parser.parse_args()
    torch.set_num_threads(1)
    theirs, predictive = load_authors(given.authors)
    x = torch.rand(8, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    y = torch.randint(0, 10, (8,), generator=torch.Generator().manual_seed(2))
    for code in given.cells:
        cell = Architecture.parse(code)
        weights = torch.Generator().manual_seed(3)
        network = build_network(cell, normalisation=STATISTICS, generator=weights)
        copy = copy_network(network, as_released(network, seeded()), theirs)
        with contextlib.redirect_stdout(io.StringIO()):
            found = predictive.find_measures(
                copy,
                [(network.normalise(x), y)],
                ("random", 1, 10),
                "cpu",
                measure_names=["croze"],
                search_space="nasbench201",
            )["croze"]
        ours = score_as_released(network, x, y, strength=2.0, epsilon=0.01, generator=seeded())
        difference = abs(ours - found) / found if found else abs(ours)
        print(f"{code} {found:.15g} {ours:.15g} {difference:.1e}", flush=True)


def seeded() -> torch.Generator:
    """Return the source of the biases."""
    return torch.Generator().manual_seed(7)


def load_authors(folder: Path) -> tuple[Any, Any]:
    """Import their network and their measures, without what these do not need for ``croze``."""
    sys.path.insert(0, str(folder))
    for name, function in (("torchprofile", "profile_macs"), ("utils", "drop_path")):
        module = ModuleType(name)
        setattr(module, function, None)
        sys.modules.setdefault(name, module)
    from nasbench_space.models import nasbench2  # type: ignore[import-not-found]
    from zero_cost_methods.pruners import predictive  # type: ignore[import-not-found]

    return nasbench2, predictive


@torch.no_grad()
def copy_network(network: CellNetwork, biased: CellNetwork, theirs: Any) -> nn.Module:
    """Return their network with the weights of ours, and with the biases of ``biased``."""
    copy = theirs.get_model_from_arch_str(network.architecture.genotype, 10)
    copy.stem.net[0].weight.copy_(network.stem.convolution.weight)
    ops = list(theirs.OPS)
    for stage in (1, 2, 3):
        for number in range(5):
            target = getattr(copy, f"stack_cell{stage}")[number]
            name = f"stage_{stage}.cell_{number + 1}"
            for edge, op in zip(EDGES, network.architecture.ops, strict=True):
                if not OPS[op].startswith("nor_conv"):
                    continue
                place = f"{name}.edge_{edge[0]}{edge[1]}.convolution"
                before = sum(range(edge[1])) + edge[0]  # edges by target, then by source
                layer = target.options[len(ops) * before + ops.index(OPS[op])].op[1]
                layer.weight.copy_(network.get_submodule(place).weight)
                layer.bias.copy_(biased.get_submodule(place).bias)
        if stage < 3:
            old = network.get_submodule(f"reduction_{stage}")
            new = getattr(copy, f"reduction{stage}")
            new.residual[1].weight.copy_(old.shortcut.weight)
            new.conv_a.op[1].weight.copy_(old.block_a.convolution.weight)
            new.conv_b.op[1].weight.copy_(old.block_b.convolution.weight)
    copy.top.classifier.load_state_dict(network.head.linear.state_dict())
    return copy


if __name__ == "__main__":
    main()
