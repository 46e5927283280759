"""Fetching by URL, from servers that mean no good."""

import asyncio
import gzip
import hashlib
import ipaddress
import socket
from collections.abc import Sequence
from pathlib import Path

import httpx2
import pytest
from own_certificates import certified_server
from strange_server import Reply, StrangeServer, keeps_sending, redirects_to, sends, sends_file, strange_server

from gateway.addresses import UrlPolicy
from gateway.fetching import MAX_REDIRECTS, FetchLimits, fetch
from gateway.guarded_client import Resolver, guarded_client, resolve
from gateway.incoming_file import Fetched
from services.common.errors import (
    LipstageError,
    MediaTooLarge,
    OutputUnwritable,
    UrlForbidden,
    UrlTimeout,
    UrlUnreachable,
)

BODY = bytes(range(256)) * 40
LIMITS = FetchLimits(max_bytes=100_000, total_s=20, idle_s=10)


def loopback_only(server: StrangeServer, *addresses: str) -> UrlPolicy:
    networks = tuple(ipaddress.ip_network(address) for address in addresses or ("127.0.0.1",))
    return UrlPolicy(networks=networks, ports=frozenset({server.port}))


class Names:
    """A resolver whose names have one answer after the other; the last one stays."""

    def __init__(self, **answers: Sequence[Sequence[str]]) -> None:
        self._answers = {name.replace("_", "."): list(each) for name, each in answers.items()}
        self.asked: list[str] = []

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append(host)
        if host not in self._answers:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        answers = self._answers[host]
        return answers.pop(0) if len(answers) > 1 else answers[0]


async def refused(
    kind: type[LipstageError],
    url: str,
    folder: Path,
    policy: UrlPolicy,
    resolver: Resolver = resolve,
    limits: FetchLimits = LIMITS,
) -> LipstageError:
    """The error, once nothing was left behind."""
    before = sorted(folder.iterdir())
    with pytest.raises(kind) as raised:
        await fetch(url, folder / "got.mp4", limits, policy, resolver)
    assert sorted(folder.iterdir()) == before
    return raised.value


async def test_a_file_arrives_with_what_its_server_says_of_it(tmp_path: Path) -> None:
    disposition = "\nContent-Disposition: attachment; filename*=UTF-8''..%2Fmy%20cl%C3%AFp.mp4"
    async with strange_server({"/a?b=c": sends_file(BODY, disposition)}) as server:
        url = server.url("/a?b=c")
        got = await fetch(url, tmp_path / "got.mp4", LIMITS, loopback_only(server))

    assert got == Fetched(hashlib.sha256(BODY).hexdigest(), len(BODY), "video/mp4", url, "my clïp.mp4")
    assert (tmp_path / "got.mp4").read_bytes() == BODY
    assert [path.name for path in tmp_path.iterdir()] == ["got.mp4"]
    assert server.visits[0].headers["accept-encoding"] == "identity"


async def test_without_a_name_of_its_own_a_file_is_called_as_in_the_url(tmp_path: Path) -> None:
    async with strange_server({"/x/take%202.mov": sends("HTTP/1.1 200 OK", BODY)}) as server:
        got = await fetch(server.url("/x/take%202.mov"), tmp_path / "got.mp4", LIMITS, loopback_only(server))

    assert (got.filename, got.content_type, got.bytes) == ("take 2.mov", None, len(BODY))


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LOCALHOST",
        "localhost.",
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0x7f.0.0.1",
        "017700000001",
        "0177.0.0.1",
        "0",
        "[::]",
        "[::1]",
        "[0:0:0:0:0:0:0:1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "[fd00:ec2::254]",
        "169.254.169.254",
        "0xa9fea9fe",
        "2852039166",
        "①②⑦.⓪.⓪.①",
    ],
)
async def test_no_spelling_of_a_private_address_is_connected_to(tmp_path: Path, host: str) -> None:
    async with strange_server({}) as server:
        policy = UrlPolicy(ports=frozenset({server.port}))
        await refused(UrlForbidden, server.url(host=host), tmp_path, policy)

    assert server.connections == 0


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://example.com/a.mp4",
        "gopher://example.com/",
        "//example.com/a.mp4",
        "example.com/a.mp4",
        "http:///a.mp4",
        "http://",
        "",
        "http://user@example.com/",
        "http://user:password@example.com/",
        "http://example.com\\@localhost/",
        "http://example.com:22/",
        "http://example.com:0/",
        "http://example.com:99999/",
        "http://example.com:port/",
        "http://[::1/",
        "http://exa\nmple.com/",
        "http://example.com/\ud800",
        f"http://example.com/{'a' * 9000}",
        f"http://example.com/{'a' * 70_000}",
    ],
)
async def test_urls_that_are_not_plain_http_are_refused_before_their_name_is_looked_up(
    tmp_path: Path, url: str
) -> None:
    names = Names(example_com=[["93.184.215.14"]])

    await refused(UrlForbidden, url, tmp_path, UrlPolicy(), names)

    assert names.asked == []


async def test_a_port_is_only_used_if_the_operator_allows_it(tmp_path: Path) -> None:
    async with strange_server({}) as server:
        policy = UrlPolicy(networks=(ipaddress.ip_network("127.0.0.1"),), ports=frozenset({server.port + 1}))
        error = await refused(UrlForbidden, server.url(), tmp_path, policy)

    assert (error.fields, server.connections) == ({"port": server.port}, 0)


async def test_one_private_address_among_public_ones_is_enough_to_refuse(tmp_path: Path) -> None:
    names = Names(two_faced_example=[["93.184.215.14", "10.66.77.88"]])

    error = await refused(UrlForbidden, "http://two.faced.example/", tmp_path, UrlPolicy(), names)

    assert "10.66" not in f"{error}{error.fields}"
    assert "two.faced.example" in str(error)


async def test_a_name_is_looked_up_once_and_what_was_checked_is_connected_to(tmp_path: Path) -> None:
    names = Names(rebinding_example=[["127.0.0.1"], ["127.0.0.2"]])
    async with (
        strange_server({"/clip.mp4": sends_file(BODY)}) as outer,
        strange_server({"/clip.mp4": sends_file(b"secret")}, "127.0.0.2", outer.port) as inner,
    ):
        url, policy = outer.url(host="rebinding.example"), loopback_only(outer)
        got = await fetch(url, tmp_path / "got.mp4", LIMITS, policy, names)
        await refused(UrlForbidden, url, tmp_path, policy, names)

    assert got.bytes == len(BODY)
    assert names.asked == ["rebinding.example"] * 2
    assert outer.visits[0].headers["host"] == f"rebinding.example:{outer.port}"
    assert inner.connections == 0


async def test_a_redirect_to_the_same_name_is_looked_up_and_checked_again(tmp_path: Path) -> None:
    names = Names(rebinding_example=[["127.0.0.1"], ["127.0.0.2"]])
    replies = {"/clip.mp4": redirects_to("/again.mp4"), "/again.mp4": sends_file(BODY)}
    async with strange_server(replies) as outer, strange_server(replies, "127.0.0.2", outer.port) as inner:
        url = outer.url(host="rebinding.example")
        await refused(UrlForbidden, url, tmp_path, loopback_only(outer), names)

    assert ([visit.path for visit in outer.visits], inner.connections) == (["/clip.mp4"], 0)


async def test_an_address_that_does_not_answer_gives_way_to_the_next(tmp_path: Path) -> None:
    names = Names(media_example=[["127.0.0.3", "127.0.0.1"]])
    async with strange_server({"/clip.mp4": sends_file(BODY)}) as server:
        policy = loopback_only(server, "127.0.0.3", "127.0.0.1")
        got = await fetch(server.url(host="media.example"), tmp_path / "got.mp4", LIMITS, policy, names)

    assert got.bytes == len(BODY)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_are_followed(tmp_path: Path, status: int) -> None:
    replies = {"/old": redirects_to("/new/clip.mp4", status), "/new/clip.mp4": sends_file(BODY)}
    async with strange_server(replies) as server:
        got = await fetch(server.url("/old"), tmp_path / "got.mp4", LIMITS, loopback_only(server))

        assert (got.final_url, got.bytes) == (server.url("/new/clip.mp4"), len(BODY))


@pytest.mark.parametrize(
    "location",
    [
        "http://169.254.169.254/latest/meta-data/",
        "http://localhost:{port}/secret",
        "http://127.0.0.1:{port}/secret",
        "http://[::1]:{port}/secret",
        "//localhost:{port}/secret",
        "http://media.example:22/",
        "http://user:password@media.example:{port}/secret",
        "file:///etc/passwd",
        "ftp://media.example/",
    ],
)
async def test_redirects_to_forbidden_places_are_not_followed(tmp_path: Path, location: str) -> None:
    names = Names(
        media_example=[["127.0.0.1"]],
        localhost=[["127.0.0.1"]],
        **{"127.0.0.1": [["127.0.0.1"]], "::1": [["::1"]], "169.254.169.254": [["169.254.169.254"]]},
    )
    replies: dict[str, Reply] = {"/secret": sends_file(b"secret")}
    async with strange_server(replies) as server:
        replies["/clip.mp4"] = redirects_to(location.format(port=server.port))
        policy = UrlPolicy(hosts=frozenset({"media.example"}), ports=frozenset({server.port}))
        await refused(UrlForbidden, server.url(host="media.example"), tmp_path, policy, names)

    assert [visit.path for visit in server.visits] == ["/clip.mp4"]


@pytest.mark.parametrize("location", ["http://[", "http://exa mple:x/", "\x7f"])
async def test_a_malformed_redirect_is_an_error_of_the_server(tmp_path: Path, location: str) -> None:
    async with strange_server({"/clip.mp4": redirects_to(location)}) as server:
        await refused(UrlUnreachable, server.url(), tmp_path, loopback_only(server))


async def test_redirects_end(tmp_path: Path) -> None:
    async with strange_server({"/clip.mp4": redirects_to("/clip.mp4")}) as server:
        error = await refused(UrlUnreachable, server.url(), tmp_path, loopback_only(server))

    assert error.fields == {"redirects": MAX_REDIRECTS}
    assert len(server.visits) == MAX_REDIRECTS + 1


async def test_certificates_are_verified_against_the_name_not_the_address(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    tls, ca_file = certified_server("media.example", tmp_path_factory.mktemp("tls"))
    asked: list[str | None] = []
    tls.sni_callback = lambda _socket, name, _context: asked.append(name)
    names = Names(media_example=[["127.0.0.1"]], other_example=[["127.0.0.1"]])
    async with strange_server({"/clip.mp4": sends_file(BODY)}, tls=tls) as server:
        hosts, ports = frozenset({"media.example", "other.example"}), frozenset({server.port})
        policy = UrlPolicy(hosts=hosts, ports=ports, ca_file=ca_file)
        good, bad = (server.url(host=host, scheme="https") for host in ("media.example", "other.example"))
        got = await fetch(good, tmp_path / "got.mp4", LIMITS, policy, names)
        await refused(UrlUnreachable, bad, tmp_path, policy, names)
        await refused(UrlUnreachable, good, tmp_path, UrlPolicy(hosts=hosts, ports=ports), names)

    assert got.bytes == len(BODY)
    assert asked[:2] == ["media.example", "other.example"]
    assert len(server.visits) == 1


async def test_https_never_becomes_http(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    tls, ca_file = certified_server("media.example", tmp_path_factory.mktemp("tls"))
    names = Names(media_example=[["127.0.0.1"]])
    async with strange_server({"/clip.mp4": sends_file(BODY)}) as plain:
        replies = {"/clip.mp4": redirects_to(plain.url(host="media.example"))}
        async with strange_server(replies, tls=tls) as server:
            ports = frozenset({server.port, plain.port})
            policy = UrlPolicy(hosts=frozenset({"media.example"}), ports=ports, ca_file=ca_file)
            url = server.url(host="media.example", scheme="https")
            await refused(UrlForbidden, url, tmp_path, policy, names)

    assert plain.connections == 0


async def test_a_declared_size_over_the_limit_is_refused_at_once(tmp_path: Path) -> None:
    async with strange_server({"/clip.mp4": sends("HTTP/1.1 200 OK\nContent-Length: 999999999999")}) as server:
        error = await refused(MediaTooLarge, server.url(), tmp_path, loopback_only(server))

    assert error.fields == {"max_bytes": LIMITS.max_bytes}


async def test_an_endless_stream_is_cut_off_at_the_limit(tmp_path: Path) -> None:
    async with strange_server({"/clip.mp4": keeps_sending(b"\0" * 30_000)}) as server:
        await refused(MediaTooLarge, server.url(), tmp_path, loopback_only(server))


async def test_a_file_of_exactly_the_limit_is_taken(tmp_path: Path) -> None:
    limits = FetchLimits(max_bytes=len(BODY))
    async with strange_server({"/clip.mp4": sends_file(BODY), "/more": sends_file(BODY + b"!")}) as server:
        got = await fetch(server.url(), tmp_path / "got.mp4", limits, loopback_only(server))
        await refused(MediaTooLarge, server.url("/more"), tmp_path, loopback_only(server), limits=limits)

    assert got.bytes == len(BODY)


async def test_a_file_shorter_than_declared_is_not_taken(tmp_path: Path) -> None:
    async with strange_server({"/clip.mp4": sends("HTTP/1.1 200 OK\nContent-Length: 5000", BODY[:4000])}) as server:
        await refused(UrlUnreachable, server.url(), tmp_path, loopback_only(server))


async def test_what_follows_the_declared_size_is_not_read(tmp_path: Path) -> None:
    async with strange_server({"/clip.mp4": sends("HTTP/1.1 200 OK\nContent-Length: 5", b"media and more")}) as server:
        await fetch(server.url(), tmp_path / "got.mp4", LIMITS, loopback_only(server))

    assert (tmp_path / "got.mp4").read_bytes() == b"media"


async def test_compressed_answers_are_never_unpacked(tmp_path: Path) -> None:
    bomb = gzip.compress(bytes(20_000_000))
    replies = {
        "/told": sends_file(bomb, "\nContent-Encoding: gzip"),
        "/twice": sends_file(bomb, "\nContent-Encoding: gzip, gzip"),
        "/untold": sends_file(bomb),
    }
    async with strange_server(replies) as server:
        policy = loopback_only(server)
        await refused(UrlUnreachable, server.url("/told"), tmp_path, policy)
        await refused(UrlUnreachable, server.url("/twice"), tmp_path, policy)
        got = await fetch(server.url("/untold"), tmp_path / "got.mp4", LIMITS, policy)

    assert got.bytes == len(bomb)


async def test_a_slow_drip_ends_at_the_total_limit(tmp_path: Path) -> None:
    limits = FetchLimits(max_bytes=100_000, total_s=0.3, idle_s=10)
    async with strange_server({"/clip.mp4": keeps_sending(b"x", pause_s=0.01)}) as server:
        error = await refused(UrlTimeout, server.url(), tmp_path, loopback_only(server), limits=limits)

    assert error.fields == {"limit_s": 0.3}


async def test_silence_ends_at_the_idle_limit(tmp_path: Path) -> None:
    limits = FetchLimits(max_bytes=100_000, total_s=10, idle_s=0.1)
    replies = {"/never": keeps_silent, "/clip.mp4": keeps_sending(b"x", pause_s=60)}
    async with strange_server(replies) as server:
        for path in replies:
            error = await refused(UrlTimeout, server.url(path), tmp_path, loopback_only(server), limits=limits)
            assert error.fields == {"limit_s": 0.1}


async def test_a_look_up_that_hangs_counts_as_well(tmp_path: Path) -> None:
    async def hanging(host: str, port: int) -> Sequence[str]:
        await asyncio.Event().wait()
        raise AssertionError

    limits = FetchLimits(max_bytes=100_000, total_s=0.1)
    await refused(UrlTimeout, "http://media.example/", tmp_path, UrlPolicy(), hanging, limits)


@pytest.mark.parametrize("head", ["HTTP/1.1 404 Not Found", "HTTP/1.1 206 Partial", "HTTP/1.1 302 Found", "nonsense"])
async def test_answers_that_are_not_the_file_are_errors(tmp_path: Path, head: str) -> None:
    async with strange_server({"/clip.mp4": sends(head, BODY)}) as server:
        await refused(UrlUnreachable, server.url(), tmp_path, loopback_only(server))


async def test_a_name_without_an_address_is_unreachable(tmp_path: Path) -> None:
    await refused(UrlUnreachable, "http://nowhere.example/", tmp_path, UrlPolicy(), Names())


async def test_a_folder_that_is_not_there_is_our_error(tmp_path: Path) -> None:
    async with strange_server({"/clip.mp4": sends_file(BODY)}) as server:
        with pytest.raises(OutputUnwritable):
            await fetch(server.url(), tmp_path / "gone" / "got.mp4", LIMITS, loopback_only(server))


async def test_a_fetch_that_is_called_off_leaves_nothing(tmp_path: Path) -> None:
    async with strange_server({"/clip.mp4": keeps_sending(b"x", pause_s=0.01)}) as server:
        fetching = asyncio.create_task(fetch(server.url(), tmp_path / "got.mp4", LIMITS, loopback_only(server)))
        while not list(tmp_path.iterdir()):
            await asyncio.sleep(0.01)
        fetching.cancel()
        with pytest.raises(asyncio.CancelledError):
            await fetching

    assert list(tmp_path.iterdir()) == []


async def test_proxies_of_the_environment_are_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with strange_server({"/clip.mp4": sends_file(BODY)}) as server, strange_server({}) as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url(""))
        await fetch(server.url(), tmp_path / "got.mp4", LIMITS, loopback_only(server))

    assert proxy.connections == 0


async def test_posting_is_guarded_the_same_way_and_follows_no_redirect() -> None:
    replies = {"/hook": redirects_to("/elsewhere", 307), "/elsewhere": sends_file(b"")}
    async with (
        strange_server(replies) as server,
        guarded_client(loopback_only(server), httpx2.Timeout(5)) as client,
    ):
        answer = await client.post(server.url("/hook"), json={"id": 7})
        with pytest.raises(UrlForbidden):
            await client.post("http://169.254.169.254/hook", json={"id": 7})

    assert (answer.status_code, [visit.path for visit in server.visits]) == (307, ["/hook"])


async def test_one_client_carries_nothing_from_one_server_to_its_next_request() -> None:
    async with (
        strange_server({"/hook": sends_file(b"", "\nSet-Cookie: a=b")}) as server,
        guarded_client(loopback_only(server), httpx2.Timeout(5)) as client,
    ):
        for _ in range(2):
            await client.post(server.url("/hook"))

    assert (server.connections, "cookie" in server.visits[1].headers) == (2, False)


async def keeps_silent(writer: asyncio.StreamWriter) -> None:
    await asyncio.Event().wait()
