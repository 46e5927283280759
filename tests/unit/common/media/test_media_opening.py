"""Names and contents that must not confuse the opener."""

import socket
from pathlib import Path

import av
import pytest

from services.common.errors import MediaEmpty, MediaNotFound, MediaTruncated, MediaUnreadable
from services.common.media.opening import open_media


@pytest.mark.parametrize(
    "name",
    [
        "with space.mp4",
        'it\'s "quoted".mp4',
        "-i.mp4",
        "http:host.mp4",
        "a:b:c.mp4",
        "%03d*?.mp4",
        "видео 動画 🎬.mp4",
        "$(rm x);|&.mp4",
    ],
)
def test_any_file_name_is_just_a_file_name(make_video, name: str) -> None:
    with open_media(make_video(name)) as container:
        assert len(container.streams.video) == 1


def test_relative_names_with_a_leading_dash_open(make_video, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(make_video("-y.mp4").parent)
    with open_media(Path("-y.mp4")) as container:
        assert len(container.streams.video) == 1


def test_a_missing_file_is_named_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(MediaNotFound, match=r"^“gone\.mp4” does not exist\.$"), open_media(tmp_path / "gone.mp4"):
        pass


def test_a_folder_is_not_media(tmp_path: Path) -> None:
    with pytest.raises(MediaUnreadable, match="not a file"), open_media(tmp_path):
        pass


def test_zero_bytes_are_empty_not_unreadable(tmp_path: Path) -> None:
    path = tmp_path / "empty.mp4"
    path.touch()
    with pytest.raises(MediaEmpty, match="0 bytes"), open_media(path):
        pass


@pytest.mark.parametrize("content", [b"just some words\n" * 40, bytes(range(256)) * 8, b"\0" * 4096])
def test_what_is_not_media_is_unreadable(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "notes.mp4"
    path.write_bytes(content)
    with pytest.raises(MediaUnreadable), open_media(path):
        pass


def test_an_mp4_without_its_index_is_truncated(make_video) -> None:
    path = make_video("cut.mp4")
    data = path.read_bytes()
    path.write_bytes(data[: data.index(b"moov") - 4])
    with pytest.raises(MediaTruncated, match=r"cut\.mp4"), open_media(path):
        pass


def test_a_playlist_does_not_open_other_files(make_video) -> None:
    target = make_video("private.ts", container="mpegts")
    for name, text in {
        "list.mp4": f"ffconcat version 1.0\nfile {target.name}\n",
        "list.m3u8": f"#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:1,\n{target.name}\n#EXT-X-ENDLIST\n",
    }.items():
        playlist = target.with_name(name)
        playlist.write_text(text)
        with av.open(str(playlist), format="concat" if "ffconcat" in text else "hls"):
            pass  # FFmpeg itself would follow it
        with pytest.raises(MediaUnreadable), open_media(playlist):
            pass


def test_a_socket_is_not_opened(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "s.mp4"))
        with pytest.raises(MediaUnreadable, match="not a file"), open_media(tmp_path / "s.mp4"):
            pass
