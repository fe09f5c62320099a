"""Fused cells, by Triton's interpreter, which is chosen before Triton is imported: in a process."""

import json
import os
import subprocess
import sys
from importlib.util import find_spec

import pytest

CODES = ("323133", "234143", "444444", "041302", "111111", "240031")

COMPARED = """
import json, sys
import torch
from surrobust.networks import FoldedNetwork, build_network
from surrobust.networks.fused import FusedCell, fuse_cells
from surrobust.spaces import Architecture

found = {}
x = torch.rand((3, 3, 8, 8), generator=torch.Generator().manual_seed(0))
for code in sys.argv[3].split():
    network = build_network(Architecture.parse(code), channels=16, cells=1, image_size=8)
    for _ in range(2):
        network(x)
    network.to(memory_format=getattr(torch, sys.argv[1]))
    dtype = getattr(torch, sys.argv[2])
    plain, fused = (FoldedNetwork(network, dtype) for _ in range(2))
    fuse_cells(fused.twin)
    for parameter in network.parameters():  # what is refreshed afterwards is seen
        parameter.data.mul_(1.01)
    results = []
    for twin in (plain, fused):
        twin.refresh()
        leaf = x.clone().requires_grad_()
        logits = twin(leaf)
        (logits * torch.linspace(1, 2, 10)).sum().backward()
        results.append((logits.detach(), leaf.grad))
    far = [float((a - b).abs().max() / a.abs().max()) for a, b in zip(*results)]
    cells = sum(isinstance(module, FusedCell) for module in fused.modules())
    found[code] = [cells, *far]
print(json.dumps(found))
"""

LEFT = """
from surrobust.networks import FoldedNetwork, build_network
from surrobust.networks.fused import FusedCell, fuse_cells
from surrobust.spaces import Architecture

for code, channels in (("323133", 12), ("323133", 8), ("000000", 16), ("033113", 16)):
    network = build_network(Architecture.parse(code), channels=channels, cells=1, image_size=8)
    twin = FoldedNetwork(network)
    fuse_cells(twin.twin)
    print(sum(isinstance(module, FusedCell) for module in twin.modules()))
"""

BUILT = """
import sys
import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource
from surrobust.networks.fused import _node

chosen = {"H": 8, "W": 8, "C": int(sys.argv[1]), "OP0": 1, "OP1": 2, "OP2": 3, "BLOCK": 64}
for backward in (False, True):
    values = {**chosen, "BACKWARD": backward}
    names = {name: "i32" if name == "n" else "*bf16" for name in _node.arg_names}
    signature = {**names, **dict.fromkeys(values, "constexpr")}
    places = {(_node.arg_names.index(name),): value for name, value in values.items()}
    even = [["tt.divisibility", 16]]  # as tensors of PyTorch begin in memory
    given = {(i,): even for i, name in enumerate(_node.arg_names) if signature[name][0] == "*"}
    source = ASTSource(fn=_node, signature=signature, constexprs=places, attrs=given)
    for capability in (80, 90):
        built = triton.compile(source, target=GPUTarget("cuda", capability, 32))
        code = built.asm["ptx"]
        looked_for = ("wgmma", "mma.sync", "ld.global.v4", "max.NaN.bf16x2")
        print(capability, *(word in code for word in looked_for))
"""

pytestmark = pytest.mark.skipif(
    find_spec("triton") is None and not os.environ.get("SURROBUST_REQUIRE_TRITON"),
    reason="Triton is not installed: pip install triton",
)


def run(script: str, *arguments: str, interpreted: bool = True) -> str:
    environment = {**os.environ, "TRITON_INTERPRET": str(int(interpreted)), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    ("layout", "dtype", "far"),
    [
        ("channels_last", "float32", 1e-5),
        ("contiguous_format", "float32", 1e-5),
        # Half as GPUs have it, but for bfloat16: the interpreter multiplies that wrongly.
        ("channels_last", "float16", 0.05),
    ],
)
def test_they_compute_what_cells_do_forward_and_backward(layout, dtype, far):
    found = json.loads(run(COMPARED, layout, dtype, " ".join(CODES)))
    assert list(found) == list(CODES)
    for cells, logits, gradient in found.values():
        assert cells == 3
        assert logits < far
        assert gradient < far


def test_cells_that_do_not_fit_stay_as_they_are():
    # Widths that are no power of two, widths below 16 (only the first stage), no way through, and a
    # convolution of zeros.
    assert run(LEFT).split() == ["0", "2", "0", "0"]


@pytest.mark.parametrize("channels", [16, 64])
def test_they_can_be_built_for_gpus_that_are_not_here(channels):
    # By their matrix instructions, of Hopper or of Ampere, loads of 16 bytes, and, forward, ReLU of
    # two numbers at a time.
    found = run(BUILT, str(channels), interpreted=False).splitlines()
    here = ["80 False True True", "90 True False True"]
    assert found == [f"{line} {forward}" for forward in (True, False) for line in here]
