"""How far a mouth is open, from FaceMesh landmarks."""

import numpy as np
from numpy.typing import NDArray

UPPER_INNER_LIP = (81, 82, 13, 312, 311)
LOWER_INNER_LIP = (178, 87, 14, 317, 402)
OUTER_EYE_CORNERS = (33, 263)


def mouth_opening(landmarks: NDArray[np.float64] | None) -> float:
    """Gap between the inner lips over the distance of the outer eye corners: 0 closed, about 0.3 wide open.

    The gap is the mean of five pairs of points, measured square to the line between the eyes, so that neither size nor
    tilt of the head matters. NaN without a face or where the eyes coincide.

    Args:
        landmarks: [468, 2] frame px, FaceMesh order.
    """
    if landmarks is None:
        return float("nan")
    left, right = landmarks[list(OUTER_EYE_CORNERS)]
    across = right - left
    distance_px = float(np.linalg.norm(across))
    if distance_px < 1e-6:
        return float("nan")
    down = np.array([-across[1], across[0]]) / distance_px
    gaps_px = (landmarks[list(LOWER_INNER_LIP)] - landmarks[list(UPPER_INNER_LIP)]) @ down
    return float(gaps_px.mean()) / distance_px
