// Who does what, in which order, how often.
import { loadavg } from "node:os";

import { countAll } from "./counts.mjs";
import { grow } from "./growth.mjs";
import { applies, JOBS, keep, KEPT, title } from "./jobs.mjs";
import { PEERS } from "./peers.mjs";
import { sizeOf } from "./size.mjs";
import { shuffler } from "./stats.mjs";

const QUICK = { bulk: 1_000, per: 100, singles: 50, parents: 100, kept: 500, queries: 20 };
const FULL = { bulk: 10_000, per: 1_000, singles: 500, parents: 2_000, kept: 100_000, queries: 200 };

const tell = (text) => console.log(`    ${text}`);

/** Gives the report; `save` is given it as it grows. */
export async function measureAll(pages, options, about, save) {
  const { seed, repeats, quick } = options;
  const sizes = { ...(quick ? QUICK : FULL), ...(options.parents && { parents: options.parents }) };
  const steps = quick ? [100] : [1_000, 10_000, 100_000, ...(options.million ? [1_000_000] : [])];
  const isWanted = (job) => options.only.length === 0 || options.only.includes(job);
  const jobs = Object.keys(JOBS).filter(isWanted);
  const peers = Object.keys(PEERS).filter((peer) => options.peers.length === 0 || peer === "raw" || options.peers.includes(peer));
  const mix = shuffler(seed);
  const report = {
    about: { ...about, repeats },
    sizes,
    jobs: jobs.map((job) => ({ job, title: title(job, sizes), more: JOBS[job].more === true })),
    peers,
    runs: [],
    size: Object.fromEntries(peers.map((peer) => [peer, sizeOf(options.site, peer)])),
    kept: {},
    failed: [],
  };

  /** What cannot be done is said in the table; the others go on. */
  async function attempt(what, peer, work) {
    try {
      return await work();
    } catch (error) {
      report.failed.push({ what, peer, error: error.message });
      tell(`${what}: ${error.message}`);
      return undefined;
    }
  }

  async function keepAll() {
    for (const peer of mix(peers)) {
      report.kept[peer] = await attempt(`${sizes.kept} records`, peer, () => keep(pages, peer, { seed, count: sizes.kept }));
      if (report.kept[peer]) tell(`${sizes.kept} records  ${peer}: ${(report.kept[peer].ms / 1000).toFixed(1)} s`);
      await save(report);
    }
  }

  async function turn(job, round) {
    const able = peers.filter((peer) => applies(job, peer) && (!JOBS[job].kept || report.kept[peer]));
    for (const peer of mix(able)) {
      const given = { seed: seed + round, sizes, round, kept: report.kept[peer] };
      const result = await attempt(`${job}, round ${round + 1}`, peer, () => JOBS[job].run(pages, peer, given));
      if (!result) continue;
      report.runs.push({ job, peer, round, load: loadavg()[0], ...result });
      tell(`${job} ${round + 1}  ${peer}: ${result.figure.toFixed(2)}`);
    }
    await save(report);
  }

  if (jobs.some((job) => JOBS[job].kept)) await keepAll();
  for (let round = 0; round < repeats; round++) {
    for (const job of jobs) if (round < (JOBS[job].most ?? repeats)) await turn(job, round);
    await pages.empty([KEPT]);
  }
  if (isWanted("counts")) report.counts = await countAll(pages, peers, { seed, attempt });
  await save(report);
  if (isWanted("growth")) {
    const given = { seed, steps, mix, attempt, tell, rounds: quick ? 1 : 2, kept: report.kept, save: () => save(report) };
    await grow(pages, peers, (report.growth = {}), given);
  }
  return report;
}
