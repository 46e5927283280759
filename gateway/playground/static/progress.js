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
    if (this.share === null) return null;
    if (this.share >= 1) return 0;
    const [since, amount] = this.#samples[0] ?? [];
    const advanced = this.amount - amount;
    if (!(now - since >= SHORTEST_MEASURE_S) || advanced <= 0) return null;
    const last = this.#samples.at(-1)[0];
    return Math.max(0, ((this.parts - this.amount) * (last - since)) / advanced - (now - last));
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

  /** Seconds until the slowest stage ends. The stages overlap, so they are not added up. */
  left(now) {
    const denoise = this.#stages.get("denoise");
    const slowest = denoise.share === null || denoise.share < 1 ? denoise : this.#stages.get("composite");
    const left = slowest.left(now);
    // Until all chunks are known, drawing holds the search for faces back, so the search's pace is the job's.
    return left ?? (denoise.parts === null ? this.#stages.get("preprocess").left(now) : null);
  }

  /** True when work has begun and nothing was heard for a while. */
  isStalled(now) {
    return this.#lastNews !== null && now - this.#lastNews > STALLED_S;
  }
}
