// How cost grows with what lies on the device.
import { keep } from "./jobs.mjs";
import { median } from "./stats.mjs";

/** Each in a fresh page over a database of so many records. */
const MEASURES = {
  "single create, ms": async (run, { seed }) => median((await run("singles", { seed: seed + 1, count: 50, verify: false })).times),
  "equality query of 50, ms": async (run, { count }) => median((await run("queries", { count, times: 20 })).times),
  "first page of 50, ms": async (run) => median((await run("firstPages", { times: 20 })).times),
  "count, ms": async (run, { count }) => median((await run("counting", { times: 10, least: count })).times),
};
const RECONCILE = "reconcile, µs a parent";
const OPEN = "cold open to first record, ms";
const CURVES = [...Object.keys(MEASURES), RECONCILE, OPEN];

/** Fills `curves`: curve → contestant → size → what was measured, each round a value. */
export async function grow(pages, peers, curves, { seed, steps, mix, attempt, tell, rounds, kept, save }) {
  for (const curve of CURVES) curves[curve] = {};
  const note = (curve, peer, count, value) => ((curves[curve][peer] ??= {})[count] ??= []).push(value);
  for (const count of steps) {
    for (const peer of mix(peers)) {
      await attempt(`growth, ${count}`, peer, async () => {
        const known = kept[peer]?.name.endsWith(`-${count}`) && kept[peer];
        const { name, first } = known || (await keep(pages, peer, { seed, count }));
        for (let round = 0; round < rounds; round++) {
          note(OPEN, peer, count, await pages.open(peer, name, first));
          for (const [curve, measure] of Object.entries(MEASURES).slice(1)) {
            note(curve, peer, count, await pages.with(peer, { name }, (run) => measure(run, { seed, count })));
          }
        }
        const said = await pages.with(peer, { name }, (run) => run("reconcile", { seed, first: 900_000, parents: 100, children: 5 }));
        note(RECONCILE, peer, count, (said.ms / said.parents) * 1000);
        // Last: what it makes stays unsent.
        const [[curve, measure]] = Object.entries(MEASURES);
        note(curve, peer, count, await pages.with(peer, { name }, (run) => measure(run, { seed, count })));
        tell(`growth, ${count}  ${peer}`);
      });
      await save();
    }
  }
}
