"""Which kernels a step launches, what each computes and moves, and how long that must take."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.fx import GraphModule, Node
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry

Kernel = tuple[float, float]
"""Bytes read and written, as if nothing stayed in a cache, and operations."""

Counts = Counter[Kernel]
"""How many of each there are."""


@dataclass(frozen=True)
class Machine:
    """What a device reaches, as measured.

    Args:
        flops: Operations a second of a large matrix product, by dtype.
        bandwidth: Bytes a second, read and written, of a large copy.
        launch: Seconds of the smallest kernel, replayed.
        call: Seconds until the host has launched one.
    """

    flops: dict[torch.dtype, float]
    bandwidth: float
    launch: float
    call: float

    def seconds(self, kernels: Counts, dtype: torch.dtype, *, captured: bool) -> float:
        """Return the least seconds that kernels take one after the other."""
        rate = self.flops[dtype]
        found = sum(
            n * max(moved / self.bandwidth, operations / rate, self.launch)
            for (moved, operations), n in kernels.items()
        )
        return found if captured else max(found, kernels.total() * self.call)


class Watch(TorchDispatchMode):
    """Lists the kernels of what runs, an operation each."""

    def __init__(self) -> None:
        super().__init__()
        self.kernels: list[Kernel] = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
        out = func(*args, **(kwargs or {}))
        read, written = _tensors([args, kwargs]), _tensors(out)
        places = {tensor.untyped_storage().data_ptr() for tensor in read}
        views = all(tensor.untyped_storage().data_ptr() in places for tensor in written)
        if not views or func.__name__.split(".")[0].endswith("_"):
            self.kernels += _of_operation(func, args, kwargs or {}, out)
        return out


def counting_backend(kernels: list[Kernel], *, fused: bool) -> Callable[..., Any]:
    """Return a backend of ``torch.compile`` that computes plainly and lists kernels.

    Args:
        kernels: Grows by those of each call.
        fused: Whether as a compiler would fuse them; else one for each operation.
    """
    from functorch.compile import make_boxed_func
    from torch._dynamo.backends.common import aot_autograd
    from torch._inductor.decomposition import select_decomp_table

    def compiler(module: GraphModule, inputs: Any) -> Callable[..., Any]:
        del inputs
        own = fuse(module) if fused else plain(module)

        def run(*args: Any) -> Any:
            kernels.extend(own)
            return module(*args)

        return make_boxed_func(run)

    decompositions = select_decomp_table() if fused else {}
    return aot_autograd(fw_compiler=compiler, decompositions=decompositions)


def plain(module: GraphModule) -> list[Kernel]:
    """Return the kernels of a graph, one for each operation that is not a view."""
    nodes = [node for node in module.graph.nodes if _computes(node)]
    return [kernel for node in nodes for kernel in _of_node(node)]


def fuse(module: GraphModule) -> list[Kernel]:
    """Return the kernels of a graph of which all that is computed pixel by pixel is fused.

    Such a result is written only where a convolution or the like, or the caller, reads it; wherever
    else it is read it is computed on the way. Results of equal depth, which is the number of
    convolutions and the like before them, that read something in common are one kernel.
    """
    nodes = [node for node in module.graph.nodes if _computes(node)]
    outer = {_behind_views(node) for node in module.graph.output_node().all_input_nodes}
    heavy = [node for node in nodes if not _is_pixelwise(node)]
    kept = outer | {source for node in heavy for source in _inputs(node)}
    leaves: dict[Node, frozenset[Node]] = {}
    depth: dict[Node, int] = {}
    for node in nodes:
        inputs = _inputs(node)
        inlined = {n for n in inputs if n in leaves and n not in kept and _is_pixelwise(n)}
        through = frozenset().union(*(leaves[n] for n in inlined)) if inlined else frozenset()
        leaves[node] = through | (inputs - inlined)
        depth[node] = max((depth.get(n, 0) + (n in heavy) for n in inputs), default=0)
    groups: list[tuple[int, set[Node], list[Node]]] = []
    for node in nodes:
        if node not in kept or not _is_pixelwise(node):
            continue
        reads, members = set(leaves[node]), [node]
        for other in [g for g in groups if g[0] == depth[node] and g[1] & (reads | {node})]:
            groups.remove(other)
            reads, members = reads | other[1], [*other[2], *members]
        groups.append((depth[node], reads, members))
    fused = [(_size_of({*reads, *members}), 0.0) for _, reads, members in groups]
    return fused + [
        (_size_of({*leaves[node], node}), sum(f for _, f in _of_node(node))) for node in heavy
    ]


def _inputs(node: Node) -> set[Node]:
    """Return the nodes that an operation really reads."""
    inputs = node.all_input_nodes
    if _name(node.target) == "convolution_backward":
        inputs = [n for n in inputs if n in _read_backward(node.args)]
    return {_behind_views(other) for other in inputs}


def _behind_views(node: Node) -> Node:
    """Return what a view, or one of several results, is of."""
    while node.op == "call_function" and (
        _name(node.target) == "getitem" or getattr(node.target, "is_view", False)
    ):
        node = node.all_input_nodes[0]
    return node


def _computes(node: Node) -> bool:
    return node.op == "call_function" and _behind_views(node) is node and _node_size(node) > 64


def _is_pixelwise(node: Node) -> bool:
    is_cast = _name(node.target) in ("_to_copy", "convert_element_type", "clone")
    return node.op == "call_function" and (
        is_cast or torch.Tag.pointwise in getattr(node.target, "tags", ())
    )


def _of_node(node: Node) -> list[Kernel]:
    values = torch.fx.node.map_arg((node.args, node.kwargs), lambda n: n.meta["val"])
    return _of_operation(node.target, *values, node.meta["val"])


def _of_operation(func: Any, args: Any, kwargs: Any, out: Any) -> list[Kernel]:
    count, name = flop_registry.get(getattr(func, "overloadpacket", None)), _name(func)
    flops = 0.0 if count is None else float(count(*args, **kwargs, out_val=out))
    read = _read_backward(args) if name == "convolution_backward" else [args, kwargs]
    moved = float(sum(map(_size, (*_tensors(read), *_tensors(out)))))
    kernels = [(moved, flops)] if moved else []
    if name == "convolution" and args[2] is not None:  # cuDNN's bias is a pass of its own
        kernels.append((2.0 * _size(out), 0.0))
    return kernels


def _read_backward(args: Sequence[Any]) -> list[Any]:
    """Return what of its arguments convolution's backward reads: the image only for the kernel."""
    gradient, image, kernel, mask = args[0], args[1], args[2], args[-1]
    return [gradient, *([kernel] if mask[0] else []), *([image] if mask[1] else [])]


def _name(func: Any) -> str:
    return getattr(func, "__name__", "").split(".")[0]


def _size_of(nodes: set[Node]) -> float:
    return sum(map(_node_size, nodes))


def _node_size(node: Node) -> float:
    return float(sum(map(_size, _tensors(node.meta.get("val")))))


def _size(tensor: torch.Tensor) -> int:
    return tensor.numel() * tensor.element_size()


def _tensors(value: Any) -> list[torch.Tensor]:
    return [leaf for leaf in tree_leaves(value) if isinstance(leaf, torch.Tensor)]
