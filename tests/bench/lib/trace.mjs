// The transactions of each job in a row: `cargo xtask bench --trace`.

const WORK = [
  ["three creates, one by one, then the check", "singles", { count: 3 }],
  ["2 × 1,000 creates, then the check", "bulk", { count: 2_000, per: 1_000 }],
  ["1,000 of the instance's records", "seed", { count: 1_000 }],
  ["three equality queries", "queries", { count: 1_000, times: 2 }],
  ["100 parents with 500 children: made, reconciled, checked", "reconcile", { first: 0, parents: 100, children: 5 }],
];
/** These go on with the database of the job before. */
const SAME = new Set(["queries"]);

function lines(transactions) {
  const told = transactions.map(({ mode, strict, asked }) => {
    const what = Object.entries(asked).map(([name, count]) => `${count.toLocaleString("en")} ${name}`);
    return `${mode}${strict ? ", strict" : ""}: ${what.join(", ")}`;
  });
  const merged = [];
  for (const line of told) {
    const last = merged.at(-1);
    if (last?.line === line) last.times += 1;
    else merged.push({ line, times: 1 });
  }
  return merged.map(({ line, times }) => `  ${times > 1 ? `${times} × ` : ""}${line}`);
}

export async function trace(pages, peer, seed) {
  const text = [`# ${peer}`];
  let name;
  for (const [title, job, options] of WORK) {
    if (!SAME.has(job)) name = pages.name(peer);
    const transactions = await pages.with(peer, { name, script: "trace.js" }, async (run, page) => {
      await page.evaluate(() => globalThis.transactions.splice(0));
      await run(job, { seed, ...options });
      return page.evaluate(() => globalThis.transactions);
    });
    text.push("", `## ${title}: ${transactions.length} transactions`, ...lines(transactions));
  }
  return text.join("\n");
}
