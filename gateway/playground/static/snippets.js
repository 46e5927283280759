/** The present request as code: for this gateway's own API, and for client libraries people already use. */

const DEFAULTS = { variant: "1", length: "bounce", speaker: "largest", guidance_scale: 1.5, steps: 20, seed: 1247 };
const SYNC_MODES = { cut: "cut_off", loop: "loop", bounce: "bounce", silence: "silence", stretch: "remap" };
const LOOP_MODES = { loop: "loop", bounce: "pingpong" };
const CONSENT = { attested_by: "YOUR NAME", basis: "contract" };
const KEY = 'os.environ["LIPSTAGE_API_KEY"]';

/** What each library's API can say of our parameters; the rest is left to the server. */
export const LANGUAGES = [
  { id: "curl", name: "curl", code: curl, says: Object.keys(DEFAULTS) },
  { id: "python", name: "Python", code: python, says: Object.keys(DEFAULTS) },
  { id: "wavespeed", name: "WaveSpeed", code: wavespeed, says: [] },
  { id: "fal", name: "fal", code: fal, says: ["guidance_scale", "seed", "length"] },
  { id: "replicate", name: "Replicate", code: replicate, says: ["guidance_scale", "seed"] },
  { id: "sync", name: "sync.so", code: sync, says: ["length"] },
];

/** Names of the parameters that were changed but that the library's API has no word for. */
export function unsaid({ says }, parameters) {
  return Object.keys(DEFAULTS).filter((name) => parameters[name] !== DEFAULTS[name] && !says.includes(name));
}

function curl({ video, audio, parameters, label }, origin) {
  const clip = (name) => (isLink(name) ? shellQuoted(name) : `$(send ${shellQuoted(name)})`);
  const more = { parameters, ...(label && { label }), consent: CONSENT };
  const authorised = '-H "Authorization: Bearer $LIPSTAGE_API_KEY"';
  return `# needs jq, and LIPSTAGE_API_KEY to be set
send() {
  curl -fsS ${origin}/v1alpha/uploads ${authorised} -F "file=@\\"$1\\"" | jq -r .source
}
video=${clip(video)}
audio=${clip(audio)}
job=$(curl -fsS ${origin}/v1alpha/jobs ${authorised} \\
  -H "Content-Type: application/json" -d '{
  "video": "'"$video"'",
  "audio": "'"$audio"'",${JSON.stringify(more, null, 2).slice(1).replaceAll("'", "'\\''")}' | jq -r .id)
curl -fsSN ${origin}/v1alpha/jobs/$job/events ${authorised}
curl -fsS ${origin}/v1alpha/jobs/$job ${authorised} | jq -r '.output.url // .error.message'
`;
}

function python({ video, audio, parameters, label }, origin) {
  const asked = Object.entries(parameters).map(([name, value]) => `        ${name}=${quoted(value)},\n`);
  const consent = Object.entries(CONSENT).map(([name, value]) => `"${name}": ${quoted(value)}`);
  return `from lipstage.client import Lipstage

with Lipstage("${origin}") as lipstage:  # the key is in LIPSTAGE_API_KEY
    job = lipstage.dub(
        ${quoted(video)},
        ${quoted(audio)},
${asked.join("")}${label ? "        label=True,\n" : ""}        consent={${consent.join(", ")}},
    )
    lipstage.download(job, "dubbed.mp4")
`;
}

function wavespeed({ video, audio }, origin) {
  return `import os

from wavespeed import Client

client = Client(api_key=${KEY}, base_url="${origin}")
result = client.run(
    "bytedance/latentsync",
    {
        "video": ${clipAs("client.upload", video)},
        "audio": ${clipAs("client.upload", audio)},
    },
)
print(result["outputs"][0])
`;
}

function fal({ video, audio, parameters }, origin) {
  const { guidance_scale, seed, length } = parameters;
  const said = { guidance_scale, seed, loop_mode: LOOP_MODES[length] };
  return `import os

import fal_client
import fal_client.client as fal

fal.RUN_URL_FORMAT = "${origin}/fal/run/"
fal.QUEUE_URL_FORMAT = "${origin}/fal/queue/"
fal.REST_URL = "${origin}/fal/rest"
fal.CDN_URL = "${origin}/fal/cdn"

client = fal_client.SyncClient(key=${KEY})
result = client.subscribe(
    "fal-ai/latentsync",
    arguments={
        "video_url": ${clipAs("client.upload_file", video)},
        "audio_url": ${clipAs("client.upload_file", audio)},
${fields(said, 8)}
    },
)
print(result["video"]["url"])
`;
}

function replicate({ video, audio, parameters }, origin) {
  const { guidance_scale, seed } = parameters;
  return `import os

from replicate.client import Client

client = Client(api_token=${KEY}, base_url="${origin}")
output = client.run(
    "bytedance/latentsync",
    input={
        "video": ${opened(video)},
        "audio": ${opened(audio)},
${fields({ guidance_scale, seed }, 8)}
    },
)
print(output)
`;
}

function sync(asked, origin) {
  const { video, audio, parameters } = asked;
  const mode = SYNC_MODES[parameters.length];
  const create = [video, audio].every(isLink) ? syncOfLinks(video, audio, mode) : syncOfFiles(video, audio, mode);
  return `${create.imports}
client = Sync(base_url="${origin}", api_key=${KEY})
job = client.generations.${create.call}
while job.status in ("PENDING", "PROCESSING"):
    time.sleep(2)
    job = client.generations.get(job.id)
print(job.output_url or job.error)
`;
}

function syncOfLinks(video, audio, mode) {
  return {
    imports: `import os
import time

from sync import Sync
from sync.common import Audio, GenerationOptions, Video
`,
    call: `create(
    model="lipsync-2",
    input=[Video(url=${quoted(video)}), Audio(url=${quoted(audio)})],
    options=GenerationOptions(sync_mode="${mode}"),
)`,
  };
}

/** With files the library sends a form, and takes everything else in it only as text. */
function syncOfFiles(video, audio, mode) {
  const clips = Object.entries({ video, audio });
  const files = clips.filter(([, name]) => !isLink(name)).map(([kind, name]) => `    ${kind}=${opened(name)},\n`);
  const links = clips.filter(([, name]) => isLink(name)).map(([kind, name]) => `{"type": "${kind}", "url": ${quoted(name)}}`);
  return {
    imports: `import json
import os
import time

from sync import Sync
`,
    call: `create_with_files(
    model="lipsync-2",
${files.join("")}${links.map((link) => `    input=json.dumps([${link}]),\n`).join("")}    options=json.dumps({"sync_mode": "${mode}"}),
)`,
  };
}

function isLink(name) {
  return /^https?:/i.test(name);
}

function clipAs(call, name) {
  return isLink(name) ? quoted(name) : `${call}(${quoted(name)})`;
}

function opened(name) {
  return isLink(name) ? quoted(name) : `open(${quoted(name)}, "rb")`;
}

/** Entries of a Python dictionary, one a line; undefined values are left out. */
function fields(values, indent) {
  return Object.entries(values)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${" ".repeat(indent)}"${name}": ${quoted(value)},`)
    .join("\n");
}

/** JSON's strings and numbers are Python's too. */
function quoted(value) {
  return JSON.stringify(value);
}

function shellQuoted(text) {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
