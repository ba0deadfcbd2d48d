// Puts the last full run into docs/performance.md, between its two marks, and its plots beside it.
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { plot } from "./plot.mjs";
import { markdown } from "./report.mjs";
import { spread } from "./stats.mjs";

const BEGIN = "<!-- cargo xtask bench writes from here -->";
const END = "<!-- to here -->";
const FOLDER = "performance";

const fileOf = (curve) => `${FOLDER}/${curve.split(",")[0].replaceAll(/\W+/g, "-")}.svg`;

function intro({ about: { date, chromium, cores, seed, repeats, versions }, runs }) {
  const load = spread(runs.map((run) => run.load));
  const named = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return `${date.slice(0, 10)}, Chromium ${chromium}, ${cores} cores with other work on them (load average ${load.least.toFixed(0)} to ${load.most.toFixed(0)}), ${repeats} rounds at most, seed ${seed}. ${named.join(", ")}.`;
}

export async function writeDocs(report, docs) {
  const page = join(docs, "performance.md");
  const text = await readFile(page, "utf8");
  const [before, rest] = text.split(BEGIN);
  const after = rest?.split(END)[1];
  if (after === undefined) throw new Error(`${page} has no place for the table.`);
  await mkdir(join(docs, FOLDER), { recursive: true });
  const plots = [];
  for (const [curve, byPeer] of Object.entries(report.growth ?? {})) {
    if (Object.keys(byPeer).length === 0) continue;
    await writeFile(join(docs, fileOf(curve)), plot(curve, byPeer));
    plots.push(`![${curve}](${fileOf(curve)})`);
  }
  const written = [intro(report), markdown(report), ...plots].join("\n\n");
  await writeFile(page, `${before}${BEGIN}\n\n${written}\n\n${END}${after}`);
}
