// The benchmark: every contestant does every job, in turns that a seed mixes, so that whatever else the machine does falls
// on all of them. `cargo xtask bench` says what to run, in BENCH.
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { cpus } from "node:os";
import { join } from "node:path";
import process from "node:process";

import { openBrowser } from "../e2e/lib/browser.mjs";
import { measureAll } from "./lib/measure.mjs";
import { Pages } from "./lib/pages.mjs";
import { markdown } from "./lib/report.mjs";
import { serve } from "./lib/site.mjs";
import { trace } from "./lib/trace.mjs";
import { writeDocs } from "./lib/write.mjs";

const options = JSON.parse(process.env.BENCH);
const file = join(options.out, "results.json");

/** After each job, too: a run that is stopped has not been in vain. */
async function save(report) {
  await mkdir(options.out, { recursive: true });
  await writeFile(file, JSON.stringify(report, null, 1));
}

async function inBrowser(work) {
  const server = await serve(options.site);
  const browser = await openBrowser({});
  // Contestants may log what they like.
  browser.expects(/./);
  try {
    return await work(browser, new Pages(browser, server.url));
  } finally {
    await browser.dispose();
    server.close();
  }
}

function measured() {
  return inBrowser((browser, pages) => {
    const about = {
      date: new Date().toISOString(),
      chromium: browser.context.browser()?.version() ?? "",
      cores: cpus().length,
      seed: options.seed,
      versions: options.versions,
    };
    return measureAll(pages, options, about, save);
  });
}

async function traced() {
  const peers = options.peers.length > 0 ? options.peers : ["landfall"];
  await inBrowser(async (_, pages) => {
    for (const peer of peers) console.log(`\n${await trace(pages, peer, options.seed)}`);
  });
}

async function reported() {
  const report = options.again ? JSON.parse(await readFile(file, "utf8")) : await measured();
  console.log(`\n${markdown(report)}`);
  if (options.write) await writeDocs(report, options.docs);
  if (report.failed.length > 0) process.exitCode = 1;
}

await (options.trace ? traced() : reported());
