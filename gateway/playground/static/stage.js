/** The right-hand side: one job, from waiting to its result. */

import { tell } from "./announce.js";
import { Compare } from "./compare.js";
import { find, show } from "./dom.js";
import { money } from "./format.js";
import { hasEnded } from "./job.js";
import { Report } from "./report.js";
import { Running } from "./running.js";

const VIEWS = ["empty", "running", "stopped", "done"];
const ADVICE = {
  no_face: "Use a view from the front with the mouth in sight.",
  speaker_not_found: "Choose the largest face, or point at another place.",
  audio_too_long: "Cut the recording into shorter pieces.",
  media_truncated: "Download or copy the file again.",
  media_unreadable: "Convert it first, for instance to MP4 (H.264) or WAV.",
};
const STOPS = {
  failed: { title: "Not dubbed", what: "This could not be dubbed.", charge: "Nothing is charged." },
  canceled: { title: "Canceled", what: "Canceled, as you asked.", charge: "Nothing is charged." },
  completed: { title: "Deleted", what: "This was deleted.", charge: "" },
  lost: { title: "Out of sight", what: "This dub cannot be followed any more.", charge: "" },
};
const SETTLING_MS = 1000;

export class Stage {
  #root = find("#stage");
  #running = new Running(() => this.#onNews());
  #compare = new Compare(find("#compare"));
  #report = new Report((time) => this.#compare.seek(time));
  #api = null;
  #job = null;
  #watching = null;
  #onNews;

  /** `onNews()` hears when the job it shows begins and ends. */
  constructor(onNews) {
    this.#onNews = onNews;
    find("#report-file").addEventListener("click", () => this.#report.save());
  }

  set api(api) {
    this.#api = api;
    if (!api) this.clear();
  }

  get job() {
    return this.#job;
  }

  clear() {
    this.#leave();
    this.#job = null;
    find("#stage-title").textContent = "Result";
    find("#stage-about").textContent = "";
    this.#view("empty");
  }

  /** Shows a job; `original` is where its source video can be played from, or null. */
  open(job, original) {
    this.#leave();
    this.#job = job;
    find("#stage-about").textContent = [job.metadata.video_name, job.metadata.audio_name].filter(Boolean).join(" + ");
    this.#root.focus({ preventScroll: true });
    this.#root.scrollIntoView({ block: "nearest" });
    if (hasEnded(job)) this.#showEnd(job, original);
    else this.#watch(job, original);
  }

  #leave() {
    this.#watching?.abort();
    this.#compare.unload();
    document.title = "Lipstage";
  }

  async #watch(job, original) {
    const { signal } = (this.#watching = new AbortController());
    this.#view("running");
    find("#stage-title").textContent = "At work";
    const ended = await this.#running.follow(this.#api, job, signal);
    if (signal.aborted) return;
    const hadFocus = find("#stage-running").contains(document.activeElement);
    this.#showEnd(ended, original);
    if (hadFocus) this.#root.focus({ preventScroll: true });
    this.#onNews();
  }

  #showEnd(job, original) {
    this.#job = job;
    document.title = job.output ? "Done · Lipstage" : "Lipstage";
    if (job.output) this.#showResult(job, original);
    else this.#showStop(job);
  }

  #showResult(job, original) {
    find("#stage-title").textContent = "Result";
    this.#view("done");
    this.#compare.load(job.output.url, original, job.parameters.length);
    const link = find("#download");
    link.href = job.output.url;
    link.download = job.output.filename;
    link.target = link.origin === location.origin ? "" : "_blank"; // elsewhere a browser may show instead of save
    this.#showCharge(job);
    this.#report.open(this.#api, job, this.#compare);
    tell("The dubbed video is ready.");
  }

  /** The charge is settled a moment after the end. */
  async #showCharge(job) {
    const line = find("#charge");
    line.textContent = "";
    for (let tries = 0; tries < 3 && !job.charge; tries++) {
      await new Promise((resolve) => setTimeout(resolve, SETTLING_MS));
      if (job.id !== this.#job?.id) return;
      job = await this.#api.job(job.id).catch(() => job);
    }
    if (job.charge) line.textContent = chargeInWords(job.charge);
  }

  #showStop({ state, error }) {
    const { title, what, charge } = STOPS[state];
    find("#stage-title").textContent = title;
    find("#stopped-what").textContent = what;
    find("#stopped-why").textContent = error?.message ?? "";
    find("#stopped-advice").textContent = ADVICE[error?.code] ?? "";
    find("#stopped-code").textContent = [error && `Code ${error.code}.`, charge].filter(Boolean).join(" ");
    this.#view("stopped");
    tell(`${what} ${error?.message ?? ""}`);
  }

  #view(name) {
    for (const view of VIEWS) show(find(`#stage-${view}`), view === name);
  }
}

function chargeInWords({ amount_usd: amount }) {
  return Number(amount) ? `Charged: ${money(amount)}.` : "Free of charge.";
}
