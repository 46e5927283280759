import numpy as np
import pytest

from services.common.face_geometry import template_triple
from services.preprocess.alignment import align_matrix


@pytest.mark.parametrize("angle_deg", [0, 35, 180, -120])
@pytest.mark.parametrize("resolution", [128, 256, 512])
def test_a_turned_scaled_and_shifted_template_is_brought_back_exactly(angle_deg: float, resolution: int) -> None:
    angle = np.deg2rad(angle_deg)
    linear = 1.7 * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    triple = template_triple(resolution) @ linear.T + (311.3, -40.8)
    matrix = align_matrix(triple, resolution)
    np.testing.assert_allclose(triple @ matrix[:, :2].T + matrix[:, 2], template_triple(resolution), atol=1e-9)


def test_a_mirrored_face_is_turned_but_never_mirrored() -> None:
    mirrored = template_triple(256) * (-1, 1)
    assert np.linalg.det(align_matrix(mirrored, 256)[:, :2]) > 0


def test_coinciding_points_are_refused() -> None:
    with pytest.raises(ValueError, match="coincide"):
        align_matrix(np.full((3, 2), 7.0), 256)
