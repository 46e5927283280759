"""The planar formats pictures are worked on in, and which one a decoded pixel format becomes."""

from dataclasses import dataclass
from typing import Literal, get_args

from av import VideoFormat

WorkingFormat = Literal[
    "yuv420p", "yuv422p", "yuv444p", "yuv420p10le", "yuv422p10le", "yuv444p10le", "gbrp"
]  # fmt: skip

WORKING_FORMATS: tuple[WorkingFormat, ...] = get_args(WorkingFormat)


@dataclass(frozen=True)
class PlaneLayout:
    """How the three planes of a working format are laid out."""

    chroma_step_x: int
    """Luma samples per chroma sample along a row: 1 or 2."""
    chroma_step_y: int
    bits: int
    is_rgb: bool

    @property
    def bytes_per_sample(self) -> int:
        return 1 if self.bits == 8 else 2

    def steps(self, plane: int) -> tuple[int, int]:
        """Picture pixels per sample of `plane`, along x and y."""
        return (self.chroma_step_x, self.chroma_step_y) if plane else (1, 1)


_LAYOUTS: dict[str, PlaneLayout] = {
    "yuv420p": PlaneLayout(2, 2, 8, False),
    "yuv422p": PlaneLayout(2, 1, 8, False),
    "yuv444p": PlaneLayout(1, 1, 8, False),
    "yuv420p10le": PlaneLayout(2, 2, 10, False),
    "yuv422p10le": PlaneLayout(2, 1, 10, False),
    "yuv444p10le": PlaneLayout(1, 1, 10, False),
    "gbrp": PlaneLayout(1, 1, 8, True),
}


def layout_of(working_format: WorkingFormat) -> PlaneLayout:
    return _LAYOUTS[working_format]


def yuv_format(chroma_step_x: int, chroma_step_y: int, bits: int) -> WorkingFormat:
    """The YUV working format that loses nothing of these steps, up to 10 bits."""
    sampling = "444" if chroma_step_x == 1 else "422" if chroma_step_y == 1 else "420"
    name = f"yuv{sampling}p" if bits <= 8 else f"yuv{sampling}p10le"
    return next(known for known in WORKING_FORMATS if known == name)


def working_format_of(pixel_format: str, width: int, height: int, *, quarter_turn: bool = False) -> WorkingFormat:
    """The nearest working format of a decoded pixel format.

    RGB, palettes and XYZ become 8-bit planar RGB; grey becomes YUV; more than 10 bits become 10. Sizes that the
    chroma sampling does not divide become 4:4:4 (encoders refuse them otherwise), as does 4:2:2 when the picture
    has to be turned by 90 degrees (`quarter_turn`): its chroma would be halved along the wrong side.
    """
    source = VideoFormat(pixel_format, 16, 16)
    if source.is_rgb or source.has_palette or pixel_format.startswith("xyz"):
        return "gbrp"
    bits = max(component.bits for component in source.components)
    step_x, step_y = 16 // source.chroma_width(), 16 // source.chroma_height()
    if len(source.components) < 3:
        step_x, step_y = 2, 2
    step_x = min(step_x, 2)
    step_y = min(step_y, 2) if step_x == 2 else 1
    if width % step_x or height % step_y or (quarter_turn and step_x != step_y):
        step_x, step_y = 1, 1
    return yuv_format(step_x, step_y, bits)
