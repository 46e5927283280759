"""A long 1080p video with a face, and a voice for it."""

import wave
from pathlib import Path

import av
import numpy as np

from bench.full_hd_sample import write_full_hd_sample

FPS = 25


def write_long_clip(folder: Path, minutes: int) -> tuple[Path, Path]:
    """Paths of a video, the sample scaled to 1080p and repeated, and of noise as long as that, both in `folder`."""
    video, audio = folder / "video.mp4", folder / "audio.wav"
    unit = folder / "unit.mp4"
    # Without B-frames, so that its packets can be repeated end to end.
    write_full_hd_sample(unit, {"preset": "ultrafast", "tune": "zerolatency", "crf": "23"})
    with av.open(str(unit)) as source, av.open(str(video), "w") as container:
        template = source.streams.video[0]
        assert template.time_base is not None
        stream = container.add_stream_from_template(template)
        frames = 0
        while frames < minutes * 60 * FPS:
            source.seek(0)
            start = frames * round(1 / (FPS * template.time_base))
            for packet in source.demux(template):
                if packet.pts is None:
                    continue
                packet.pts += start
                packet.dts = packet.pts
                packet.stream = stream
                container.mux(packet)
                frames += 1
    noise = np.random.default_rng(0)
    with wave.open(str(audio), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16000)
        for _ in range(minutes * 60):
            file.writeframes(noise.integers(-3000, 3000, 16000, np.int16).tobytes())
    return video, audio
