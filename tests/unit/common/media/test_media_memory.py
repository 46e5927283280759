"""Decoders and frames are freed at once: one video is opened again for every segment of a job."""

import gc
from collections.abc import Callable, Iterator

import pytest
from av import VideoFrame
from av.video.stream import VideoStream

from services.common.media.decode import read_pictures
from services.common.media.probe import probe_video


@pytest.fixture
def live_media_objects() -> Iterator[Callable[[], int]]:
    """Counts frames and streams in memory, while nothing collects reference cycles."""
    gc.collect()
    gc.disable()
    yield lambda: sum(isinstance(thing, VideoFrame | VideoStream) for thing in gc.get_objects())
    gc.enable()


def test_reading_a_part_leaves_no_decoder_behind(make_video, live_media_objects: Callable[[], int]) -> None:
    path = make_video("a.mp4")
    info = probe_video(path)
    before = live_media_objects()

    shown = sum(1 for _ in read_pictures(path, info, range(8)))

    assert (shown, live_media_objects()) == (8, before)


def test_probing_leaves_no_frame_behind(make_video, live_media_objects: Callable[[], int]) -> None:
    path = make_video("a.mp4", rotation_ccw_deg=90)
    before = live_media_objects()

    probe_video(path)

    assert live_media_objects() == before
