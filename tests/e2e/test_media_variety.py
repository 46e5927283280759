"""Every kind of source and output: what the source has stays, and only the asked mouths change."""

import json
from collections import Counter
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from made_clips import (
    JPEG,
    MPEG,
    VOICE_RATE_HZ,
    Form,
    Watch,
    frame_times_s,
    pictures_of,
    rgb_frames,
    voice_samples,
    write_clip,
    write_voice,
)
from numpy.typing import NDArray

from cli.dub import dub_file
from services.common.messages import DubParameters, JobRecord, LengthPolicy, OutputParameters, Preset
from services.common.onnx_models import OnnxModels
from services.common.ports import Arrays, ModelName
from services.common.settings import Settings
from services.composite import stage as composite_stage

FRAMES = 12
FRAME_S = Fraction(1, 25)
WIDTH, HEIGHT = 320, 240


class WatchedModels(OnnxModels):
    """Notes which networks were asked, and with which guidance."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.calls: Counter[str] = Counter()
        self.guidance: list[float] = []

    async def infer(
        self, model: ModelName, variant: str, inputs: Arrays, outputs: tuple[str, ...]
    ) -> dict[str, NDArray[np.float32]]:
        self.calls[model] += 1
        if "guidance_scale" in inputs:
            self.guidance.append(float(inputs["guidance_scale"][0]))
        return await super().infer(model, variant, inputs, outputs)


Dub = Callable[..., JobRecord]


@pytest.fixture(scope="module")
def all_models() -> WatchedModels:
    settings = Settings()
    return WatchedModels(settings.models_dir, settings.threads)


@pytest.fixture
def models(all_models: WatchedModels, monkeypatch: pytest.MonkeyPatch) -> WatchedModels:
    """The networks, opened once for all tests of this file."""
    all_models.calls.clear()
    all_models.guidance.clear()
    monkeypatch.setattr("cli.dub.OnnxModels", lambda directory, threads: all_models)
    return all_models


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Watch:
    watch = Watch()
    monkeypatch.setattr(composite_stage, "composited", watch.composited)
    return watch


@pytest.fixture
def dub(models: WatchedModels, tmp_path: Path) -> Dub:
    """Dubs quickly: one step without guidance unless asked otherwise."""

    def run(video: Path, voice: Path, output: Path, preset: Preset = "ultrafast", **asked: Any) -> JobRecord:
        encode = OutputParameters(suffix=output.suffix.lower(), preset=preset)
        parameters = DubParameters.model_validate({"steps": 1, "guidance_scale": 1.0, "output": encode, **asked})
        return dub_file(video, voice, output, parameters, Settings(work_dir=tmp_path / "work"))

    return run


@pytest.fixture(scope="module")
def head(sample_video: Path) -> list[NDArray[np.uint8]]:
    return rgb_frames(sample_video, FRAMES, WIDTH, HEIGHT)


@pytest.fixture(scope="module")
def samples(sample_voice: Path) -> NDArray[np.int16]:
    return voice_samples(sample_voice)


@pytest.fixture
def voice(samples: NDArray[np.int16], tmp_path: Path) -> Path:
    """As long as the clips at 25 frames a second."""
    return write_voice(tmp_path / "voice.wav", samples, FRAMES / 25)


@pytest.fixture
def clip(head: list[NDArray[np.uint8]], tmp_path: Path) -> Path:
    return write_clip(tmp_path / "clip.mp4", head)


def report_of(output: Path) -> dict[str, Any]:
    report: dict[str, Any] = json.loads(output.with_suffix(".report.json").read_text())
    return report


@pytest.mark.parametrize(("suffix", "preset"), [(".mp4", "ultrafast"), (".mkv", "veryfast")])
def test_irregular_frame_times_are_kept(
    suffix: str, preset: Preset, head: list[NDArray[np.uint8]], samples: NDArray[np.int16], dub: Dub, tmp_path: Path
) -> None:
    steps_ms = [33, 34, 17, 100, 41, 250, 1, 40, 9, 133, 67]
    pts = [0, *np.cumsum(steps_ms).tolist()]
    video = write_clip(tmp_path / "variable.mkv", head, Form(pts=pts, time_base=Fraction(1, 1000)))
    voice = write_voice(tmp_path / "voice.wav", samples, 2.0)
    output = tmp_path / f"out{suffix}"

    dub(video, voice, output, preset, length="cut")

    assert frame_times_s(output) == [Fraction(stamp, 1000) for stamp in pts]
    assert report_of(output)["frames_dubbed"] == FRAMES


def test_ten_bit_hdr_stays_ten_bit_hdr(
    head: list[NDArray[np.uint8]], voice: Path, dub: Dub, watch: Watch, tmp_path: Path
) -> None:
    tags = (9, 16, 9, MPEG)
    form = Form("libx265", "yuv420p10le", tags=tags, options={"preset": "ultrafast", "x265-params": "log-level=error"})
    video = write_clip(tmp_path / "hdr.mp4", head, form)

    dub(video, voice, tmp_path / "out.mp4")

    with av.open(str(tmp_path / "out.mp4")) as container:
        context = container.streams.video[0].codec_context
        assert (context.name, context.pix_fmt) == ("hevc", "yuv420p10le")
        assert (context.color_primaries, context.color_trc, context.colorspace, context.color_range) == tags
    assert watch.results[0].planes[0].dtype == np.uint16
    assert watch.changed().any(axis=(1, 2)).all()


@pytest.mark.parametrize("ccw", [90, 270])
def test_a_rotated_phone_video_comes_out_upright(
    ccw: int, head: list[NDArray[np.uint8]], voice: Path, dub: Dub, tmp_path: Path
) -> None:
    coded = [np.rot90(frame, k=-(ccw // 90)) for frame in head]
    video = write_clip(tmp_path / "phone.mp4", coded, Form(rotation_ccw_deg=ccw))
    output = tmp_path / "out.mp4"

    dub(video, voice, output)

    assert report_of(output)["frames_dubbed"] == FRAMES
    with av.open(str(output)) as container:
        first = next(container.decode(video=0))
        assert first.rotation == 0
    upright = first.to_ndarray(format="rgb24").astype(int)
    assert upright.shape == (HEIGHT, WIDTH, 3)
    assert np.median(np.abs(upright - head[0])) < 4


@pytest.mark.parametrize(
    ("name", "codec", "pixel_format", "size_wh"),
    [
        ("odd.mkv", "ffv1", "yuv420p", (427, 321)),
        ("odd.avi", "mjpeg", "yuvj420p", (321, 240)),
        ("odd.webm", "libvpx-vp9", "yuv420p", (320, 241)),
        ("rgb.mkv", "ffv1", "bgr0", (427, 321)),
    ],
)
def test_odd_sizes_stay(
    name: str,
    codec: str,
    pixel_format: str,
    size_wh: tuple[int, int],
    sample_video: Path,
    voice: Path,
    dub: Dub,
    tmp_path: Path,
) -> None:
    frames = rgb_frames(sample_video, FRAMES, *size_wh)
    color_range = JPEG if pixel_format in ("yuvj420p", "bgr0") else MPEG
    options = {"deadline": "realtime", "cpu-used": "8"} if codec == "libvpx-vp9" else {}
    video = write_clip(tmp_path / name, frames, Form(codec, pixel_format, tags=(2, 2, 2, color_range), options=options))
    output = tmp_path / "out.mp4"

    dub(video, voice, output)

    pictures = pictures_of(output)
    assert len(pictures) == report_of(output)["frames_dubbed"] == FRAMES
    assert pictures[0].shape == (size_wh[1], size_wh[0], 3)
    assert np.median(np.abs(pictures[0].astype(int) - frames[0])) < 5


def test_a_silent_video_gets_the_voice(clip: Path, voice: Path, dub: Dub, tmp_path: Path) -> None:
    dub(clip, voice, tmp_path / "out.mkv")

    with av.open(str(clip)) as source, av.open(str(tmp_path / "out.mkv")) as result:
        assert not source.streams.audio
        assert [stream.type for stream in result.streams] == ["video", "audio"]
        heard = np.concatenate([frame.to_ndarray() for frame in result.decode(audio=0)], axis=1)[0]
    with av.open(str(voice)) as container:
        spoken = np.concatenate([frame.to_ndarray() for frame in container.decode(audio=0)], axis=1)[0]
    assert np.array_equal(heard, spoken)


def test_the_voice_may_be_a_video(
    head: list[NDArray[np.uint8]], samples: NDArray[np.int16], clip: Path, dub: Dub, tmp_path: Path
) -> None:
    speaker = write_clip(tmp_path / "speaker.mov", head[:3], Form(voice=samples[: VOICE_RATE_HZ // 2]))

    dub(clip, speaker, tmp_path / "out.mp4", length="cut")

    def packets(path: Path) -> list[bytes]:
        with av.open(str(path)) as container:
            return [bytes(packet) for packet in container.demux(audio=0) if packet.size]

    copied = packets(tmp_path / "out.mp4")
    assert copied == packets(speaker)[: len(copied)]
    assert len(copied) > 6
    assert report_of(tmp_path / "out.mp4")["audio_copied"] is True


@pytest.mark.parametrize(
    "tags",
    [(1, 1, 1, MPEG), (5, 6, 5, MPEG), (6, 6, 6, JPEG)],
    ids=["BT.709", "BT.601 625", "BT.601 525 full"],
)
def test_colour_tags_and_levels_are_carried(
    tags: tuple[int, int, int, int], head: list[NDArray[np.uint8]], voice: Path, dub: Dub, tmp_path: Path
) -> None:
    video = write_clip(tmp_path / "tagged.mp4", head, Form(tags=tags))
    output = tmp_path / "out.mp4"

    dub(video, voice, output)

    with av.open(str(video)) as source, av.open(str(output)) as result:
        before, after = next(source.decode(video=0)), next(result.decode(video=0))
    assert (after.color_primaries, after.color_trc, after.colorspace, after.color_range) == tags
    mouth = changed_area(before, after)
    assert 0.005 < mouth < 0.25


def changed_area(before: av.VideoFrame, after: av.VideoFrame) -> float:
    """The share of luma samples that differ by more than an encoder's noise."""
    planes = [frame.to_ndarray()[: frame.height].astype(int) for frame in (before, after)]
    return float((np.abs(planes[1] - planes[0]) > 12).mean())


def test_a_stretch_without_a_face_passes_through(
    head: list[NDArray[np.uint8]], voice: Path, dub: Dub, watch: Watch, tmp_path: Path
) -> None:
    grey = [np.full((HEIGHT, WIDTH, 3), 128, np.uint8)] * 4
    video = write_clip(tmp_path / "gap.mp4", [*head[:4], *grey, *head[4:8]])
    output = tmp_path / "out.mp4"

    dub(video, voice, output)

    report = report_of(output)
    assert report["passed_through"] == [{"first_frame": 4, "last_frame": 7, "reason": "no_face"}]
    assert (report["frames"], report["frames_dubbed"]) == (12, 8)
    assert frame_times_s(output) == [index * FRAME_S for index in range(12)]
    assert watch.changed().any(axis=(1, 2)).tolist() == [True] * 4 + [False] * 4 + [True] * 4


@pytest.mark.parametrize(
    ("suffix", "video_codec", "audio_codec", "copied"),
    [
        (".mov", "h264", "pcm_s16le", True),
        (".mkv", "h264", "pcm_s16le", True),
        (".webm", "av1", "opus", False),
        (".MP4", "h264", "pcm_s16le", True),
    ],
)
def test_containers(
    suffix: str, video_codec: str, audio_codec: str, copied: bool, clip: Path, voice: Path, dub: Dub, tmp_path: Path
) -> None:
    output = tmp_path / f"out{suffix}"

    dub(clip, voice, output)

    with av.open(str(output)) as container:
        video, audio = container.streams.video[0].codec_context, container.streams.audio[0].codec_context
        assert (video.codec.canonical_name, audio.codec.canonical_name) == (video_codec, audio_codec)
    report = report_of(output)
    assert (report["video_codec"], report["audio_codec"], report["audio_copied"]) == (video_codec, audio_codec, copied)
    tolerance_s = 0 if suffix not in (".mkv", ".webm") else Fraction(1, 2000)
    times_s = frame_times_s(output)
    assert len(times_s) == FRAMES
    assert max(abs(time_s - index * FRAME_S) for index, time_s in enumerate(times_s)) <= tolerance_s


@pytest.mark.parametrize(
    ("policy", "voice_s", "shown"),
    [
        ("cut", 0.3, [*range(8)]),
        ("cut", 0.8, [*range(12)]),
        ("loop", 0.72, [*range(12), *range(6)]),
        ("bounce", 0.72, [*range(12), *range(11, 5, -1)]),
        ("silence", 0.3, [*range(12)]),
        ("silence", 0.8, [*range(12)]),
    ],
)
def test_length_policies(
    policy: LengthPolicy,
    voice_s: float,
    shown: list[int],
    samples: NDArray[np.int16],
    clip: Path,
    dub: Dub,
    watch: Watch,
    tmp_path: Path,
) -> None:
    voice = write_voice(tmp_path / "voice.wav", samples, voice_s)

    dub(clip, voice, tmp_path / "out.mkv", length=policy)

    assert watch.source_frames == shown
    assert frame_times_s(tmp_path / "out.mkv") == [index * FRAME_S for index in range(len(shown))]
    shown_s = len(shown) / 25
    with av.open(str(tmp_path / "out.mkv")) as container:
        heard_s = sum(frame.samples for frame in container.decode(audio=0)) / VOICE_RATE_HZ
    assert heard_s == pytest.approx(min(voice_s, shown_s), abs=0.13)  # a packet of the source may be cut nowhere


@pytest.mark.parametrize("voice_s", [0.3, 1.3])
def test_stretch_plays_every_frame_for_the_length_of_the_voice(
    voice_s: float, samples: NDArray[np.int16], clip: Path, dub: Dub, watch: Watch, tmp_path: Path
) -> None:
    voice = write_voice(tmp_path / "voice.wav", samples, voice_s)

    dub(clip, voice, tmp_path / "out.mp4", length="stretch")

    assert watch.source_frames == list(range(FRAMES))
    expected_s = [index * voice_s / FRAMES for index in range(FRAMES)]
    times_s = [float(time_s) for time_s in frame_times_s(tmp_path / "out.mp4")]
    assert times_s == pytest.approx(expected_s, abs=1 / 90_000)
    with av.open(str(tmp_path / "out.mp4")) as container:
        stream = container.streams.video[0]
        assert float(stream.duration * stream.time_base) == pytest.approx(voice_s, abs=1e-4)


@pytest.fixture
def couple(head: list[NDArray[np.uint8]], tmp_path: Path) -> Path:
    """Two people side by side, the right one a mirror image."""
    return write_clip(tmp_path / "couple.mp4", [np.hstack([frame, frame[:, ::-1]]) for frame in head])


@pytest.mark.parametrize(("point", "half"), [("0.25,0.5", "left"), ("0.75,0.5", "right")])
def test_only_the_person_pointed_at_is_dubbed(
    point: str, half: str, couple: Path, voice: Path, dub: Dub, watch: Watch, tmp_path: Path
) -> None:
    dub(couple, voice, tmp_path / "out.mp4", speaker=f"point:{point}")

    assert dubbed_halves(watch) == {half}


def test_a_track_number_names_one_person(couple: Path, voice: Path, dub: Dub, watch: Watch, tmp_path: Path) -> None:
    dub(couple, voice, tmp_path / "one.mp4", speaker="track:1")
    first = dubbed_halves(watch)
    watch.sources.clear()
    watch.results.clear()
    dub(couple, voice, tmp_path / "two.mp4", speaker="track:2")

    assert len(first) == 1
    assert first | dubbed_halves(watch) == {"left", "right"}
    assert {span["track"] for span in report_of(tmp_path / "two.mp4")["faces"]} == {2}


def dubbed_halves(watch: Watch) -> set[str]:
    """The halves in which every frame changes; the other half must be the source's in every plane."""
    halves = set()
    for source, result in zip(watch.sources, watch.results, strict=True):
        for name, side in (("left", 0), ("right", 1)):
            parts = [[np.split(plane, 2, axis=1)[side] for plane in picture.planes] for picture in (source, result)]
            if not all(map(np.array_equal, *parts)):
                halves.add(name)
    return halves


def test_reference_mode_works_at_25_frames_a_second(
    head: list[NDArray[np.uint8]], samples: NDArray[np.int16], dub: Dub, watch: Watch, tmp_path: Path
) -> None:
    video = write_clip(tmp_path / "slow.mp4", head[:10], Form(pts=range(0, 20, 2)))
    voice = write_voice(tmp_path / "voice.wav", samples, 0.7)

    dub(video, voice, tmp_path / "out.mp4", mode="reference", length="cut")

    count = len(watch.source_frames)
    assert watch.source_frames == [index // 2 for index in range(count)]
    assert count == 19  # 0.7 s are 17.5 frames; the reference adds a feature row and a frame
    assert {picture.format for picture in watch.results} == {"gbrp"}
    assert frame_times_s(tmp_path / "out.mp4") == [index * FRAME_S for index in range(count)]
    assert watch.changed().any(axis=(1, 2)).all()


@pytest.fixture
def default_pictures(clip: Path, voice: Path, dub: Dub, watch: Watch, tmp_path: Path) -> NDArray[np.uint8]:
    """Luma as encoded with four plain, guided DDIM steps."""
    dub(clip, voice, tmp_path / "default.mp4", steps=4, guidance_scale=2.0)
    return taken_luma(watch)


def taken_luma(watch: Watch) -> NDArray[np.uint8]:
    luma = np.stack([picture.planes[0] for picture in watch.results])
    watch.sources.clear()
    watch.results.clear()
    return luma


@pytest.mark.parametrize(
    ("asked", "unet", "unet_cached", "guidance"),
    [
        ({"deepcache_interval": 3}, 2, 2, [2, 2, 2, 2]),
        ({"scheduler": "dpm++"}, 4, 0, [2, 2, 2, 2]),
        ({"guidance_interval": (0.0, 0.5)}, 4, 0, [2, 2, 0, 0]),
    ],
    ids=["deepcache", "dpm++", "guidance interval"],
)
def test_other_ways_of_denoising(
    asked: dict[str, Any],
    unet: int,
    unet_cached: int,
    guidance: list[float],
    default_pictures: NDArray[np.uint8],
    models: WatchedModels,
    clip: Path,
    voice: Path,
    dub: Dub,
    watch: Watch,
    tmp_path: Path,
) -> None:
    models.calls.clear()
    models.guidance.clear()

    record = dub(clip, voice, tmp_path / "other.mp4", steps=4, guidance_scale=2.0, **asked)

    assert (models.calls["unet"], models.calls["unet_cached"]) == (unet * record.chunks, unet_cached * record.chunks)
    assert sorted(scale > 1 for scale in models.guidance) == sorted([scale > 1 for scale in guidance] * record.chunks)
    difference = np.abs(taken_luma(watch).astype(int) - default_pictures)
    assert (difference.max(axis=(1, 2)) > 0).all()
    assert (difference > 0).mean() < 0.2
