"""Reading pictures of a video in any order, streaming."""

from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Literal

import av
import numpy as np
from av import VideoFrame
from av.video.stream import VideoStream

from services.common.errors import InvalidParameter, MediaUnreadable
from services.common.media.formats import WorkingFormat, layout_of
from services.common.media.opening import open_media
from services.common.media.picture import Picture
from services.common.media.planes import convert, planes_of
from services.common.media.probe import VideoInfo
from services.common.media.streams import packets_of
from services.common.process_memory import return_freed_memory

_BLOCK_BYTES: Final = 192 << 20
"""Pictures held at once while reading backwards."""
_WORTH_SEEKING_FRAMES: Final = 32
"""Decoding on is cheaper than a seek over fewer frames."""
_RETURN_MEMORY_EVERY_FRAMES: Final = 10
"""What is made of the frames is freed all over the process; more often would cost more in memory faulted in anew."""


def read_pictures(
    path: Path,
    info: VideoInfo,
    indices: Sequence[int] | None = None,
    working_format: WorkingFormat | None = None,
    threads: int = 0,
) -> Iterator[Picture]:
    """Yields the pictures of the source frames `indices` (all of them by default), in the order asked.

    Memory does not depend on the length: rising indices are decoded onwards, falling ones block by block.
    A frame that cannot be decoded shows the one before it; its index and pts are still its own.
    `working_format` replaces the source's (reference mode asks for gbrp); `threads` 0 lets the decoder choose.
    Raises the errors of `open_media`, MediaUnreadable if nothing can be decoded, InvalidParameter for an index
    outside the video.
    """
    wanted = range(info.frame_count) if indices is None else indices
    target = working_format or info.working_format
    with _FrameReader(path, info, threads) as reader:
        for run in _runs(wanted, _pictures_per_block(info, target)):
            if run[0] <= run[-1]:
                for index in run:
                    yield _picture(reader.frame(index), index, info, target)
            else:
                block = {index: _picture(reader.frame(index), index, info, target) for index in sorted(set(run))}
                yield from (block[index] for index in run)
                block.clear()  # else it would live on while the next one is read


class _Damaged(Exception):
    """A packet could not be decoded while several frames were being decoded at once."""


class _FrameReader:
    """The decoder's position in the file: the last frame taken and the one after it."""

    def __init__(self, path: Path, info: VideoInfo, threads: int) -> None:
        self._path = path
        self._info = info
        self._threads = threads
        self._threading: Literal["AUTO", "SLICE"] = "AUTO"
        self._resources = ExitStack()
        self._taken: tuple[int, VideoFrame] | None = None
        self._ahead: tuple[int, VideoFrame] | None = None
        self._shown = 0

    def __enter__(self) -> "_FrameReader":
        self._start_at(0)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Halted midway it refers to this reader, and the two would keep the decoder until cyclic collection, which
        # hardly ever comes where nearly all memory is outside Python objects.
        self._frames.close()
        self._resources.close()

    def frame(self, index: int) -> VideoFrame:
        """The frame shown at `index`: itself, else the nearest decodable one before it, else the first there is."""
        if not 0 <= index < self._info.frame_count:
            raise InvalidParameter(
                f"Frame {index} is outside “{self._path.name}”, which has {self._info.frame_count} frames.", index=index
            )
        if self._should_seek(index):
            self._start_at(index)
            if self._ahead is None or self._ahead[0] > index:
                self._start_at(0)  # the seek landed too late, as it may where the container has no index
        while self._ahead is not None and self._ahead[0] <= index:
            self._taken, self._ahead = self._ahead, next(self._frames, None)
        chosen = self._taken or self._ahead
        if chosen is None:
            raise MediaUnreadable(f"No picture of “{self._path.name}” can be decoded.", path=str(self._path))
        self._shown += 1
        if self._shown % _RETURN_MEMORY_EVERY_FRAMES == 0:
            return_freed_memory()
        return chosen[1]

    def _should_seek(self, index: int) -> bool:
        position = self._taken[0] if self._taken else 0
        if index < position:
            return True
        return not self._info.untimed and self._keyframe_before(index) - position > _WORTH_SEEKING_FRAMES

    def _start_at(self, index: int) -> None:
        self._open_at(index)
        self._frames = self._increasing_frames()
        self._taken, self._ahead = None, next(self._frames, None)

    def _open_at(self, index: int) -> None:
        """Opens the file anew, and seeks to the keyframe that `index` needs if frames can be told by their times."""
        self._resources.close()
        self._container = self._resources.enter_context(open_media(self._path))
        stream = self._container.streams[self._info.stream_index]
        assert isinstance(stream, VideoStream)
        stream.codec_context.thread_type = self._threading
        stream.codec_context.thread_count = self._threads
        self._stream = stream
        keyframe = 0 if self._info.untimed else self._keyframe_before(index)
        if keyframe:
            with suppress(av.FFmpegError):
                timestamp = self._info.start_pts + int(self._info.timestamps[keyframe])
                self._container.seek(timestamp, stream=stream)

    def _keyframe_before(self, index: int) -> int:
        at = int(np.searchsorted(self._info.keyframes, index, side="right")) - 1
        return int(self._info.keyframes[at]) if at >= 0 else 0

    def _increasing_frames(self) -> Generator[tuple[int, VideoFrame], None, None]:
        """Decoded frames with strictly increasing indices.

        At the first damaged packet the decoder starts again with one frame at a time: a decoder of many frames at
        once also loses sound ones around the damage.
        """
        latest = -1
        while True:
            try:
                for index, frame in self._indexed_frames():
                    if latest < index < self._info.frame_count:
                        latest = index
                        yield index, frame
                return
            except _Damaged:
                self._threading = "SLICE"
                self._open_at(max(latest, 0))

    def _indexed_frames(self) -> Iterator[tuple[int, VideoFrame]]:
        for count, frame in enumerate(self._decoded_frames()):
            yield (count if self._info.untimed else self._index_of(frame)), frame

    def _index_of(self, frame: VideoFrame) -> int:
        """The frame whose timestamp is nearest; −1 before the first."""
        if frame.pts is None or frame.pts < self._info.start_pts:
            return -1
        timestamp, timestamps = frame.pts - self._info.start_pts, self._info.timestamps
        after = int(np.searchsorted(timestamps, timestamp))
        if after == len(timestamps):
            return after - 1
        if after and timestamp - timestamps[after - 1] < timestamps[after] - timestamp:
            return after - 1
        return after

    def _decoded_frames(self) -> Iterator[VideoFrame]:
        for packet in packets_of(self._container, self._stream):
            try:
                frames = packet.decode()
            except av.FFmpegError as error:
                if self._threading == "AUTO":
                    raise _Damaged from error
                continue
            yield from (frame for frame in frames if isinstance(frame, VideoFrame))
        try:
            yield from self._stream.decode(None)
        except av.FFmpegError as error:
            if self._threading == "AUTO":
                raise _Damaged from error


def _picture(frame: VideoFrame, index: int, info: VideoInfo, working_format: WorkingFormat) -> Picture:
    size_fits = (frame.width, frame.height) == (info.coded_width, info.coded_height)
    if not size_fits or frame.format.name.replace("yuvj", "yuv") != info.working_format:
        frame = convert(
            frame, info.working_format, info.color, info.height, width=info.coded_width, height=info.coded_height
        )
    planes = tuple(info.orientation.upright(plane) for plane in planes_of(frame, info.working_format))
    picture = Picture(index, int(info.timestamps[index]), planes, info.working_format, info.color)
    return picture.converted(working_format)


def _pictures_per_block(info: VideoInfo, working_format: WorkingFormat) -> int:
    layout = layout_of(working_format)
    samples = info.width * info.height * (1 + 2 / (layout.chroma_step_x * layout.chroma_step_y))
    return max(2, int(_BLOCK_BYTES / (samples * layout.bytes_per_sample)))


def _runs(indices: Sequence[int], longest_falling: int) -> Iterator[Sequence[int]]:
    """Splits into runs that never fall and runs of at most `longest_falling` that never rise."""
    start = 0
    while start < len(indices):
        falls = start + 1 < len(indices) and indices[start + 1] < indices[start]
        end = start + 1
        while end < len(indices) and not (falls and end - start == longest_falling):
            previous, index = indices[end - 1], indices[end]
            if index > previous if falls else index < previous:
                break
            end += 1
        yield indices[start:end]
        start = end
