// The jobs of the table: what runs, what its figure is, which figure is the better one. A figure is one number a run; what
// a job knows besides goes to the JSON.
import { median } from "./stats.mjs";

/** The databases that stay: their names begin so. */
export const KEPT = "kept-";

const p50 = ({ times }) => median(times);

export const JOBS = {
  bulk: {
    title: "bulk create, records/s",
    more: true,
    run: (pages, peer, { seed, sizes }) =>
      pages.with(peer, {}, async (run) => {
        const said = await run("bulk", { seed, count: sizes.bulk, per: sizes.per });
        return { figure: (said.count / said.ms) * 1000, said };
      }),
  },
  single: {
    title: "single create, p50 ms",
    run: (pages, peer, { seed, sizes }) =>
      pages.with(peer, {}, async (run) => ({ figure: p50(await run("singles", { seed, count: sizes.singles })) })),
  },
  strict: {
    title: "the same, strict",
    // Neither lets an app ask for it.
    not: ["pouchdb", "tanstack"],
    run: (pages, peer, { seed, sizes }) =>
      pages.with(peer, { durability: "strict" }, async (run) => ({ figure: p50(await run("singles", { seed, count: sizes.singles })) })),
  },
  reconcile: {
    title: "reconcile, {parents} × 5, µs a parent",
    most: 3,
    run: (pages, peer, { seed, sizes }) =>
      pages.with(peer, {}, async (run) => reconciled(await run("reconcile", { seed, first: 0, parents: sizes.parents, children: 5 }))),
  },
  beside: {
    title: "the same beside {kept} unrelated records",
    kept: true,
    // The database grows by what each run adds.
    most: 2,
    run: (pages, peer, { seed, sizes, round, kept }) =>
      pages.with(peer, { name: kept.name }, async (run) =>
        reconciled(await run("reconcile", { seed, first: (round + 1) * 100_000, parents: sizes.parents, children: 5 })),
      ),
  },
  query: {
    title: "query: equality, 50 of {kept}, p50 ms",
    kept: true,
    run: (pages, peer, { sizes, kept }) =>
      pages.with(peer, { name: kept.name }, async (run) => ({ figure: p50(await run("queries", { count: sizes.kept, times: sizes.queries })) })),
  },
  open: {
    title: "cold open to first record, {kept} on the device, ms",
    kept: true,
    run: async (pages, peer, { kept }) => ({ figure: await pages.open(peer, kept.name, kept.first) }),
  },
};

const reconciled = (said) => ({ figure: (said.ms / said.parents) * 1000, said });

/** The database that the later jobs are about: made once, and measured in passing. */
export async function keep(pages, peer, { seed, count }) {
  const name = `${KEPT}${peer}-${count}`;
  const { ms, first } = await pages.with(peer, { name }, (run) => run("seed", { seed, count }));
  return { name, first, ms };
}

export const applies = (job, peer) => !(JOBS[job].not ?? []).includes(peer);
export const title = (job, sizes) => JOBS[job].title.replace("{kept}", sizes.kept.toLocaleString("en")).replace("{parents}", sizes.parents.toLocaleString("en"));
