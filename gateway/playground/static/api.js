/** The gateway's native API. Whatever goes wrong is a `Problem` whose message is one sentence for the reader. */

import { eventsOf } from "./event_stream.js";

const BASE = "/v1alpha";
const AWAY = "The server cannot be reached. Check the connection and try again.";

export class Problem extends Error {
  constructor(status, code, sentence) {
    super(sentence);
    this.status = status;
    this.code = code;
  }

  get isAway() {
    return this.status === 0 || this.status >= 502;
  }
}

export class Api {
  #key;

  constructor(key) {
    this.#key = key;
  }

  me = () => this.#json("GET", "/me");
  policy = () => this.#json("GET", "/policy");
  estimate = (request, signal) => this.#json("POST", "/estimate", { body: request, signal });
  create = (request, idempotencyKey) =>
    this.#json("POST", "/jobs", { body: request, headers: { "Idempotency-Key": idempotencyKey } });
  job = (id) => this.#json("GET", `/jobs/${id}`);
  jobs = (cursor, limit) => this.#json("GET", `/jobs?${new URLSearchParams({ limit, ...(cursor && { cursor }) })}`);
  cancel = (id) => this.#json("POST", `/jobs/${id}/cancel`);
  report = (id) => this.#json("GET", `/jobs/${id}/report`);
  faces = (source, signal) => this.#json("GET", `/faces?${new URLSearchParams({ source })}`, { signal });

  async remove(id) {
    await this.#fetch("DELETE", `/jobs/${id}`);
  }

  /** The job's events from now on; ends when the job or the connection does. */
  async *events(id, signal) {
    const answer = await this.#fetch("GET", `/jobs/${id}/events`, { headers: { Accept: "text/event-stream" }, signal });
    try {
      yield* eventsOf(answer);
    } catch (error) {
      throw signal.aborted ? error : new Problem(0, "away", AWAY);
    }
  }

  /** Sends a file; `onShare` hears how much of it has left, 0 to 1. */
  upload(file, { onShare, signal }) {
    const form = new FormData();
    form.append("file", file, file.name);
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest(); // fetch does not tell how much it has sent
      request.open("POST", `${BASE}/uploads`);
      request.setRequestHeader("Authorization", `Bearer ${this.#key}`);
      request.responseType = "json";
      request.upload.onprogress = (event) => event.lengthComputable && onShare(event.loaded / event.total);
      request.onload = () =>
        request.status < 300 ? resolve(request.response) : reject(problemFrom(request.status, request.response));
      request.onerror = () => reject(new Problem(0, "away", AWAY));
      request.onabort = () => reject(signal.reason);
      signal.addEventListener("abort", () => request.abort());
      request.send(form);
    });
  }

  async #json(method, path, options) {
    return (await this.#fetch(method, path, options)).json();
  }

  async #fetch(method, path, { body, headers = {}, signal } = {}) {
    const init = { method, signal, headers: { Authorization: `Bearer ${this.#key}`, ...headers } };
    if (body) {
      init.body = JSON.stringify(body);
      init.headers["Content-Type"] = "application/json";
    }
    let answer;
    try {
      answer = await fetch(BASE + path, init);
    } catch (error) {
      throw signal?.aborted ? error : new Problem(0, "away", AWAY);
    }
    if (answer.ok) return answer;
    throw problemFrom(answer.status, await answer.json().catch(() => null));
  }
}

function problemFrom(status, body) {
  const sentence = body?.detail ?? body?.title ?? `The server answered with status ${status} and no explanation.`;
  return new Problem(status, body?.code ?? "unknown", sentence);
}
