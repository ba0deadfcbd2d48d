// How values read on the screen.

// Empty, null and absent are one empty value.
export const same = (a, b) => String(a ?? "") === String(b ?? "");

const short = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const clock = new Intl.DateTimeFormat(undefined, { timeStyle: "short" });
const days = new Intl.DateTimeFormat(undefined, { weekday: "short", day: "numeric", month: "short", timeZone: "UTC" });
const numbers = new Intl.NumberFormat();

// The instance writes UTC as "2026-11-23 04:37:12"; the library may answer ISO.
function toDate(value) {
  if (!value) return undefined;
  const text = String(value);
  const date = new Date(/^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}$/.test(text) ? `${text.replace(" ", "T")}Z` : text);
  return Number.isNaN(date.getTime()) ? undefined : date;
}

export const toInstanceTime = (date) => date.toISOString().slice(0, 19).replace("T", " ");

export function ago(value, now = Date.now()) {
  const date = toDate(value);
  if (!date) return "";
  const minutes = Math.floor((now - date.getTime()) / 60_000);
  if (minutes < 1) return "now";
  if (minutes < 60) return `${minutes} min`;
  if (minutes < 24 * 60) return `${Math.floor(minutes / 60)} h`;
  if (minutes < 7 * 24 * 60) return `${Math.floor(minutes / 1440)} d`;
  return short.format(date).replace(/,? \d{2}:\d{2}.*$/, "");
}

// A calendar day, the same in every time zone.
export const day = (value) => (/^\d{4}-\d{2}-\d{2}/.test(value ?? "") ? days.format(new Date(`${value.slice(0, 10)}T00:00:00Z`)) : "");

export const moment = (value) => (toDate(value) ? full.format(toDate(value)) : "");

// The hour if it is today's, else the day.
export function when(value, now = new Date()) {
  const date = toDate(value);
  if (!date) return "";
  return date.toDateString() === now.toDateString() ? clock.format(date) : short.format(date);
}

export const number = (value) => numbers.format(value);

export const count = (n, one, many = `${one}s`) => `${number(n)} ${n === 1 ? one : many}`;

export function minutes(value) {
  const total = Number(value) || 0;
  const hours = Math.floor(total / 60);
  const rest = total % 60;
  if (!hours) return `${rest} min`;
  return rest ? `${hours} h ${rest} min` : `${hours} h`;
}

export function bytes(value) {
  if (value < 1e6) return `${number(Math.ceil(value / 1e3))} kB`;
  if (value < 1e9) return `${number(Math.round(value / 1e5) / 10)} MB`;
  return `${number(Math.round(value / 1e8) / 10)} GB`;
}

export const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

// First and last hex digits are enough to tell two temporary ids apart by eye.
export const shortId = (id) => (id.length > 16 ? `${id.slice(0, 8)}…${id.slice(-4)}` : id);

export const isTemporary = (id) => id.startsWith("tmp_");

// A caret would end the condition it stands in.
export const queryText = (text) => text.replaceAll("^", " ").trim();

// "JFK John F Kennedy Intl" and "John F Kennedy Intl (JFK)" both put a code on a sign.
export function airport(name) {
  const front = /^([A-Z0-9]{3,4})(?:[\s·:–-]+(.+))?$/.exec(name);
  if (front) return { code: front[1], name: front[2] ?? "" };
  const back = /^(.+?)\s*\(([A-Z0-9]{3,4})\)$/.exec(name);
  return back ? { code: back[2], name: back[1] } : { code: "", name };
}
