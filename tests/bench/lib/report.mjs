// The tables, in Markdown.
import { median, spread } from "./stats.mjs";
import { PEERS } from "./peers.mjs";

export function digits(value) {
  if (value >= 1000) return Math.round(value).toLocaleString("en");
  if (value >= 100) return value.toFixed(0);
  return value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

const ratio = (value) => (value >= 10 ? value.toFixed(0) : value.toFixed(2));

function figures(report, job, peer) {
  return report.runs.filter((run) => run.job === job && run.peer === peer);
}

/** Of each round for itself: only what ran side by side is compared. */
export function ratios(report, job, peer) {
  const raw = new Map(figures(report, job, "raw").map(({ round, figure }) => [round, figure]));
  return figures(report, job, peer).flatMap(({ round, figure }) => (raw.has(round) ? [figure / raw.get(round)] : []));
}

function cell(report, job, peer) {
  const of = figures(report, job, peer).map(({ figure }) => figure);
  if (of.length === 0) return "–";
  if (peer === "raw") {
    const { median: middle, least, most } = spread(of);
    return `${digits(middle)} (${digits(least)}–${digits(most)})`;
  }
  const to = spread(ratios(report, job, peer));
  const about = to.of === 1 ? "one round" : `${ratio(to.least)}–${ratio(to.most)}`;
  return `${digits(median(of))} [${ratio(to.median)}: ${about}]`;
}

const row = (cells) => `| ${cells.join(" | ")} |`;

function table(head, rows) {
  return [row(head), row(head.map(() => "---")), ...rows.map(row)].join("\n");
}

function marks(report) {
  let last = 0;
  const notes = [];
  const marked = report.peers.map((peer) => {
    const own = (PEERS[peer].notes ?? []).map((note) => {
      notes.push(`${++last}. ${note}`);
      return last;
    });
    return PEERS[peer].name + (own.length > 0 ? ` (${own.join(", ")})` : "");
  });
  return { marked, notes };
}

function sizeRow(report) {
  const kilobytes = (peer) => report.size[peer].gzip / 1000;
  return ["size of what the job needs, KB gzip", ...report.peers.map((peer) => `${digits(kilobytes(peer))}`)];
}

function countTables(report) {
  return Object.entries(report.counts ?? {}).map(([work, byPeer]) => {
    const peers = report.peers.filter((peer) => byPeer[peer]);
    const kinds = [...new Set(peers.flatMap((peer) => Object.keys(byPeer[peer])))].sort((one, other) => order(one) - order(other) || (one < other ? -1 : 1));
    const rows = kinds.map((kind) => [kind, ...peers.map((peer) => (byPeer[peer][kind] ?? 0).toLocaleString("en"))]);
    return `${work[0].toUpperCase()}${work.slice(1)}:\n\n${table(["", ...peers.map((peer) => PEERS[peer].name)], rows)}`;
  });
}

const order = (kind) => (kind.startsWith("transactions") ? 0 : kind.startsWith("bytes") ? 2 : 1);

function growthTable(report) {
  return Object.entries(report.growth ?? {}).map(([curve, byPeer]) => {
    const peers = report.peers.filter((peer) => byPeer[peer]);
    const counts = [...new Set(peers.flatMap((peer) => Object.keys(byPeer[peer]).map(Number)))].sort((one, other) => one - other);
    const rows = peers.map((peer) => [PEERS[peer].name, ...counts.map((count) => (byPeer[peer][count] ? digits(median(byPeer[peer][count])) : "–"))]);
    return table([curve, ...counts.map((count) => count.toLocaleString("en"))], rows);
  });
}

function wire(report) {
  const run = report.runs.find(({ job, peer }) => job === "reconcile" && peer === "landfall");
  if (!run) return [];
  const { requests, sentBytes, receivedBytes } = run.said.wire;
  const megabytes = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`;
  return [
    `Landfall's reconcile of ${(run.said.parents * 6).toLocaleString("en")} records is ${requests} requests, ${megabytes(sentBytes)} out and ${megabytes(receivedBytes)} back.`,
  ];
}

/** What the records beside cost each: its own database without them is 1. */
function beside(report) {
  const [empty, full] = ["reconcile", "beside"].map((job) => (peer) => figures(report, job, peer).map(({ figure }) => figure));
  const able = report.peers.filter((peer) => empty(peer).length > 0 && full(peer).length > 0);
  if (able.length === 0) return [];
  const times = able.map((peer) => `${PEERS[peer].name} ${ratio(median(full(peer)) / median(empty(peer)))}`);
  return [`Reconcile beside the unrelated records, as a multiple of the same contestant's without them: ${times.join(", ")}.`];
}

/** The whole, as it stands in docs/performance.md. */
export function markdown(report) {
  const { marked, notes } = marks(report);
  const rows = report.jobs.map(({ job, title, more }) => [`${title}${more ? " (more is better)" : ""}`, ...report.peers.map((peer) => cell(report, job, peer))]);
  const parts = [
    table(["job", ...marked], [...rows, sizeRow(report)]),
    "Median of the runs (smallest–largest); for the others in brackets the ratio to raw of the same round: median, smallest–largest.",
    ...notes,
    ...report.failed.map(({ what, peer, error }) => `Not done: ${what}, ${PEERS[peer].name}: ${error.split("\n")[0]}`),
    ...beside(report),
    ...wire(report),
    ...(report.counts ? ["### What is asked of IndexedDB", ...countTables(report)] : []),
    ...(report.growth ? ["### Growth", ...growthTable(report)] : []),
  ];
  return parts.join("\n\n");
}
