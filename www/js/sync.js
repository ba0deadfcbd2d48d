// One press: send, reconcile, pull. The button and the list's refresh share the run.
import { db, readStatus, status } from "./device.js";
import { reason } from "./reasons.js";
import { count } from "./text.js";
import { toast } from "./toasts.js";

let running;
let endedAt = 0;
let watchers = [];

// While the user's own run reports, nothing else needs to say the same.
export const reportsItself = () => Boolean(running) || Date.now() - endedAt < 1500;

export function watchSync(watcher) {
  watchers.push(watcher);
  watcher(running);
}

function tell(progress) {
  running = progress;
  for (const watcher of watchers) watcher(progress);
}

const endings = {
  offline: (left) => `The instance cannot be reached. ${left ? `${count(left, "change")} ${left === 1 ? "waits" : "wait"} on this device.` : "Nothing is waiting to be sent."}`,
  auth: (left) => `You are signed out of the instance. ${count(left, "change")} kept here until you sign in.`,
  backoff: (left) => `The instance asked to wait. ${count(left, "change")} will be sent later by itself.`,
  aborted: () => "Stopped. Whatever was not sent is still here.",
};

function sentence(report, { conflicts }) {
  if (endings[report.endedBy]) return endings[report.endedBy](report.remaining);
  const parts = [];
  if (report.sent) parts.push(`${count(report.sent, "change")} sent`);
  if (report.reconciled) parts.push(`${count(report.reconciled, "record")} landed`);
  if (report.refused) parts.push(`${report.refused} refused`);
  if (conflicts) parts.push(`${conflicts} changed by others, too`);
  if (report.waiting) parts.push(`${report.waiting} still waiting`);
  if (report.pulled) parts.push(`${count(report.pulled, "record")} refreshed`);
  return parts.length ? `${parts.join(", ")}.` : "Up to date.";
}

export async function syncNow() {
  if (running) return;
  if (status.mode === "offline") {
    toast("You chose to work offline. Turn that off under Status to send and refresh.", { href: "#/status", action: "Status" });
    return;
  }
  tell({ phase: "start", done: 0 });
  try {
    const report = await db.sync({ onProgress: tell });
    const now = await readStatus();
    const needsYou = report.refused > 0 || now.conflicts > 0;
    toast(sentence(report, now), { kind: needsYou ? "refused" : "note", ...(needsYou && { href: "#/outbox", action: "See why" }) });
  } catch (error) {
    toast(`Could not sync. ${reason(error)}`, { kind: "error" });
  } finally {
    endedAt = Date.now();
    tell(undefined);
    await readStatus();
  }
}

const phases = { start: "Syncing", push: "Sending", pull: "Refreshing", attachments: "Files" };

export const progressWords = ({ phase, done, total }) =>
  [phases[phase] ?? "Working", total ? `${done} of ${total}` : done ? String(done) : ""].filter(Boolean).join(" ");
