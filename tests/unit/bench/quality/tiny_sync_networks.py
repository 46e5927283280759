"""Lip-sync networks that are right by construction: both towers give the course of one quantity over the window, the
brightness of the images and the loudness of the sound, less its mean and of unit length."""

from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper


def save_stable(folder: Path, frames: int = 16, columns: int = 52) -> Path:
    """In the layout of a model repository; images of 16×8 px."""
    _save(folder / "syncnet_visual" / "1" / "model.onnx", [1, 3 * frames, 8, 16], [1, frames, -1], np.eye(frames))
    _save(
        folder / "syncnet_audio" / "1" / "model.onnx",
        [1, 1, 80, columns],
        [1, 80, columns],
        _pooled(columns, frames),
        1,
    )
    return folder


def save_chung(folder: Path) -> Path:
    """As two files; images of 32×32 px."""
    folder.mkdir(exist_ok=True)
    _save(folder / "syncnet_visual.onnx", [1, 3, 5, 32, 32], [3, 5, -1], np.eye(5), (0, 2))
    _save(folder / "syncnet_audio.onnx", [1, 1, 13, 20], [1, 13, 20], _pooled(20, 5), None)
    return folder


def _pooled(columns: int, frames: int) -> NDArray[np.float64]:
    """[columns, frames]: the mean over each frame's columns."""
    owner = np.arange(columns) * frames // columns
    weights = (owner[:, None] == np.arange(frames)).astype(np.float64)
    return weights / weights.sum(axis=0)


def _save(
    path: Path,
    shape: list[int],
    regrouped: list[int],
    weights: NDArray[np.float64],
    averaged: int | tuple[int, ...] | None = 2,
) -> None:
    """`averaged` axes of the regrouped input; None takes the first row (the cepstrum's energy)."""
    constants = {
        "regrouped": np.array(regrouped),
        "weights": weights.astype(np.float32),
        "last": np.array([-1]),
        "floor": np.array([1e-3], np.float32),
        "zero": np.array(0),
    }
    nodes = [helper.make_node("Reshape", ["input", "regrouped"], ["grouped"])]
    if averaged is None:
        nodes.append(helper.make_node("Gather", ["grouped", "zero"], ["course"], axis=1))
    else:
        constants["averaged"] = np.atleast_1d(averaged)
        nodes.append(helper.make_node("ReduceMean", ["grouped", "averaged"], ["course"], keepdims=0))
    nodes += [
        helper.make_node("MatMul", ["course", "weights"], ["pooled"]),
        helper.make_node("ReduceMean", ["pooled", "last"], ["mean"], keepdims=1),
        helper.make_node("Sub", ["pooled", "mean"], ["centred"]),
        helper.make_node("ReduceL2", ["centred", "last"], ["length"], keepdims=1),
        helper.make_node("Max", ["length", "floor"], ["safe"]),
        helper.make_node("Div", ["centred", "safe"], ["embedding"]),
    ]
    graph = helper.make_graph(
        nodes,
        "tower",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10), path)
