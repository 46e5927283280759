/** Puts the page together. */

import { CodePanel } from "./code_panel.js";
import { Composer } from "./composer.js";
import { find } from "./dom.js";
import { History } from "./history.js";
import { Policy } from "./policy.js";
import { SignIn } from "./sign_in.js";
import { Stage } from "./stage.js";

let api = null;
const originals = new Map(); // by job: where its video can be played from, while this page is open

const code = new CodePanel();
const stage = new Stage(() => past.refresh());
const composer = new Composer({ onSend: send, onChange: (asked) => code.show(asked) });
const past = new History({ onOpen: open, onDelete: forget });
const policy = new Policy();
const signIn = new SignIn(changeCaller);

find("#again").addEventListener("click", () => {
  composer.adopt(stage.job.parameters);
  composer.focus();
});
find("#delete-open").addEventListener("click", () => past.remove(stage.job.id));
addEventListener("hashchange", () => signIn.start());
await signIn.start();

function changeCaller(newApi, me) {
  api = stage.api = newApi;
  past.api = policy.api = newApi;
  composer.signedIn(newApi, me);
  const id = new URLSearchParams(location.hash.slice(1)).get("job");
  if (api && id) open(id);
}

async function send(request, idempotencyKey, video) {
  const job = await guarded(api.create(request, idempotencyKey));
  originals.set(job.id, video.file ? URL.createObjectURL(video.file) : video.url);
  show(job);
  past.refresh();
}

async function open(id) {
  try {
    show(await guarded(api.job(id)));
  } catch (problem) {
    find("#history-error").textContent = problem.message;
    remember(null);
  }
}

function show(job) {
  remember(job.id);
  stage.open(job, originals.get(job.id) ?? job.input?.video_url ?? null);
}

function forget(id) {
  originals.delete(id);
  if (stage.job?.id !== id) return;
  stage.clear();
  remember(null);
}

/** Keeps the open job in the address, so that reloading the page comes back to it. */
function remember(id) {
  history.replaceState(null, "", id ? `#job=${id}` : location.pathname + location.search);
}

/** Signs out when the key has expired or was revoked meanwhile. */
async function guarded(answer) {
  try {
    return await answer;
  } catch (problem) {
    if (problem.status === 401) signIn.end(problem.message);
    throw problem;
  }
}
