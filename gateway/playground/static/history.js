/** Former jobs of this key's account: open one, delete one. */

import { tell } from "./announce.js";
import { find, findAll, make, show } from "./dom.js";
import { ago, money } from "./format.js";
import { hasEnded } from "./job.js";

const PAGE = 10;
const STATES = {
  created: "Waiting",
  processing: "At work",
  completed: "Done",
  failed: "Failed",
  canceled: "Canceled",
};

export class History {
  #list = find("#jobs");
  #older = find("#older");
  #api = null;
  #cursor = null;
  #onOpen;
  #onDelete;

  /** `onOpen(job)` and `onDelete(id)` hear what people choose. */
  constructor({ onOpen, onDelete }) {
    this.#onOpen = onOpen;
    this.#onDelete = onDelete;
    this.#older.addEventListener("click", () => this.#load());
  }

  set api(api) {
    this.#api = api;
    show(find("#history"), api !== null);
    this.#list.replaceChildren();
    if (api) this.refresh();
  }

  /** Shows the newest jobs. */
  async refresh() {
    this.#cursor = null;
    await this.#load();
  }

  /** Asks once more and deletes; true when it is gone. */
  async remove(id) {
    if (!(await isSure())) return false;
    try {
      await this.#api.remove(id);
    } catch (problem) {
      find("#history-error").textContent = problem.message;
      return false;
    }
    this.#onDelete(id);
    await this.refresh();
    find("#history-title").focus({ preventScroll: true });
    tell("Deleted.");
    return true;
  }

  async #load() {
    const first = this.#cursor === null;
    find("#history-error").textContent = "";
    try {
      const rows = (await this.#page()).map((job) => this.#row(job));
      if (first) this.#replace(rows);
      else this.#list.append(...rows);
      if (!first && rows.length) find("button", rows[0]).focus();
    } catch (problem) {
      find("#history-error").textContent = problem.message;
    }
    show(this.#older, this.#cursor !== null);
    show(find("#history-empty"), !this.#list.children.length);
  }

  /** Whoever is in the list stays at the same button. */
  #replace(rows) {
    const focused = this.#list.contains(document.activeElement) ? document.activeElement : null;
    const [id, index] = [focused?.closest("li").dataset.job, focused && findAll("button", focused.closest("li")).indexOf(focused)];
    this.#list.replaceChildren(...rows);
    const row = rows.find((one) => one.dataset.job === id);
    if (focused && row) findAll("button", row)[index]?.focus();
  }

  /** The next jobs that are still there; of deleted ones only their record is kept. */
  async #page() {
    for (;;) {
      const { jobs, next_cursor: next } = await this.#api.jobs(this.#cursor, PAGE);
      this.#cursor = next;
      const there = jobs.filter((job) => !job.deleted_at);
      if (there.length || !next) return there;
    }
  }

  #row(job) {
    const name = job.metadata?.video_name || `Job ${job.id.slice(-8)}`;
    const ended = hasEnded(job);
    const details = [job.metadata?.audio_name, ago(job.created_at), Number(job.charge?.amount_usd) && money(job.charge.amount_usd)];
    return make(
      "li",
      { "data-job": job.id },
      make(
        "div",
        { class: "job" },
        make("span", { class: "job-name" }, name),
        make("span", { class: "hint" }, details.filter(Boolean).join(" · ")),
      ),
      make("span", { class: `state ${job.state}` }, STATES[job.state]),
      make("button", { type: "button", "aria-label": `Open ${name}`, onclick: () => this.#onOpen(job.id) }, "Open"),
      ended && make("button", { type: "button", class: "quiet", "aria-label": `Delete ${name}`, onclick: () => this.remove(job.id) }, "Delete"),
    );
  }
}

function isSure() {
  const dialog = find("#sure");
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}
