"""Draws the sample speaker and synthesises the two sample voices. Nobody was filmed or recorded.

    .venv/bin/python -m samples.make_samples

The same numbers come out on every run; the encoded bytes depend on the codecs' versions.
"""

from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from samples.features import Expression
from samples.talking_head import Pose, TalkingHead
from samples.voice import FRAME_S, SAMPLE_RATE_HZ, Score, Speaker, synthesised

FOLDER = Path(__file__).parent
FPS = 25
# "Hello, and welcome. My lips move with my own voice."
TEXT_A = "_ HH AH L OW1 _ AE N D W EH1 L K AH M _ _ M AY L IH1 P S M UW1 V W IH DH M AY OW1 N V OY1 S _ _"
# "Good morning. Now I speak with another voice, frame by frame."
TEXT_B = "_ G UH D M AO1 R N IH N _ _ N AW1 AY S P IY1 K W IH DH AH N AH1 DH ER V OY1 S _ F R EY1 M B AY F R EY1 M _ _"
VOICE_A = Speaker(pitch_hz=205, tract_scale=1.0, tempo=0.93, seed=101)
VOICE_B = Speaker(pitch_hz=178, tract_scale=0.95, tempo=0.88, seed=202)


def expression_at(t_s: float, score: Score) -> Expression:
    frame = min(round(t_s / FRAME_S), len(score.mouth_open) - 1)
    blink = sum(np.exp(-0.5 * ((t_s - at) / 0.055) ** 2) for at in (0.62, 2.35, 3.72))
    brow = 0.55 * np.exp(-0.5 * ((t_s - 0.75) / 0.25) ** 2) + 0.5 * np.exp(-0.5 * ((t_s - 3.2) / 0.30) ** 2)
    glance = 0.010 * np.tanh(np.sin(2 * np.pi * t_s / 3.1) * 6)
    return Expression(
        mouth_open=float(np.clip(0.9 * score.mouth_open[frame], 0, 1)),
        spread=float(np.clip(score.spread[frame], -0.9, 1)),
        blink=float(min(1.0, blink)),
        brow_raise=float(brow),
        gaze_xy=(float(glance), 0.0),
    )


def pose_at(t_s: float) -> Pose:
    """Slow, small head motion: sums of incommensurate sines."""
    turn = 2 * np.pi * t_s
    return Pose(
        shift_xy=(0.020 * np.sin(turn / 3.7), 0.010 * np.sin(turn / 2.1 + 1)),
        roll=0.026 * np.sin(turn / 4.3 + 0.6),
        yaw=0.050 * np.sin(turn / 3.3 + 2.2),
        pitch=0.022 * np.sin(turn / 1.9) + 0.010 * np.sin(turn / 0.83),
    )


def add_voice(container: av.container.OutputContainer) -> av.AudioStream:
    return container.add_stream("aac", rate=SAMPLE_RATE_HZ, layout="mono", bit_rate=72_000)


def encode_voice(container: av.container.OutputContainer, stream: av.AudioStream, pcm: NDArray[np.float32]) -> None:
    for start in range(0, len(pcm), 1024):
        frame = av.AudioFrame.from_ndarray(pcm[None, start : start + 1024], format="fltp", layout="mono")
        frame.sample_rate, frame.pts = SAMPLE_RATE_HZ, start
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))


def write_voice(path: Path, pcm: NDArray[np.float32]) -> None:
    with av.open(path, "w") as container:
        encode_voice(container, add_voice(container), pcm)


def write_video(path: Path, pcm: NDArray[np.float32], score: Score) -> None:
    head = TalkingHead()
    count = len(pcm) * FPS // SAMPLE_RATE_HZ
    first = head.frame(expression_at(0, score), pose_at(0))
    with av.open(path, "w", options={"movflags": "faststart"}) as container:
        stream = container.add_stream("libx264", rate=FPS, options={"crf": "19", "preset": "slow", "threads": "1"})
        stream.height, stream.width = first.shape[:2]
        stream.pix_fmt = "yuv420p"
        voice = add_voice(container)
        context = stream.codec_context
        context.colorspace = context.color_primaries = context.color_trc = 1  # BT.709
        context.color_range = 1
        for index in range(count):
            rgb = head.frame(expression_at(index / FPS, score), pose_at(index / FPS))
            frame = av.VideoFrame.from_ndarray(rgb, format="rgb24")
            frame = frame.reformat(format="yuv420p", dst_colorspace="ITU709", dst_color_range="MPEG")
            frame.pts = index
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        encode_voice(container, voice, pcm)


def main() -> None:
    pcm_a, score_a = synthesised(TEXT_A, VOICE_A)
    pcm_b, _ = synthesised(TEXT_B, VOICE_B)
    write_voice(FOLDER / "voice_a.m4a", pcm_a)
    write_voice(FOLDER / "voice_b.m4a", pcm_b)
    write_video(FOLDER / "talking_head.mp4", pcm_a, score_a)
    for name in ("talking_head.mp4", "voice_a.m4a", "voice_b.m4a"):
        print(f"{FOLDER / name}: {(FOLDER / name).stat().st_size / 1024:.0f} KiB")


if __name__ == "__main__":
    main()
