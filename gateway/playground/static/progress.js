/** How far a job is and how long it still takes, from what its stages tell. */

export const STAGES = ["preprocess", "denoise", "composite"];
const WEIGHTS = { preprocess: 0.1, denoise: 0.8, composite: 0.1 };
const WINDOW_S = 30;
const SHORTEST_MEASURE_S = 2;
const STALLED_S = 20;

class StageProgress {
  #before = 0; // parts done before we listened
  #shares = new Map();
  #samples = [];

  /** `parts`: how many the stage has; null while that is not known. */
  constructor(parts) {
    this.parts = parts;
  }

  snapshot({ done, parts }) {
    this.parts = parts ?? this.parts;
    this.#samples = []; // what was missed is no pace
    if (this.parts) this.#before = Math.max(this.#before, done * this.parts - this.#heard());
  }

  advance({ part, done, parts }, now) {
    this.parts = parts ?? this.parts;
    this.#shares.set(part, Math.max(done, this.#shares.get(part) ?? 0));
    this.#samples.push([now, this.amount]);
    while (this.#samples.length > 2 && now - this.#samples[0][0] > WINDOW_S) this.#samples.shift();
  }

  /** Parts done, fractions counted. */
  get amount() {
    const amount = this.#before + this.#heard();
    return this.parts ? Math.min(amount, this.parts) : amount;
  }

  get share() {
    return this.parts ? this.amount / this.parts : null;
  }

  /** Seconds until the stage ends at the pace of the last half minute; null while there is no telling. */
  left(now) {
    if (this.parts === null) return null;
    const [since, amount] = this.#samples[0] ?? [];
    const [last, reached] = this.#samples.at(-1) ?? [];
    if (!(last - since >= SHORTEST_MEASURE_S) || reached <= amount) return null;
    return Math.max(0, ((this.parts - reached) * (last - since)) / (reached - amount) - (now - last));
  }

  #heard() {
    return [...this.#shares.values()].reduce((sum, share) => sum + share, 0);
  }
}

export class Progress {
  #stages = new Map(STAGES.map((name) => [name, new StageProgress(name === "preprocess" ? 1 : null)]));
  #shown = 0;
  #lastNews = null;

  /** Takes over what a job's record says. */
  snapshot(job) {
    for (const entry of job.progress ?? []) this.#stages.get(entry.stage)?.snapshot(entry);
  }

  /** Takes over one event; `now` in seconds. */
  advance(event, now) {
    this.#lastNews = now;
    this.#stages.get(event.stage)?.advance(event, now);
  }

  stage(name) {
    return this.#stages.get(name);
  }

  /** 0 to 1, never falling; null before anything has begun. */
  get share() {
    let sum = 0;
    for (const [name, stage] of this.#stages) sum += WEIGHTS[name] * (stage.share ?? 0);
    this.#shown = Math.max(this.#shown, sum);
    return this.#shown > 0 ? this.#shown : null;
  }

  /** The stage to name to people; null before anything has begun. */
  get current() {
    if (this.#stages.get("denoise").share >= 1) return "composite";
    return ["denoise", "preprocess"].find((name) => this.#stages.get(name).amount > 0) ?? null;
  }

  /** Seconds until the mouth is drawn, which is most of the work; then until what comes after is done. */
  left(now) {
    const denoise = this.#stages.get("denoise");
    return (denoise.share >= 1 ? this.#stages.get("composite") : denoise).left(now);
  }

  /** True when work has begun and nothing was heard for a while. */
  isStalled(now) {
    return this.#lastNews !== null && now - this.#lastNews > STALLED_S;
  }
}
