/** Original and dubbed video as one: synchronous, side by side or under a wipe. */

import { find, findAll, show } from "./dom.js";
import { clock } from "./format.js";
import { runsForwards, timeInOriginal } from "./length.js";

const JUMP_S = 0.25;
const DRIFT_S = 0.02;
const CORRECTION = 0.1;

export class Compare {
  #root;
  #dubbed;
  #original;
  #screen;
  #wipe;
  #seek;
  #policy = "cut";
  #loaded = 0;

  constructor(root) {
    this.#root = root;
    this.#screen = find(".screen", root);
    this.#dubbed = find(".dubbed video", root);
    this.#original = find(".original video", root);
    this.#wipe = find(".wipe", root);
    this.#seek = find(".seek", root);
    for (const button of findAll(".modes button", root)) {
      button.addEventListener("click", () => this.#setMode(button.dataset.mode));
    }
    this.#wipe.addEventListener("input", () => this.#showWipe());
    this.#seek.addEventListener("input", () => this.seek(this.#seek.valueAsNumber));
    find(".play", root).addEventListener("click", () => this.#toggle());
    find(".sound", root).addEventListener("click", () => this.#setSound(!this.#dubbed.muted));
    root.addEventListener("keydown", (event) => {
      if (event.key !== " " || event.target.closest("button")) return;
      event.preventDefault();
      this.#toggle();
    });
    for (const name of ["play", "pause", "ended"]) this.#dubbed.addEventListener(name, () => this.#showState());
    for (const name of ["seeked", "timeupdate"]) this.#dubbed.addEventListener(name, () => this.#follow());
    this.#dubbed.addEventListener("loadedmetadata", () => this.#fit());
    this.#original.addEventListener("loadedmetadata", () => this.#follow());
    this.#dubbed.addEventListener("error", () => show(find(".no-dubbed", root), this.#dubbed.hasAttribute("src")));
    this.#original.addEventListener("error", () => this.#original.getAttribute("src") && this.#withOriginal(false));
    this.#showWipe();
  }

  get videos() {
    return { dubbed: this.#dubbed, original: this.#original };
  }

  /** `original` may be null; `policy` is how the lengths were made to fit. */
  load(dubbed, original, policy) {
    this.#policy = policy;
    show(find(".no-dubbed", this.#root), false);
    this.#dubbed.src = dubbed;
    if (original) this.#original.src = original;
    this.#withOriginal(original !== null);
    this.#setSound(false);
    this.#showState();
    this.#everyFrame(++this.#loaded);
  }

  unload() {
    this.#loaded++;
    for (const video of [this.#dubbed, this.#original]) {
      video.pause();
      video.removeAttribute("src");
      video.load();
    }
  }

  seek(time) {
    this.#dubbed.currentTime = time;
    this.#root.scrollIntoView({ block: "nearest" });
  }

  /** Where the original is when the dubbed video is at `time`. */
  timeInOriginal(time) {
    return timeInOriginal(this.#policy, time, this.#original.duration, this.#dubbed.duration);
  }

  #withOriginal(there) {
    show(find(".no-original", this.#root), !there);
    show(find(".sound", this.#root), there);
    for (const button of findAll(".modes button", this.#root)) button.disabled = !there && button.dataset.mode !== "dubbed";
    this.#setMode(there ? "wipe" : "dubbed");
  }

  #setMode(mode) {
    this.#root.dataset.mode = mode;
    for (const button of findAll(".modes button", this.#root)) {
      button.setAttribute("aria-pressed", String(button.dataset.mode === mode));
    }
    show(this.#wipe, mode === "wipe");
  }

  #setSound(ofOriginal) {
    this.#dubbed.muted = ofOriginal;
    this.#original.muted = !ofOriginal;
    find(".sound", this.#root).setAttribute("aria-pressed", String(ofOriginal));
  }

  #toggle() {
    if (this.#dubbed.paused) this.#dubbed.play().catch(() => {});
    else this.#dubbed.pause();
  }

  #fit() {
    this.#screen.style.setProperty("--ratio", `${this.#dubbed.videoWidth} / ${this.#dubbed.videoHeight}`);
    this.#seek.max = this.#dubbed.duration;
    this.#showTime();
  }

  #showWipe() {
    this.#screen.style.setProperty("--wipe", `${this.#wipe.value}%`);
    this.#wipe.setAttribute("aria-valuetext", `${this.#wipe.value} % original`);
  }

  #showState() {
    const playing = !this.#dubbed.paused && !this.#dubbed.ended;
    this.#root.classList.toggle("playing", playing);
    find(".play", this.#root).setAttribute("aria-label", playing ? "Pause" : "Play");
    this.#follow();
  }

  #showTime() {
    const { currentTime, duration } = this.#dubbed;
    const words = `${clock(currentTime)} / ${clock(duration || 0)}`;
    this.#seek.value = currentTime;
    this.#seek.setAttribute("aria-valuetext", words);
    find(".clock", this.#root).textContent = words;
  }

  #everyFrame(load) {
    const next = (then) =>
      this.#dubbed.requestVideoFrameCallback ? this.#dubbed.requestVideoFrameCallback(then) : requestAnimationFrame(then);
    const frame = () => {
      if (load !== this.#loaded) return;
      this.#follow();
      next(frame);
    };
    next(frame);
  }

  /** Brings the original to the dubbed video's time: gently while it plays, at once otherwise. */
  #follow() {
    this.#showTime();
    const original = this.#original;
    if (!original.duration || !this.#dubbed.duration) return;
    const time = this.#dubbed.currentTime;
    const wanted = this.timeInOriginal(time);
    const plays = !this.#dubbed.paused && !this.#dubbed.ended && runsForwards(this.#policy, time, original.duration);
    const behind = wanted - original.currentTime;
    if (!plays) {
      original.pause();
      if (Math.abs(behind) > DRIFT_S / 2 && !original.seeking) original.currentTime = wanted;
      return;
    }
    if (Math.abs(behind) > JUMP_S && !original.seeking) original.currentTime = wanted;
    const pace = this.#policy === "stretch" ? original.duration / this.#dubbed.duration : 1;
    const correction = Math.abs(behind) > DRIFT_S ? Math.sign(behind) * CORRECTION : 0;
    original.playbackRate = Math.min(16, Math.max(0.0625, pace * (1 + correction)));
    if (original.paused && wanted < original.duration) original.play().catch(() => {});
  }
}
