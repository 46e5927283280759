import json
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from port_suites.job_records import job_record

from services.common.chunk_files import PASSED_THROUGH, Manifest, Outcome
from services.common.media.join import Joined
from services.common.messages import DubParameters, Span
from services.common.ports import ModelCard
from services.composite.report import Report, write_report

CARDS = [
    ModelCard("vae_decoder", "1", 128, "ab" * 32, "0.1.0"),
    ModelCard("unet", "1", 128, "cd" * 32, "0.1.0", note="A small network for trying things out."),
]
JOINED = Joined(video_codec="h264", audio_codec="aac", audio_copied=True)
D, NO_FACE, TURNED = Outcome.DUBBED, Outcome.NO_FACE, Outcome.FACE_TURNED_AWAY


def manifest(first_frame: int, outcome: Sequence[Outcome], track: Sequence[int]) -> Manifest:
    frames = np.arange(first_frame, first_frame + len(outcome))
    return Manifest(
        first_frame=first_frame,
        time_base=Fraction(1, 25),
        source=frames,
        pts=frames,
        next_pts=first_frame + len(outcome),
        chunk=np.where(np.array(outcome) == D, 0, PASSED_THROUGH),
        row=np.zeros(len(outcome), np.int64),
        matrices=np.full((len(outcome), 2, 3), np.nan),
        outcome=np.array(outcome, np.int64),
        track=np.array(track, np.int64),
    )


def report_on(*manifests: Manifest, parameters: DubParameters | None = None) -> Report:
    record = job_record(parameters=parameters or DubParameters())
    return Report.model_validate_json(write_report(record, CARDS, manifests, JOINED))


def test_frames_that_pass_through_are_spans_by_reason() -> None:
    report = report_on(manifest(0, [D, NO_FACE, NO_FACE, TURNED, D, NO_FACE], [1, -1, -1, -1, 1, -1]))

    spans = [(span.first_frame, span.last_frame, span.reason) for span in report.passed_through]
    assert spans == [(1, 2, "no_face"), (3, 3, "face_turned_away"), (5, 5, "no_face")]
    assert (report.frames, report.frames_dubbed) == (6, 2)


def test_faces_are_spans_by_track() -> None:
    report = report_on(manifest(0, [D, D, D, NO_FACE, D, D], [1, 1, 2, -1, 2, 2]))

    spans = [(span.first_frame, span.last_frame, span.track) for span in report.faces]
    assert spans == [(0, 1, 1), (2, 2, 2), (4, 5, 2)]


def test_spans_run_on_over_the_border_of_two_segments() -> None:
    report = report_on(manifest(0, [D, NO_FACE], [1, -1]), manifest(2, [NO_FACE, D], [-1, 1]), manifest(4, [D], [1]))

    assert [(span.first_frame, span.last_frame) for span in report.passed_through] == [(1, 2)]
    assert [(span.first_frame, span.last_frame) for span in report.faces] == [(0, 0), (3, 4)]


def test_a_dubbed_face_without_a_track_is_still_a_face() -> None:
    report = report_on(manifest(0, [D, NO_FACE, D], [-1, -1, -1]))

    assert [(span.first_frame, span.last_frame, span.track) for span in report.faces] == [(0, 0, -1), (2, 2, -1)]


def test_a_clip_that_passes_through_whole_has_no_faces() -> None:
    report = report_on(manifest(0, [NO_FACE] * 3, [-1] * 3))

    assert report.faces == []
    assert [(span.first_frame, span.last_frame) for span in report.passed_through] == [(0, 2)]


def test_the_networks_are_named_with_what_they_were_made_from_and_their_warning() -> None:
    report = report_on(manifest(0, [D], [1]))

    assert [(used.name, used.source_sha256) for used in report.networks] == [
        ("vae_decoder", "ab" * 32),
        ("unet", "cd" * 32),
    ]
    assert report.note == "A small network for trying things out."


def test_the_parameters_can_be_given_again() -> None:
    asked = DubParameters(
        seed=2**62, steps=7, segments=(Span(start_s=0.5, end_s=2.0),), guidance_interval=(0.2, 0.9), speaker="track:2"
    )

    report = report_on(manifest(0, [D], [1]), parameters=asked)

    assert DubParameters.model_validate(report.parameters) == asked


def test_what_became_of_the_sound_and_the_time_is_told() -> None:
    text = write_report(job_record(timings_s={"denoise": 1.23456}), CARDS, [manifest(0, [D], [1])], JOINED)

    told = json.loads(text)
    assert (told["video_codec"], told["audio_codec"], told["audio_copied"]) == ("h264", "aac", True)
    assert told["timings_s"] == {"denoise": 1.235}
