"""The page in a real browser, against a live gateway with all stages."""

import base64
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import av
import httpx
import numpy as np
import pytest
from chromium import PHONE, SLOWEST_MS, Visit, visiting
from command import FRAMES
from gateway_process import Gateway, serving
from made_clips import rgb_frames, write_clip
from playwright.sync_api import Browser, Page, expect

expect.set_options(timeout=SLOWEST_MS)


@pytest.fixture(scope="module")
def gateway(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    with serving(tmp_path_factory.mktemp("serve")) as gateway:
        yield gateway


@pytest.fixture(scope="module")
def other_voice(sample_voice: Path) -> Path:
    return sample_voice.with_name("voice_b.m4a")


@pytest.fixture
def signed_in(visit: Visit, gateway: Gateway) -> Visit:
    visit.page.goto(f"{gateway.url}/#key={gateway.key}")
    expect(visit.page.locator("#account-name")).to_be_visible()
    return visit


def test_a_person_signs_in_dubs_compares_downloads_and_deletes(
    visit: Visit, gateway: Gateway, sample_video: Path, other_voice: Path, tmp_path: Path
) -> None:
    page = visit.page
    page.goto(gateway.url)
    assert visit.barriers() == []

    page.get_by_label("Your key").fill(gateway.key)
    page.keyboard.press("Enter")
    expect(page.locator("#account-name")).to_be_visible()
    assert gateway.key not in page.url

    with page.expect_response("**/v1alpha/faces?*") as looking:
        _drop(page, {"video/mp4": sample_video, "audio/mp4": other_voice})
    expect(page.locator("#estimate")).to_contain_text("$0.15")
    expect(page.locator("#length-note")).to_have_text(
        "The voice is 0.5 s longer: the video plays backwards and forwards until it ends."
    )
    _click_the_only_face(page)
    page.get_by_text("Advanced").click()
    page.get_by_label("Steps").fill(os.environ.get("LIPSTAGE_PICTURE_STEPS", "1"))
    page.get_by_label("guidance").fill("1")
    assert visit.barriers() == []
    _picture(page, "form", "header")

    page.get_by_label("have agreed").check()
    page.get_by_role("button", name="Dub the video").click()
    expect(page.locator("#stage-running")).to_be_visible()
    expect(page.locator("[data-stage=preprocess] .count")).not_to_be_empty()
    assert visit.barriers() == []
    expect(page.locator("#stage-done")).to_be_visible()
    assert page.title() == "Done · Lipstage"

    job = httpx.get(f"{gateway.url}/v1alpha/jobs", headers={"Authorization": f"Bearer {gateway.key}"}).json()["jobs"][0]
    assert _names_a_face(job["parameters"]["speaker"], looking.value.json())
    assert job["parameters"]["guidance_scale"] == 1
    assert job["consent_id"] is not None

    _wipe_by_keyboard(page)
    _play_to_the_second_pass(page)
    expect(page.locator("#timeline")).to_contain_text("Every frame was dubbed.")
    expect(page.locator("#figures")).to_contain_text("111 of 111 frames")
    expect(page.locator("#charge")).to_have_text("Charged: $0.15.")
    page.get_by_text("Frames side by side").click()
    expect(page.locator("#strip canvas")).to_have_attribute("width", re.compile("1460"))
    page.get_by_text("Do this from code").click()
    assert visit.barriers() == []
    _picture(page, "result", "#stage")
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    page.emulate_media(color_scheme="dark")
    _picture(page, "phone", "#stage")

    with page.expect_download() as downloading:
        page.get_by_role("link", name="Download", exact=True).click()
    downloading.value.save_as(tmp_path / "dubbed.mp4")
    assert _frames(tmp_path / "dubbed.mp4") == 111

    page.reload()
    expect(page.locator("#stage-done")).to_be_visible()
    page.get_by_role("button", name="Delete talking_head.mp4").click()
    page.get_by_role("button", name="Keep it").click()
    expect(page.locator("#jobs li")).to_have_count(1)
    page.get_by_role("button", name="Delete talking_head.mp4").click()
    page.locator("#sure").get_by_role("button", name="Delete").click()
    expect(page.locator("#history-empty")).to_be_visible()
    expect(page.locator("#stage-empty")).to_be_attached()
    assert page.evaluate("document.activeElement.id") == "history-title"


def test_one_of_several_people_is_chosen_in_the_frame_that_shows_them(
    signed_in: Visit, sample_video: Path, tmp_path: Path
) -> None:
    page = signed_in.page
    two = [np.concatenate([rgb, rgb[:, ::-1]], axis=1) for rgb in rgb_frames(sample_video, 20, 240, 240)]
    clip = write_clip(tmp_path / "two.mp4", [np.full_like(two[0], 128)] * 20 + two)
    with page.expect_response("**/v1alpha/faces?*") as looking:
        page.locator("#video input[type=file]").set_input_files(clip)
    seen = looking.value.json()
    faces = page.get_by_role("button", name=re.compile("Face . of 2"))
    expect(faces).to_have_count(2)

    right = max(range(2), key=lambda number: seen["faces"][number]["x"])
    faces.nth(right).click()

    expect(page.get_by_label("The one I point at")).to_be_checked()
    expect(faces.nth(right)).to_have_attribute("aria-pressed", "true")
    expect(faces.nth(1 - right)).to_have_attribute("aria-pressed", "false")
    assert float(page.get_by_label("Across").input_value()) > 50
    assert seen["at_s"] > 0
    shown_s = page.locator("#speaker video").evaluate("(video) => video.currentTime")
    assert seen["at_s"] <= shown_s < seen["at_s"] + 1 / 25
    assert signed_in.barriers() == []
    page.locator("#speaker .still").click(position={"x": 5, "y": 5})
    expect(faces.nth(right)).to_have_attribute("aria-pressed", "false")
    assert float(page.get_by_label("Across").input_value()) < 5


def test_code_copied_from_the_page_runs(
    signed_in: Visit, gateway: Gateway, video: Path, voice: Path, tmp_path: Path
) -> None:
    page = signed_in.page
    page.locator("#video input[type=file]").set_input_files(video)
    page.locator("#voice input[type=file]").set_input_files(voice)
    page.get_by_text("Advanced").click()
    page.get_by_label("Steps").fill("1")
    page.get_by_text("Do this from code").click()
    page.get_by_role("tab", name="curl").focus()
    for library in ("fal", "Replicate", "sync.so", "WaveSpeed", "Python"):
        while not page.get_by_role("tab", name=library, selected=True).count():
            page.keyboard.press("ArrowRight")
        compile(page.locator("#code-panel").inner_text(), library, "exec")
    page.get_by_role("button", name="Copy").click()
    expect(page.locator("#copy")).to_have_text("Copied")
    code = page.evaluate("navigator.clipboard.readText()")
    for clip in (video, voice):
        (tmp_path / clip.name).symlink_to(clip)

    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "LIPSTAGE_API_KEY": gateway.key},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=SLOWEST_MS / 1000,
    )

    assert done.returncode == 0, done.stderr
    assert _frames(tmp_path / "dubbed.mp4") == FRAMES
    assert gateway.key not in code


def test_work_is_followed_through_a_lost_connection_until_it_is_canceled(
    signed_in: Visit, video: Path, voice: Path
) -> None:
    page = signed_in.page
    page.locator("#video input[type=file]").set_input_files(video)
    page.locator("#voice input[type=file]").set_input_files(voice)
    page.get_by_text("Advanced").click()
    page.get_by_label("Steps").fill("50")
    page.get_by_label("have agreed").check()
    expect(page.locator("#estimate")).to_contain_text("$")
    page.route("**/events", lambda route: route.abort())
    page.get_by_role("button", name="Dub the video").click()
    expect(page.locator("#running-trouble")).to_contain_text("The connection is lost.")
    page.unroute_all()
    expect(page.locator("#running-trouble")).to_be_empty()
    page.get_by_role("button", name="Cancel").click()

    expect(page.locator("#stage-stopped")).to_contain_text("Canceled, as you asked. Nothing is charged.")
    expect(page.locator("#jobs li").first).to_contain_text("Canceled")
    assert page.evaluate("document.activeElement.id") == "stage"
    assert signed_in.barriers() == []
    signed_in.complaints[:] = [complaint for complaint in signed_in.complaints if "net::ERR_FAILED" not in complaint]


def test_what_is_missing_is_said_and_gone_to(signed_in: Visit, video: Path, voice: Path) -> None:
    page = signed_in.page
    dub = page.get_by_role("button", name="Dub the video")
    dub.click()
    expect(page.locator("#video .error")).to_have_text("Choose a video first.")

    page.locator("#video input[type=file]").set_input_files(video)
    page.locator("#voice input[type=file]").set_input_files(voice)
    expect(page.locator("#estimate")).to_contain_text("$")
    dub.click()
    expect(page.locator("#consent-error")).to_have_text("Nothing is dubbed without their agreement.")
    assert page.evaluate("document.activeElement.id") == "consent"


def test_errors_are_the_gateways_own_sentences(browser: Browser, gateway: Gateway, tmp_path: Path) -> None:
    with visiting(browser) as visit:
        page = visit.page
        page.goto(f"{gateway.url}/#key=ls_wrong")
        expect(page.locator("#key-error")).not_to_be_empty()
        assert page.evaluate("document.activeElement.id") == "key"
        page.get_by_label("Your key").fill(gateway.key)
        page.get_by_role("button", name="Sign in", exact=True).click()

        broken = tmp_path / "broken.mp4"
        broken.write_bytes(b"no video at all")
        page.locator("#video input[type=file]").set_input_files(broken)

        expect(page.locator("#video .error")).to_contain_text("is not a media file that can be read.")
        expect(page.locator("#video .error").get_by_role("button", name="Try again")).to_be_visible()
        expected = [complaint for complaint in visit.complaints if "status of 401" in complaint or "422" in complaint]
        assert visit.complaints == expected
        visit.complaints.clear()


def test_time_left_follows_the_pace_of_drawing(visit: Visit, gateway: Gateway) -> None:
    visit.page.goto(gateway.url)

    told = visit.page.evaluate(
        """async () => {
            const { Progress } = await import("/static/any/progress.js");
            const progress = new Progress();
            const hear = (stage, part, done, parts, now) => {
                progress.advance({ stage, part, done, parts }, now);
                return progress.left(now);
            };
            return [
                hear("denoise", 0, 0.5, null, 1),
                hear("denoise", 0, 1, null, 5),
                hear("denoise", 1, 1, 6, 13),
                hear("denoise", 2, 0.5, 6, 17),
                progress.left(21),
                progress.isStalled(21),
                progress.isStalled(60),
            ];
        }"""
    )

    # An eighth of a chunk a second, of six; before their number is known nothing is promised.
    assert told == [None, None, 32, 28, 24, False, True]


def _drop(page: Page, clips: Mapping[str, Path]) -> None:
    """Drops files, by content type, on the page's heading, as from a file manager."""
    files = [
        {"name": path.name, "type": kind, "content": base64.b64encode(path.read_bytes()).decode()}
        for kind, path in clips.items()
    ]
    transfer = page.evaluate_handle(
        """(files) => {
            const transfer = new DataTransfer();
            for (const { name, type, content } of files) {
                const bytes = Uint8Array.from(atob(content), (character) => character.charCodeAt(0));
                transfer.items.add(new File([bytes], name, { type }));
            }
            return transfer;
        }""",
        files,
    )
    page.dispatch_event("h1", "dragover", {"dataTransfer": transfer})
    page.dispatch_event("h1", "drop", {"dataTransfer": transfer})


def _click_the_only_face(page: Page) -> None:
    page.get_by_label("The one I point at").check()
    face = page.get_by_role("button", name="Face 1 of 1")
    face.click()
    expect(face).to_have_attribute("aria-pressed", "true")


def _names_a_face(speaker: str, seen: dict[str, Any]) -> bool:
    """Whether it is a point inside one of the boxes that the gateway told."""
    (x, y) = map(float, speaker.removeprefix("point:").split(","))
    across, down = x * seen["width"], y * seen["height"]
    return any(
        face["x"] < across < face["x"] + face["w"] and face["y"] < down < face["y"] + face["h"]
        for face in seen["faces"]
    )


def _wipe_by_keyboard(page: Page) -> None:
    wipe = page.get_by_label("Wipe between")
    wipe.focus()
    for _ in range(3):
        page.keyboard.press("ArrowLeft")
    expect(wipe).to_have_value("47")
    assert "53%" in page.locator(".original").evaluate("(figure) => getComputedStyle(figure).clipPath")
    page.keyboard.press("Space")
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    page.keyboard.press("Space")
    expect(page.get_by_role("button", name="Play")).to_be_visible()


def _play_to_the_second_pass(page: Page) -> None:
    """After its end the source is shown backwards: the original must follow."""
    page.get_by_label("Position").fill("4.2")
    page.evaluate(
        """async () => {
            const [dubbed, original] = [".dubbed", ".original"].map((name) => document.querySelector(`${name} video`));
            const apart = () => Math.abs(2 * original.duration - dubbed.currentTime - original.currentTime);
            while (Math.abs(dubbed.currentTime - 4.2) > 0.1 || apart() > 0.05) await new Promise(requestAnimationFrame);
        }"""
    )


def _frames(video: Path) -> int:
    with av.open(str(video)) as opened:
        return opened.streams.video[0].frames


def _picture(page: Page, name: str, top: str) -> None:
    """What is seen with `top` at the top, kept for the docs when LIPSTAGE_PICTURES names a folder."""
    if folder := os.environ.get("LIPSTAGE_PICTURES"):
        page.locator(top).evaluate("(element) => element.scrollIntoView()")
        page.screenshot(path=Path(folder) / f"{name}.jpg", quality=85)
