// The benchmark: every contestant does every job, in turns that a seed mixes, so that whatever else the machine does falls
// on all of them. `cargo xtask bench` says what to run, in BENCH.
import { mkdir, rm, writeFile } from "node:fs/promises";
import { cpus, loadavg } from "node:os";
import { join } from "node:path";
import process from "node:process";

import { openBrowser } from "../e2e/lib/browser.mjs";
import { countAll } from "./lib/counts.mjs";
import { grow } from "./lib/growth.mjs";
import { applies, JOBS, keep, KEPT, title } from "./lib/jobs.mjs";
import { Pages } from "./lib/pages.mjs";
import { PEERS } from "./lib/peers.mjs";
import { markdown } from "./lib/report.mjs";
import { serve } from "./lib/site.mjs";
import { sizeOf } from "./lib/size.mjs";
import { shuffler } from "./lib/stats.mjs";
import { writeDocs } from "./lib/write.mjs";

const options = JSON.parse(process.env.BENCH);
const { seed, repeats, quick, site, out } = options;
const jobs = Object.keys(JOBS).filter((job) => !options.only.length || options.only.includes(job));
const peers = Object.keys(PEERS).filter((peer) => !options.peers.length || peer === "raw" || options.peers.includes(peer));
const sizes = quick
  ? { bulk: 1_000, per: 100, singles: 50, parents: 100, kept: 1_000, queries: 20 }
  : { bulk: 10_000, per: 1_000, singles: 500, parents: 2_000, kept: 100_000, queries: 200 };
const steps = quick ? [100, 1_000] : [1_000, 10_000, 100_000, ...(options.million ? [1_000_000] : [])];

const server = await serve(site);
const browser = await openBrowser({});
const pages = new Pages(browser, server.url);
const mix = shuffler(seed);
const failed = [];
const runs = [];

function tell(text) {
  console.log(`    ${text}`);
}

/** What cannot be done is said in the table; the others go on. */
async function attempt(what, peer, work) {
  try {
    return await work();
  } catch (error) {
    failed.push({ what, peer, error: error.message });
    tell(`${what}: ${error.message}`);
    return undefined;
  }
}

async function keptOf(wanted) {
  const kept = {};
  if (!wanted) return kept;
  for (const peer of mix(peers)) {
    kept[peer] = await attempt(`${sizes.kept} records`, peer, () => keep(pages, peer, { seed, count: sizes.kept }));
    if (kept[peer]) tell(`${peer}: ${sizes.kept} records in ${(kept[peer].ms / 1000).toFixed(1)} s`);
  }
  return kept;
}

async function measure(job, round, kept) {
  for (const peer of mix(peers)) {
    if (!applies(job, peer) || (JOBS[job].kept && !kept[peer]) || failed.some(({ what, peer: who }) => what === job && who === peer)) continue;
    const result = await attempt(job, peer, () => JOBS[job].run(pages, peer, { seed: seed + round, sizes, round, kept: kept[peer] }));
    if (!result) continue;
    runs.push({ job, peer, round, load: loadavg()[0], ...result });
    tell(`${job} ${round + 1}/${repeats}  ${peer}: ${result.figure.toFixed(2)}`);
  }
}

let report;
try {
  const chromium = browser.context.browser()?.version() ?? "";
  const kept = await keptOf(jobs.some((job) => JOBS[job].kept));
  for (let round = 0; round < repeats; round++) {
    for (const job of jobs) if (round < (JOBS[job].most ?? repeats)) await measure(job, round, kept);
    await pages.empty([KEPT]);
  }
  const whole = options.only.length === 0;
  const counts = whole ? await countAll(pages, peers, { seed, sizes, attempt }) : undefined;
  const growth = whole || options.only.includes("growth") ? await grow(pages, peers, { seed, steps, mix, attempt, tell, rounds: quick ? 1 : 2, kept }) : undefined;
  const size = Object.fromEntries(peers.map((peer) => [peer, sizeOf(site, peer)]));
  const about = { date: new Date().toISOString(), chromium, cores: cpus().length, seed, repeats, versions: options.versions };
  report = { about, sizes, jobs: jobs.map((job) => ({ job, title: title(job, sizes), more: JOBS[job].more === true })), peers, runs, size, counts, growth, failed };
} finally {
  await browser.close();
  server.close();
}

await mkdir(out, { recursive: true });
await writeFile(join(out, "results.json"), JSON.stringify(report, null, 1));
console.log(`\n${markdown(report)}`);
if (options.write) await writeDocs(report, options.docs);
if (failed.length > 0) process.exitCode = 1;
