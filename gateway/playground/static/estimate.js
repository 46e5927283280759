/** What the job would cost and take, asked for whenever the form has settled. */

import { find } from "./dom.js";
import { money, roughly, sentence } from "./format.js";

const SETTLE_MS = 300;

export class Estimate {
  #line = find("#estimate");
  #asking = null;

  /** `request` is null while the form is incomplete. */
  look(api, request, isSending) {
    this.#asking?.abort();
    if (isSending) this.#line.textContent = "Sending your files ahead…";
    else if (!request) this.#line.textContent = "";
    else {
      const { signal } = (this.#asking = new AbortController());
      setTimeout(() => signal.aborted || this.#ask(api, request, signal), SETTLE_MS);
    }
  }

  async #ask(api, request, signal) {
    try {
      const estimate = await api.estimate(request, signal);
      if (!signal.aborted) this.#line.textContent = inWords(estimate);
    } catch (problem) {
      if (!signal.aborted) this.#line.textContent = problem.isAway ? "" : problem.message;
    }
  }
}

function inWords({ amount, processing_s: work, queue_wait_s: wait }) {
  const parts = [];
  if (amount !== null) parts.push(amount ? money(amount / 1e6) : "free");
  if (work !== null) parts.push(`takes ${roughly(work)}`);
  if (wait !== null) parts.push(wait < 1 ? "starts at once" : `starts in ${roughly(wait)}`);
  return sentence(parts.join(" · "));
}
