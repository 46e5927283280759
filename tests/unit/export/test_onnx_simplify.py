"""Duplicate nodes of a traced graph are merged without changing what it computes."""

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper

from export.onnx_simplify import merge_duplicates


def graph_with_duplicates() -> onnx.ModelProto:
    """y = x·2 + x·2 and z = x·2 again, every step written out each time."""
    two = helper.make_tensor("value", TensorProto.FLOAT, [1], [2.0])
    nodes = [
        helper.make_node("Constant", [], ["two_a"], value=two),
        helper.make_node("Mul", ["x", "two_a"], ["double_a"]),
        helper.make_node("Constant", [], ["two_b"], value=two),
        helper.make_node("Mul", ["x", "two_b"], ["double_b"]),
        helper.make_node("Add", ["double_a", "double_b"], ["y"]),
        helper.make_node("Mul", ["x", "two_b"], ["z"]),
    ]
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [3]) for name in ("x", "y", "z")]
    graph = helper.make_graph(nodes, "duplicates", values[:1], values[1:])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)


def test_duplicates_are_merged_and_outputs_keep_their_names_and_values() -> None:
    model = graph_with_duplicates()

    merge_duplicates(model.graph)

    assert [node.op_type for node in model.graph.node] == ["Constant", "Mul", "Add", "Mul"]
    x = np.array([1.0, 2.0, 3.0], np.float32)
    y, z = onnxruntime.InferenceSession(model.SerializeToString()).run(["y", "z"], {"x": x})
    np.testing.assert_array_equal(y, 4 * x)
    np.testing.assert_array_equal(z, 2 * x)


def test_nodes_that_differ_in_an_attribute_are_kept_apart() -> None:
    nodes = [
        helper.make_node("Transpose", ["x"], ["a"], perm=[0, 1]),
        helper.make_node("Transpose", ["x"], ["b"], perm=[1, 0]),
        helper.make_node("MatMul", ["a", "b"], ["y"]),
    ]
    graph = helper.make_graph(nodes, "g", [], [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)])

    merge_duplicates(graph)

    assert len(graph.node) == 3
