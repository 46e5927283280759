/** The right-hand side: one job, from waiting to its result. */

import { tell } from "./announce.js";
import { Compare } from "./compare.js";
import { find, show } from "./dom.js";
import { clock, money, percent, roughly, sentence } from "./format.js";
import { Progress, STAGES } from "./progress.js";
import { Report } from "./report.js";

const VIEWS = ["empty", "running", "stopped", "done"];
const WORDS = { preprocess: "Finding the face", denoise: "Drawing the mouth", composite: "Putting it together" };
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
const RETRY_MS = [500, 1000, 2000, 5000];

export class Stage {
  #root = find("#stage");
  #compare = new Compare(find("#compare"));
  #report = new Report((time) => this.#compare.seek(time));
  #api = null;
  #job = null;
  #watching = null;
  #ticking = null;
  #progress = null;
  #onNews;

  /** `onNews()` hears when the job it shows begins and ends. */
  constructor(onNews) {
    this.#onNews = onNews;
    find("#cancel").addEventListener("click", () => this.#cancel());
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
    clearInterval(this.#ticking);
    this.#compare.unload();
    document.title = "Lipstage";
  }

  async #watch(job, original) {
    const { signal } = (this.#watching = new AbortController());
    const progress = (this.#progress = new Progress());
    progress.snapshot(job);
    this.#view("running");
    find("#stage-title").textContent = "At work";
    find("#running-trouble").textContent = "";
    this.#canceling(false);
    this.#ticking = setInterval(() => this.#showProgress(), 1000);
    this.#showProgress();
    const ended = await this.#follow(job.id, progress, signal);
    if (signal.aborted) return;
    const hadFocus = find("#stage-running").contains(document.activeElement);
    clearInterval(this.#ticking);
    this.#showEnd(ended, original);
    if (hadFocus) this.#root.focus({ preventScroll: true });
    this.#onNews();
  }

  /** Listens until the job has ended, through lost connections; returns its last record. */
  async #follow(id, progress, signal) {
    for (let failures = 0; !signal.aborted; ) {
      try {
        for await (const { event, data } of this.#api.events(id, signal)) {
          failures = 0;
          find("#running-trouble").textContent = "";
          if (event === "progress") {
            if (progress.current === null) this.#onNews();
            progress.advance(data, seconds());
          }
          if (event === "job") {
            this.#job = data;
            progress.snapshot(data);
            if (hasEnded(data)) return data;
          }
          this.#showProgress();
        }
      } catch (problem) {
        if (signal.aborted) return null;
        if (!problem.isAway && problem.status !== 429) return { ...this.#job, state: "lost", error: problem };
        find("#running-trouble").textContent = "The connection is lost. The work goes on; trying again…";
      }
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS[Math.min(failures++, RETRY_MS.length - 1)]));
    }
    return null;
  }

  #showProgress() {
    const now = seconds();
    const { share, current } = this.#progress;
    const waiting = current === null;
    const what = waiting ? "Waiting for its turn" : WORDS[current];
    if (find("#running-what").textContent !== what) {
      find("#running-what").textContent = what;
      tell(what);
    }
    setBar(find("#running-whole"), waiting ? null : share);
    find("#running-left").textContent = waiting ? "" : this.#leftInWords(now);
    find("#running-since").textContent = `${clock((Date.now() - Date.parse(this.#job.created_at)) / 1000)} so far`;
    document.title = waiting ? "Waiting · Lipstage" : `${percent(share)} · Lipstage`;
    for (const name of STAGES) {
      const stage = this.#progress.stage(name);
      const row = find(`[data-stage=${name}]`, this.#root);
      setBar(find("progress", row), stage.share ?? (stage.amount > 0 ? null : 0));
      find(".count", row).textContent = count(name, stage);
      row.classList.toggle("whole", stage.share === 1);
    }
  }

  #leftInWords(now) {
    if (this.#progress.isStalled(now)) return "No news for a while. It is still being worked on.";
    const left = this.#progress.left(now);
    return left === null ? "Measuring how long it takes…" : sentence(`${roughly(left)} left`);
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

  async #cancel() {
    if (find("#cancel").ariaDisabled === "true") return;
    this.#canceling(true);
    try {
      await this.#api.cancel(this.#job.id);
    } catch (problem) {
      find("#running-trouble").textContent = problem.message;
      this.#canceling(false);
    }
  }

  /** The button stays focusable, so that whoever pressed it is not thrown off the page. */
  #canceling(begun) {
    find("#cancel").setAttribute("aria-disabled", String(begun));
  }

  #view(name) {
    for (const view of VIEWS) show(find(`#stage-${view}`), view === name);
  }
}

export function hasEnded(job) {
  return ["completed", "failed", "canceled"].includes(job.state);
}

function count(name, stage) {
  if (stage.share === 1) return "done";
  if (name === "preprocess") return stage.amount > 0 ? percent(stage.share ?? 0) : "";
  if (stage.amount === 0 && !stage.parts) return "";
  return `${Math.floor(stage.amount)} of ${stage.parts ?? "?"}`;
}

function chargeInWords({ amount_usd: amount }) {
  return Number(amount) ? `Charged: ${money(amount)}.` : "Free of charge.";
}

/** Null = it is not known how far. */
function setBar(bar, share) {
  if (share === null) bar.removeAttribute("value");
  else bar.value = share;
}

function seconds() {
  return performance.now() / 1000;
}
