/** The form: what is asked of a job, what it would cost, and sending it. */

import { tell } from "./announce.js";
import { ClipSlot } from "./clip_slot.js";
import { find, findAll } from "./dom.js";
import { takeDrops } from "./drops.js";
import { Estimate } from "./estimate.js";
import { consequence } from "./length.js";
import { Speaker } from "./speaker.js";

const BASIS = "Attested on the playground page: the people whose face and voice this is have agreed to this use.";
const PARAMETERS = ["variant", "length", "guidance_scale", "steps", "seed"];
const NAMES = [...PARAMETERS, "label", "consent"];

export class Composer {
  #form = find("#composer");
  #fields = Object.fromEntries(NAMES.map((name) => [name, this.#form.elements.namedItem(name)]));
  #button = find("#dub");
  #onSend;
  #onChange;
  #api = null;
  #me = null;
  #video;
  #voice;
  #speaker;
  #estimate = new Estimate();
  #attempt = { asked: "", key: "" };

  /** `onSend(request, idempotencyKey, video)` sends; `onChange(asked)` hears what the form asks for now. */
  constructor({ onSend, onChange }) {
    this.#onSend = onSend;
    this.#onChange = onChange;
    this.#video = new ClipSlot("video", () => this.#update());
    this.#voice = new ClipSlot("voice", () => this.#update());
    this.#speaker = new Speaker(() => this.#update());
    takeDrops({ video: this.#video, voice: this.#voice });
    this.#form.addEventListener("input", () => this.#update());
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    find("#other-seed").addEventListener("click", () => {
      this.#fields.seed.value = crypto.getRandomValues(new Uint32Array(1))[0];
      this.#update();
    });
    this.#update();
  }

  /** `api` and `me` of whoever is signed in, or null. */
  signedIn(api, me) {
    this.#api = api;
    this.#me = me;
    if (me) this.#offer(me.variants);
    this.#video.api = this.#voice.api = api;
    this.#update();
  }

  /** Sets the form to a former job's parameters. */
  adopt(parameters) {
    for (const name of PARAMETERS) {
      const before = this.#fields[name].value;
      this.#fields[name].value = parameters[name];
      if (!this.#fields[name].value) this.#fields[name].value = before; // a model that is not offered any more
    }
    this.#update();
  }

  focus() {
    this.#form.focus();
  }

  #offer(variants) {
    const before = this.#fields.variant.value;
    this.#fields.variant.replaceChildren(...variants.map(({ variant, name }) => new Option(name, variant)));
    if (variants.some(({ variant }) => variant === before)) this.#fields.variant.value = before;
  }

  #parameters() {
    const { variant, length, guidance_scale: guidance, steps, seed } = this.#fields;
    return {
      variant: variant.value,
      length: length.value,
      speaker: this.#speaker.value,
      guidance_scale: guidance.valueAsNumber,
      steps: steps.valueAsNumber,
      seed: seed.valueAsNumber,
    };
  }

  /** For showing code: file names or addresses, and parameters. */
  #asked() {
    return {
      video: nameOrLink(this.#video),
      audio: nameOrLink(this.#voice),
      parameters: this.#parameters(),
      label: this.#fields.label.checked,
    };
  }

  #request() {
    const request = {
      video: this.#video.source,
      audio: this.#voice.source,
      parameters: this.#parameters(),
      label: this.#fields.label.checked,
      metadata: { video_name: this.#video.name.slice(-500), audio_name: this.#voice.name.slice(-500) },
    };
    if (this.#fields.consent.checked) {
      request.consent = { attested_by: `${this.#me.key.name} (${this.#me.account})`.slice(0, 200), basis: BASIS };
    }
    return request;
  }

  #update() {
    this.#speaker.look(this.#video.url, this.#video.source, this.#api);
    const { length, variant } = this.#fields;
    find("#length-note").textContent = consequence(length.value, this.#video.durationS, this.#voice.durationS);
    find("#variant-note").textContent = this.#me?.variants.find((one) => one.variant === variant.value)?.note ?? "";
    for (const output of findAll("output", this.#form)) output.value = find(`#${output.htmlFor}`).value;
    this.#button.textContent = this.#api ? "Dub the video" : "Sign in to dub";
    this.#say("");
    const isComplete = this.#api && this.#video.source && this.#voice.source;
    this.#estimate.look(this.#api, isComplete ? this.#request() : null, this.#video.isSending || this.#voice.isSending);
    this.#onChange(this.#asked());
  }

  async #submit() {
    if (this.#button.ariaDisabled === "true") return;
    if (!this.#api) return find("#key").focus();
    const gap = this.#gap();
    if (gap) return this.#point(...gap);
    const request = this.#request();
    const asked = JSON.stringify(request);
    // The same request sent again after a lost answer is the same job.
    if (asked !== this.#attempt.asked) this.#attempt = { asked, key: randomKey() };
    this.#busy(true);
    try {
      await this.#onSend(request, this.#attempt.key, this.#video);
      this.#attempt = { asked: "", key: "" };
      this.#say("");
    } catch (problem) {
      this.#say(problem.message);
      if (problem.code === "upload_not_found") [this.#video, this.#voice].forEach((slot) => slot.sendAgain());
      tell("It was not sent.");
    }
    this.#busy(false);
  }

  /** What is still missing, as [element to go to, where to say it, sentence]; null when nothing is. */
  #gap() {
    for (const [slot, what] of [[this.#video, "a video"], [this.#voice, "a recording"]]) {
      if (!slot.url) return [find("input[type=file]", slot.root), find(".error", slot.root), `Choose ${what} first.`];
      if (slot.isSending) return [this.#button, find("#composer-error"), `${slot.name} is still being sent.`];
      if (!slot.source) return [find(".error button", slot.root), find("#composer-error"), `${slot.name} was not sent.`];
    }
    const { consent, seed } = this.#fields;
    if (!seed.validity.valid || seed.value === "") {
      find("details.advanced").open = true;
      return [seed, find("#composer-error"), "The seed is a whole number from 0 on."];
    }
    if (!consent.checked) return [consent, find("#consent-error"), "Nothing is dubbed without their agreement."];
    return null;
  }

  #point(element, where, sentence) {
    where.textContent = sentence;
    element?.focus();
  }

  #busy(busy) {
    this.#button.setAttribute("aria-disabled", String(busy));
    this.#button.classList.toggle("busy", busy);
  }

  #say(sentence) {
    find("#composer-error").textContent = sentence;
    find("#consent-error").textContent = "";
  }
}

function nameOrLink(slot) {
  return slot.source && !slot.source.startsWith("upload:") ? slot.source : slot.name;
}

/** Not `randomUUID`, which plain http to another machine does not have. */
function randomKey() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
