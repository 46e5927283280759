"""Composite: the dubbed faces return into their frames, and the frames become the output file."""

from collections.abc import Generator, Iterator, Mapping
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from services.common.chunk_files import PASSED_THROUGH, Manifest, load_faces
from services.common.media.decode import read_pictures
from services.common.media.encode import EncoderSettings, SegmentEncoder
from services.common.media.formats import WorkingFormat
from services.common.media.picture import Picture
from services.common.media.probe import VideoInfo
from services.common.messages import Mode, Provenance
from services.composite.label import labelled
from services.composite.paste import reference_patch, studio_patch
from services.composite.watermark import watermarked


def composite_segment(
    video: Path,
    info: VideoInfo,
    manifest: Manifest,
    faces: Mapping[int, Path],
    mode: Mode,
    encoder: EncoderSettings,
    target: Path,
    provenance: Provenance | None = None,
) -> Generator[int, None, None]:
    """Encodes one segment into `target`, yielding the number of frames done after each.

    `faces` are the stored faces of each chunk the segment needs. With `provenance` dubbed frames are marked.
    Raises DiskFull, OutputUnwritable.
    """
    pictures = read_pictures(video, info, manifest.source.tolist(), _working_format(info, mode))
    with SegmentEncoder(target, info, manifest.time_base, encoder) as segment:
        for done, picture in enumerate(composited(pictures, manifest, faces, mode), start=1):
            if provenance and manifest.chunk[done - 1] != PASSED_THROUGH:
                picture = marked(picture, provenance, mode)
            segment.write(picture, int(manifest.pts[done - 1]))
            yield done


def composited(
    pictures: Iterator[Picture], manifest: Manifest, faces: Mapping[int, Path], mode: Mode
) -> Iterator[Picture]:
    """The segment's pictures, with the dubbed face where there is one; others are the source's, untouched."""

    @lru_cache(maxsize=2)
    def faces_of(chunk: int) -> NDArray[np.uint8] | NDArray[np.float32]:
        return load_faces(faces[chunk])

    for picture, chunk, row, matrix in zip(pictures, manifest.chunk, manifest.row, manifest.matrices, strict=True):
        if chunk == PASSED_THROUGH:
            yield picture
        else:
            yield pasted(picture, faces_of(int(chunk))[row], matrix, mode)


def pasted(
    picture: Picture, face_chw: NDArray[np.uint8] | NDArray[np.float32], matrix: NDArray[np.float64], mode: Mode
) -> Picture:
    """`picture` with the face blended in; samples outside the blend are the source's, bit for bit."""
    size_wh = (picture.width, picture.height)
    resolution = face_chw.shape[-1]
    if mode == "reference":
        face = np.asarray(face_chw, np.float32)
        return reference_patch(face, matrix, resolution, size_wh).onto(picture, "truncate")
    image = np.ascontiguousarray(face_chw.transpose(1, 2, 0), np.uint8)
    return studio_patch(image, matrix, resolution, size_wh).onto(picture, "nearest")


def marked(picture: Picture, provenance: Provenance, mode: Mode) -> Picture:
    """`picture` with the label if it was asked for, and the watermark; the reference's frames stay the reference's."""
    if provenance.label:
        picture = labelled(picture)
    return picture if mode == "reference" else watermarked(picture, provenance.watermark)


def _working_format(info: VideoInfo, mode: Mode) -> WorkingFormat:
    """The source's own samples, or RGB as the reference works in."""
    return "gbrp" if mode == "reference" else info.working_format
