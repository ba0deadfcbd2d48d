// A curve a contestant, both axes logarithmic: what does not grow lies flat, what is linear rises by the diagonal.
import { PEERS } from "./peers.mjs";
import { digits } from "./report.mjs";
import { median } from "./stats.mjs";

const [WIDTH, HEIGHT] = [520, 330];
const AREA = { left: 62, right: 402, top: 40, bottom: 282 };
const COLOURS = { raw: "#57606a", dexie: "#0969da", pouchdb: "#8250df", rxdb: "#bf3989", tanstack: "#9a6700", landfall: "#cf222e" };

function scale(values, from, to) {
  const low = Math.floor(Math.log10(Math.min(...values)));
  const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(...values))));
  const at = (value) => from + ((Math.log10(value) - low) / (high - low)) * (to - from);
  return { at, marks: Array.from({ length: high - low + 1 }, (_, step) => 10 ** (low + step)) };
}

const text = (x, y, content, more = "") => `<text x="${x}" y="${y}" ${more}>${content}</text>`;
const line = (x1, y1, x2, y2) => `<line x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}" stroke="#d0d7de"/>`;

/** Names beside the ends of the curves, none over another. */
function labels(ends) {
  let last = AREA.top - 12;
  return ends
    .sort((one, other) => one.y - other.y)
    .map(({ peer, y }) => {
      last = Math.max(y + 4, last + 14);
      return text(AREA.right + 8, last.toFixed(1), PEERS[peer].name, `fill="${COLOURS[peer]}"`);
    });
}

export function plot(title, byPeer) {
  const curves = Object.entries(byPeer).map(([peer, bySize]) => ({
    peer,
    points: Object.entries(bySize).map(([size, values]) => [Number(size), Math.max(median(values), 0.001)]),
  }));
  const x = scale(curves.flatMap(({ points }) => points.map(([size]) => size)), AREA.left, AREA.right);
  const y = scale(curves.flatMap(({ points }) => points.map(([, value]) => value)), AREA.bottom, AREA.top);
  const parts = [
    text(AREA.left, 22, title, 'font-weight="600" fill="#1f2328"'),
    ...x.marks.map((mark) => line(x.at(mark), AREA.top, x.at(mark), AREA.bottom) + text(x.at(mark), AREA.bottom + 18, mark.toLocaleString("en"), 'text-anchor="middle"')),
    ...y.marks.map((mark) => line(AREA.left, y.at(mark), AREA.right, y.at(mark)) + text(AREA.left - 8, y.at(mark) + 4, mark < 1 ? String(mark) : digits(mark).replace(/\.0+$/, ""), 'text-anchor="end"')),
    text((AREA.left + AREA.right) / 2, HEIGHT - 8, "records on the device", 'text-anchor="middle"'),
  ];
  for (const { peer, points } of curves) {
    const places = points.map(([size, value]) => [x.at(size).toFixed(1), y.at(value).toFixed(1)]);
    const width = peer === "landfall" ? 2.5 : 1.5;
    parts.push(`<polyline fill="none" stroke="${COLOURS[peer]}" stroke-width="${width}" points="${places.map((place) => place.join(",")).join(" ")}"/>`);
    parts.push(...places.map(([cx, cy]) => `<circle cx="${cx}" cy="${cy}" r="2.5" fill="${COLOURS[peer]}"/>`));
  }
  parts.push(...labels(curves.map(({ peer, points }) => ({ peer, y: y.at(points.at(-1)[1]) }))));
  const font = 'font-family="system-ui, sans-serif" font-size="12" fill="#57606a"';
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" ${font} role="img" aria-label="${title}">\n<rect width="100%" height="100%" fill="#fff"/>\n${parts.join("\n")}\n</svg>\n`;
}
