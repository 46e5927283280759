/** A job at work: what it does now, how far it is, how long it still takes. */

import { tell } from "./announce.js";
import { find } from "./dom.js";
import { clock, percent, roughly, sentence } from "./format.js";
import { hasEnded } from "./job.js";
import { Progress, STAGES } from "./progress.js";

const WORDS = { preprocess: "Finding the face", denoise: "Drawing the mouth", composite: "Putting it together" };
const RETRY_MS = [500, 1000, 2000, 5000];

export class Running {
  #api = null;
  #job = null;
  #progress = null;
  #onBegin;

  /** `onBegin()` hears when work begins on the job. */
  constructor(onBegin) {
    this.#onBegin = onBegin;
    find("#cancel").addEventListener("click", () => this.#cancel());
  }

  /** Shows the job until it has ended or `signal` says to stop; returns its last record. */
  async follow(api, job, signal) {
    this.#api = api;
    this.#job = job;
    this.#progress = new Progress();
    this.#progress.snapshot(job);
    find("#running-trouble").textContent = "";
    this.#canceling(false);
    this.#showProgress();
    const ticking = setInterval(() => this.#showProgress(), 1000);
    try {
      return await this.#follow(job.id, this.#progress, signal);
    } finally {
      clearInterval(ticking);
    }
  }

  /** Listens until the job has ended, through lost connections; returns its last record. */
  async #follow(id, progress, signal) {
    for (let failures = 0; !signal.aborted; ) {
      try {
        for await (const { event, data } of this.#api.events(id, signal)) {
          failures = 0;
          find("#running-trouble").textContent = "";
          if (event === "progress") {
            if (progress.current === null) this.#onBegin();
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
      const row = find(`#stage-running [data-stage=${name}]`);
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
}

function count(name, stage) {
  if (stage.share === 1) return "done";
  if (name === "preprocess") return stage.amount > 0 ? percent(stage.share ?? 0) : "";
  if (stage.amount === 0 && !stage.parts) return "";
  return `${Math.floor(stage.amount)} of ${stage.parts ?? "?"}`;
}

/** Null = it is not known how far. */
function setBar(bar, share) {
  if (share === null) bar.removeAttribute("value");
  else bar.value = share;
}

function seconds() {
  return performance.now() / 1000;
}
