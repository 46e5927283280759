"""Merges what a traced graph says more than once: the same constant, or the same operation on the same values."""

import onnx


def merge_duplicates(graph: onnx.GraphProto) -> None:
    """Keeps the first of nodes with equal operator, attributes and inputs; nothing computed changes.

    Tracing records each layer's own copy of every constant and shape, half of the nodes of a transformer. Needs a
    graph without random operators, in topological order.
    """
    outputs = {value.name for value in graph.output}
    kept: list[onnx.NodeProto] = []
    first_with: dict[tuple[object, ...], onnx.NodeProto] = {}
    same_as: dict[str, str] = {}
    for node in graph.node:
        for index, name in enumerate(node.input):
            node.input[index] = same_as.get(name, name)
        attributes = tuple(attribute.SerializeToString(deterministic=True) for attribute in node.attribute)
        first = first_with.setdefault((node.domain, node.op_type, tuple(node.input), attributes), node)
        if first is node or outputs & set(node.output):
            kept.append(node)
        else:
            same_as.update(zip(node.output, first.output, strict=True))
    del graph.node[:]
    graph.node.extend(kept)
