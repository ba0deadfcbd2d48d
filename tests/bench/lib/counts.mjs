// What each contestant asks of IndexedDB for the same work: the same on every machine, so it may be compared with last
// year's. In pages of their own, since counting takes time.

const WORK = {
  "create 1,000 in one transaction": ["bulk", { count: 1_000, per: 1_000 }],
  "create 10, one by one, in a new database": ["singles", { count: 10 }],
  "reconcile 100 parents with 500 children": ["reconcile", { first: 0, parents: 100, children: 5 }],
};

export async function countAll(pages, peers, { seed, attempt }) {
  const counted = {};
  for (const [work, [job, options]] of Object.entries(WORK)) {
    counted[work] = {};
    for (const peer of peers) {
      const counts = await attempt(`counts: ${work}`, peer, () =>
        pages.with(peer, { script: "counts.js" }, (run) => run("counted", job, { seed, ...options })),
      );
      if (counts) counted[work][peer] = counts;
    }
  }
  return counted;
}
