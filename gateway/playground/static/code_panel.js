/** The present request as code to copy. */

import { tell } from "./announce.js";
import { find, findAll, make } from "./dom.js";
import { LANGUAGES, unsaid } from "./snippets.js";

const WORDS = {
  variant: "the model",
  length: "what happens if the lengths differ",
  speaker: "who speaks",
  guidance_scale: "guidance",
  steps: "steps",
  seed: "the seed",
};
const MOVES = { ArrowRight: 1, ArrowLeft: -1, Home: -Infinity, End: Infinity };
const SHOWN_MS = 2000;

export class CodePanel {
  #panel = find("#code-panel");
  #tabs;
  #chosen = LANGUAGES[0];
  #asked = null;

  constructor() {
    const list = find("#code .tabs");
    list.append(
      ...LANGUAGES.map((language) =>
        make(
          "button",
          {
            type: "button",
            role: "tab",
            id: `tab-${language.id}`,
            "aria-controls": "code-panel",
            onclick: () => this.#choose(language),
          },
          language.name,
        ),
      ),
    );
    this.#tabs = findAll("[role=tab]", list);
    list.addEventListener("keydown", (event) => this.#move(event));
    find("#copy").addEventListener("click", () => this.#copy());
    find("#code").addEventListener("toggle", () => this.#write());
    this.#choose(this.#chosen);
  }

  /** What is asked for now: names of the clips, or their addresses, and parameters. */
  show(asked) {
    this.#asked = asked;
    this.#write();
  }

  #choose(language) {
    this.#chosen = language;
    for (const tab of this.#tabs) {
      const selected = tab.id === `tab-${language.id}`;
      tab.setAttribute("aria-selected", String(selected));
      tab.tabIndex = selected ? 0 : -1;
    }
    this.#panel.setAttribute("aria-labelledby", `tab-${language.id}`);
    this.#write();
  }

  #move(event) {
    const move = MOVES[event.key];
    if (move === undefined) return;
    event.preventDefault();
    const last = LANGUAGES.length - 1;
    const to = LANGUAGES.indexOf(this.#chosen) + move;
    const index = Number.isFinite(move) ? (to + last + 1) % (last + 1) : Math.min(last, Math.max(0, to));
    this.#choose(LANGUAGES[index]);
    this.#tabs[index].focus();
  }

  #write() {
    if (!this.#asked || !find("#code").open) return;
    const { video, audio, parameters, label } = this.#asked;
    const clips = { video: video || "video.mp4", audio: audio || "voice.m4a" };
    find("code", this.#panel).textContent = this.#chosen.code({ ...clips, parameters, label }, location.origin);
    const left = unsaid(this.#chosen, parameters).map((name) => WORDS[name]);
    find("#code-unsaid").textContent = left.length ? `${this.#chosen.name}'s API has no word for ${inWords(left)}.` : "";
  }

  async #copy() {
    const button = find("#copy");
    const copied = await copy(find("code", this.#panel).textContent);
    button.textContent = copied ? "Copied" : "Select it and copy it by hand";
    tell(button.textContent);
    setTimeout(() => (button.textContent = "Copy"), SHOWN_MS);
  }
}

function inWords(names) {
  return names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}

/** Over plain http to another machine there is no clipboard, only the old way. */
async function copy(text) {
  if (navigator.clipboard) {
    return navigator.clipboard.writeText(text).then(
      () => true,
      () => false,
    );
  }
  const area = make("textarea", { class: "unseen", readonly: true });
  area.value = text;
  document.body.append(area);
  area.select();
  const copied = document.execCommand("copy");
  area.remove();
  return copied;
}
