/** What was done to the video, in figures and as a picture over time. */

import { find, make, makeSvg, show } from "./dom.js";
import { duration, plural } from "./format.js";
import { FrameStrip } from "./frame_strip.js";

const REASONS = {
  no_face: "no face",
  speaker_absent: "the speaker is not in sight",
  face_too_small: "the face is too small",
  face_turned_away: "the face is turned away",
  face_out_of_frame: "the face leaves the picture",
  not_wanted: "not asked for",
};
const STAGES = { preprocess: "finding the face", denoise: "drawing the mouth", composite: "putting it together" };

export class Report {
  #onSeek;
  #strip = new FrameStrip(find("#strip canvas"));
  #report = null;

  /** `onSeek(seconds)` hears which moment people want to see. */
  constructor(onSeek) {
    this.#onSeek = onSeek;
    find("#strip").addEventListener("toggle", (event) => event.target.open && this.#strip.draw());
  }

  async open(api, job, compare) {
    this.#report = null;
    find("#strip").open = false;
    this.#strip.of(compare);
    find("#timeline").replaceChildren();
    find("#figures").replaceChildren();
    show(find("#note"), false);
    show(find("#report-file"), false);
    let report;
    try {
      report = await api.report(job.id);
    } catch (problem) {
      find("#timeline").replaceChildren(make("p", { class: "hint" }, problem.message));
      return;
    }
    this.#report = report;
    find("#note").textContent = report.note;
    show(find("#note"), Boolean(report.note));
    show(find("#report-file"));
    find("#timeline").replaceChildren(...this.#timeline(report, compare.videos.dubbed));
    find("#figures").replaceChildren(
      ...figures(report).map(([what, value]) => make("div", {}, make("dt", {}, what), make("dd", {}, value))),
    );
  }

  /** Offers the report as a file. */
  save() {
    const text = JSON.stringify(this.#report, null, 2);
    const url = URL.createObjectURL(new Blob([text], { type: "application/json" }));
    make("a", { href: url, download: `${this.#report.job_id}.report.json` }).click();
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
  }

  /** A bar over the whole output: dubbed frames filled, others hatched, and the reasons as a list. */
  #timeline({ frames, passed_through: gaps, faces }, video) {
    const bar = makeSvg(
      "svg",
      { class: "timeline", viewBox: `0 0 ${frames} 10`, preserveAspectRatio: "none", "aria-hidden": "true" },
      ...faces.map((span) => stretch(span, "dubbed")),
      ...gaps.map((span) => stretch(span, "passed")),
    );
    bar.addEventListener("click", (event) => {
      const box = bar.getBoundingClientRect();
      this.#onSeek(((event.clientX - box.left) / box.width) * (video.duration || 0));
    });
    if (!gaps.length) return [bar, make("p", { class: "hint" }, "Every frame was dubbed.")];
    const rows = gaps.slice(0, 12).map((gap) => {
      const start = (gap.first_frame / frames) * (video.duration || 0);
      const length = gap.last_frame - gap.first_frame + 1;
      const words = `${plural(length, "frame")} left as they were: ${REASONS[gap.reason] ?? gap.reason}`;
      return make("li", {}, make("button", { type: "button", class: "quiet", onclick: () => this.#onSeek(start) }, words));
    });
    if (gaps.length > rows.length) rows.push(make("li", {}, `and ${gaps.length - rows.length} more, in the report`));
    return [bar, make("ul", { class: "gaps" }, ...rows)];
  }
}

function stretch({ first_frame: first, last_frame: last }, kind) {
  return makeSvg("rect", { x: first, y: 0, width: last - first + 1, height: 10, class: kind });
}

function figures(report) {
  const tracks = new Set(report.faces.map((face) => face.track)).size;
  const work = Object.keys(STAGES).filter((stage) => stage in report.timings_s);
  return [
    ["Dubbed", `${report.frames_dubbed} of ${plural(report.frames, "frame")}`],
    ["Faces", String(tracks)],
    ["Sound", report.audio_copied ? `yours, untouched (${report.audio_codec})` : `encoded as ${report.audio_codec}`],
    ["Picture", `encoded once, as ${report.video_codec}`],
    ["Work", work.map((stage) => `${duration(report.timings_s[stage])} ${STAGES[stage]}`).join(", ")],
    ...qualityFigures(report.quality),
  ];
}

/** Figures that an evaluation has added to the report. */
function qualityFigures(quality) {
  const { mouth, sync, picture } = quality ?? {};
  const known = [
    ["Mouth follows the voice", mouth?.correlation, (value) => `correlation ${signed(value)}`],
    ["Lips late by", sync?.offset_frames, (value) => `${value * 40} ms`],
    ["Outside the mouth", picture?.psnr_outside_db, (value) => `${value.toFixed(1)} dB like the original`],
    ["Flicker", picture?.flicker_vs_original, (value) => `${value.toFixed(2)} × the original's`],
  ];
  return known.filter(([, value]) => value != null).map(([what, value, inWords]) => [what, inWords(value)]);
}

function signed(value) {
  return `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(2)}`;
}
