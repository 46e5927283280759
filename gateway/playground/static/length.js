/** What a length policy makes of a video and a voice of different lengths. */

import { duration } from "./format.js";

const SAME_S = 0.1;
const STRETCH_LIMIT = 4;

/** What will happen, in a sentence; empty while a length is unknown. */
export function consequence(policy, videoS, voiceS) {
  if (!videoS || !voiceS) return "";
  if (Math.abs(videoS - voiceS) < SAME_S) return "Both are equally long.";
  return voiceS > videoS ? whenVoiceIsLonger(policy, videoS, voiceS) : whenVideoIsLonger(policy, videoS, voiceS);
}

/** The time in the original of the frame that the dubbed video shows at `time`. */
export function timeInOriginal(policy, time, originalS, dubbedS) {
  if (!originalS) return time;
  if (policy === "stretch" && dubbedS) return (time * originalS) / dubbedS;
  if (policy !== "loop" && policy !== "bounce") return Math.min(time, originalS);
  const pass = Math.floor(time / originalS);
  const within = time - pass * originalS;
  return policy === "bounce" && pass % 2 ? originalS - within : within;
}

/** Whether the original, played forwards from `time`, stays with the dubbed video. */
export function runsForwards(policy, time, originalS) {
  return policy !== "bounce" || !originalS || Math.floor(time / originalS) % 2 === 0;
}

function whenVoiceIsLonger(policy, videoS, voiceS) {
  const longer = `The voice is ${duration(voiceS - videoS)} longer`;
  switch (policy) {
    case "bounce":
      return `${longer}: the video plays backwards and forwards until it ends.`;
    case "loop":
      return `${longer}: the video starts again until it ends.`;
    case "cut":
      return `${longer}: its last ${duration(voiceS - videoS)} are cut.`;
    case "silence":
      return `${longer}: what the video has no pictures for is cut.`;
    default:
      return stretched(videoS, voiceS);
  }
}

function whenVideoIsLonger(policy, videoS, voiceS) {
  const longer = `The video is ${duration(videoS - voiceS)} longer`;
  if (policy === "silence") return `${longer}: it ends in silence.`;
  if (policy === "stretch") return stretched(videoS, voiceS);
  return `${longer}: it ends with the voice.`;
}

function stretched(videoS, voiceS) {
  const factor = videoS / voiceS;
  const speed = `The video plays at ${Math.round(factor * 100)} % of its speed`;
  return factor > STRETCH_LIMIT || factor < 1 / STRETCH_LIMIT ? `${speed}: more than four-fold is refused.` : `${speed}.`;
}
