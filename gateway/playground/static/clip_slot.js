/** One of the two places a clip goes: chosen, dropped or linked, shown, and sent ahead while its owner goes on. */

import { find, make, show } from "./dom.js";
import { bytes, duration, percent } from "./format.js";
import { tell } from "./announce.js";

const MISFITS = {
  video: "This file has no picture. The video goes here, the recording below.",
  voice: "This file has no sound.",
};

export class ClipSlot {
  /** What the gateway knows the clip by; null until it is there. */
  source = null;
  durationS = null;
  /** Where the browser can play it from; null when nothing is chosen. */
  url = null;
  name = "";
  /** The chosen file; null for a link. */
  file = null;

  #kind;
  #onChange;
  #api = null;
  #sending = null;
  #root;
  #player;
  #link;
  #picker;

  /** `kind` is "video" or "voice", the id of the slot's section. */
  constructor(kind, onChange) {
    this.#kind = kind;
    this.#onChange = onChange;
    this.#root = find(`#${kind}`);
    this.#player = find(".chosen video, .chosen audio", this.#root);
    this.#link = find(".link input", this.#root);
    this.#picker = find("input[type=file]", this.#root);
    this.#picker.addEventListener("change", () => this.#picker.files[0] && this.takeFile(this.#picker.files[0]));
    this.#link.addEventListener("change", () => this.#takeLink(this.#link.value.trim()));
    find(".remove", this.#root).addEventListener("click", () => {
      this.#clear();
      this.#picker.focus();
    });
    this.#player.addEventListener("loadedmetadata", () => this.#look());
    this.#player.addEventListener("error", () => this.url && this.#facts("Not playable here; the server will look."));
  }

  get root() {
    return this.#root;
  }

  get isSending() {
    return this.#sending !== null;
  }

  /** Clips that wait for somebody to sign in are sent then. */
  set api(api) {
    this.#api = api;
    if (!api && this.file) this.source = null;
    if (api && this.file && !this.source) this.#send();
  }

  takeFile(file) {
    this.#clear();
    this.file = file;
    this.#preview(URL.createObjectURL(file), file.name);
    this.#facts(bytes(file.size));
    if (this.#api) this.#send();
    this.#onChange();
  }

  /** The gateway no longer has what was sent. */
  sendAgain() {
    if (this.file) this.#send();
  }

  complain(sentence, ...more) {
    find(".error", this.#root).replaceChildren(sentence, ...more);
  }

  #takeLink(text) {
    if (!text) return;
    if (!/^https?:\/\/[^/]+\/?/i.test(text)) {
      this.complain("An address begins with https://");
      return;
    }
    this.#clear();
    this.source = text;
    this.#preview(text, decodeURIComponentSafely(new URL(text).pathname.split("/").pop()) || new URL(text).host);
    this.#facts("from its address");
    this.#onChange();
  }

  #preview(url, name) {
    this.url = url;
    this.name = name;
    this.#player.src = url;
    find(".name", this.#root).textContent = name;
    this.#showChosen(true);
  }

  #look() {
    const { videoWidth, videoHeight, duration: seconds } = this.#player;
    if (Number.isFinite(seconds)) this.durationS = seconds;
    if (this.#kind === "video" && !videoWidth) this.complain(MISFITS.video);
    const size = videoWidth && this.#kind === "video" ? `${videoWidth} × ${videoHeight}` : "";
    this.#facts([size, duration(seconds), this.file && bytes(this.file.size)].filter(Boolean).join(" · "));
    this.#onChange();
  }

  async #send() {
    this.#sending?.abort();
    const sending = (this.#sending = new AbortController());
    this.source = null;
    this.complain("");
    this.#showSending(0);
    try {
      const upload = await this.#api.upload(this.file, {
        onShare: (share) => this.#showSending(share),
        signal: sending.signal,
      });
      this.source = upload.source;
      this.durationS = upload.probe?.duration_s ?? this.durationS;
      tell(`${this.name} is ready.`);
    } catch (problem) {
      if (sending.signal.aborted) return;
      this.complain(problem.message, " ", make("button", { type: "button", onclick: () => this.#send() }, "Try again"));
    }
    this.#sending = null;
    show(find(".sending", this.#root), false);
    this.#onChange();
  }

  #showSending(share) {
    const bar = find(".sending progress", this.#root);
    bar.value = share;
    bar.textContent = percent(share);
    show(find(".sending", this.#root));
  }

  #clear() {
    this.#sending?.abort();
    if (this.file) URL.revokeObjectURL(this.url);
    Object.assign(this, { source: null, durationS: null, url: null, name: "", file: null });
    this.#sending = null;
    this.#player.removeAttribute("src");
    this.#player.load();
    this.#picker.value = this.#link.value = "";
    this.complain("");
    show(find(".sending", this.#root), false);
    this.#showChosen(false);
    this.#onChange();
  }

  #showChosen(chosen) {
    show(find(".drop", this.#root), !chosen);
    show(find(".link", this.#root), !chosen);
    show(find(".chosen", this.#root), chosen);
  }

  #facts(text) {
    find(".facts", this.#root).textContent = text;
  }
}

function decodeURIComponentSafely(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
