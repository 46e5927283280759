/** What people should know before they send somebody's face and voice, as this installation answers it. */

import { find, make, show } from "./dom.js";
import { bytes, duration, money, sentence } from "./format.js";

const DAY_S = 86_400;

export class Policy {
  #dialog = find("#policy");
  #button = find("#policy-open");
  #api = null;

  constructor() {
    this.#button.addEventListener("click", () => this.#open());
  }

  set api(api) {
    this.#api = api;
    show(this.#button, api !== null);
  }

  async #open() {
    const answers = find("#policy-answers");
    answers.replaceChildren();
    this.#dialog.showModal();
    try {
      answers.replaceChildren(...answered(await this.#api.policy()));
    } catch (problem) {
      answers.replaceChildren(make("p", { class: "error" }, problem.message));
    }
  }
}

function answered({ route_owner: owner, support, consent, retention, rights, input_limits: limits, billing, provenance }) {
  return [
    section("Who runs this", [`${sentence(owner)}. For help, or to have something removed: ${support.path}.`]),
    section("How long it is kept", [...retention.items.map(kept), retention.on_request]),
    section("Agreement", [consent.what, consent.kept]),
    section("Limits", [
      `A recording of up to ${duration(limits.max_audio_s)}, a video of up to ${duration(limits.max_video_s)}, ` +
        `each at most ${bytes(limits.max_bytes)}.`,
    ]),
    section("Price", [billing.examples.slice(0, 2).map(price).join(", "), billing.completed, billing.partial]),
    section("Marks in the result", marks(provenance)),
    section("Rights", [rights.media, rights.output, ...[rights.code, ...rights.weights].map(licence)]),
  ];
}

function section(title, sentences) {
  return make("section", {}, make("h3", {}, title), make("ul", {}, ...sentences.map((words) => make("li", {}, words))));
}

function kept({ what, seconds, after }) {
  return `${sentence(what)}: ${timeAfter(seconds, after)}`;
}

function timeAfter(seconds, after) {
  if (seconds === null) return "for good";
  return seconds ? `${days(seconds)} after ${after}` : `until ${after}`;
}

function days(seconds) {
  const whole = Math.round(seconds / DAY_S);
  return whole ? `${whole} ${whole === 1 ? "day" : "days"}` : duration(seconds);
}

function price({ seconds, amount }) {
  return `${duration(seconds)}: ${money(amount / 1e6)}`;
}

function marks({ content_credentials: credentials, watermark }) {
  const told = [
    credentials && "Signed content credentials say that the mouth was generated.",
    watermark && "An invisible mark in dubbed frames names the job.",
  ].filter(Boolean);
  return told.length ? told : ["None."];
}

function licence({ subject, licence: name, binds }) {
  return `${subject}, ${name}: ${binds}`;
}
