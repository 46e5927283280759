/** Quantities in words. */

const DATE = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const AGO = new Intl.RelativeTimeFormat("en", { numeric: "auto" });

/** 4.44 → "4.4 s", 75 → "1 min 15 s". */
export function duration(seconds) {
  if (seconds < 59.95) return `${seconds < 10 ? Number(seconds.toFixed(1)) : Math.round(seconds)} s`;
  const whole = Math.round(seconds);
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  if (hours) return minutes ? `${hours} h ${minutes} min` : `${hours} h`;
  return rest && minutes < 10 ? `${minutes} min ${rest} s` : `${minutes} min`;
}

/** As exact as a forecast can be: 13 → "about 15 s", 47 → "about 50 s", 200 → "about 3½ min". */
export function roughly(seconds) {
  if (seconds < 5) return "a few seconds";
  if (seconds <= 50) return `about ${Math.ceil(seconds / 5) * 5} s`;
  const halves = Math.round(seconds / 30);
  if (halves < 20) return `about ${Math.floor(halves / 2) || ""}${halves % 2 ? "½" : ""} min`;
  return `about ${duration(Math.round(seconds / 60) * 60)}`;
}

/** 75.2 → "1:15". */
export function clock(seconds) {
  const whole = Math.floor(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

export function bytes(count) {
  if (count < 1e6) return `${Math.max(1, Math.round(count / 1e3))} kB`;
  return count < 1e9 ? `${(count / 1e6).toFixed(1)} MB` : `${(count / 1e9).toFixed(2)} GB`;
}

export function percent(share) {
  return `${Math.floor(share * 100)} %`;
}

/** "0.150000" → "$0.15"; fractions of a cent stay. */
export function money(usd) {
  const amount = Number(usd);
  return `$${Number.isInteger(Math.round(amount * 1e6) / 1e4) ? amount.toFixed(2) : String(amount)}`;
}

export function ago(iso, now = Date.now()) {
  const seconds = (now - Date.parse(iso)) / 1000;
  if (seconds < 60) return "just now";
  if (seconds < 3600) return AGO.format(-Math.floor(seconds / 60), "minute");
  if (seconds < 86_400) return AGO.format(-Math.floor(seconds / 3600), "hour");
  return DATE.format(Date.parse(iso));
}

export function plural(count, one, many = `${one}s`) {
  return `${count} ${count === 1 ? one : many}`;
}

export function sentence(words) {
  return words.charAt(0).toUpperCase() + words.slice(1);
}
