// A consumer: a folder of this one, built beside the packed package and nothing else, served, and used as a device.
import assert from "node:assert/strict";
import { execFile, fork } from "node:child_process";
import { once } from "node:events";
import { access, cp } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

import { until, untilEqual } from "../../e2e/lib/wait.mjs";
import { startSite } from "./site.mjs";

const SOURCES = join(import.meta.dirname, "..");
const PLACE = process.env.LANDFALL_CONSUMERS;

/** Runs node in a consumer's folder, where it finds nothing but what is installed there. Fails with what it printed. */
export async function node(folder, ...words) {
  await promisify(execFile)(process.execPath, words, { cwd: folder }).catch(({ message, stdout }) => {
    throw new Error(`${message}\n${stdout}`);
  });
}

/** Copies the consumer's sources to where the package is installed, and builds them if it has a build. Gives what is to be served. */
export async function built(name) {
  const folder = await copied(name);
  const dist = join(folder, "dist");
  if (await access(join(folder, "build.mjs")).then(() => true, () => false)) {
    await node(folder, "build.mjs");
    await cp(join(folder, "index.html"), join(dist, "index.html"), { force: false });
    return dist;
  }
  await cp(join(PLACE, "node_modules/landfall"), join(folder, "landfall"), { recursive: true });
  return folder;
}

export async function copied(name) {
  const folder = join(PLACE, name);
  await cp(join(SOURCES, name), folder, { recursive: true });
  await cp(join(SOURCES, "shared"), join(folder, "shared"), { recursive: true });
  return folder;
}

/** The consumer's page, served on an origin of its own until the test ends. */
export async function opened(t, world, folder, policy) {
  const site = await startSite(folder, world.instance, policy);
  t.after(site.close);
  return visited(t, world, site.url);
}

/** The same, served by a process of the consumer's own: it is given the instance's address, and sends its own. */
export async function openedBy(t, world, folder, script) {
  const server = fork(script, [world.instance.url], { cwd: folder });
  t.after(() => server.kill());
  const [url] = await once(server, "message");
  return visited(t, world, url);
}

async function visited(t, { browser }, url) {
  const page = await browser.page(url);
  t.after(() => page.close());
  await page.waitForFunction(() => "device" in globalThis);
  return page;
}

/** A record is made with no instance there, and becomes one of the instance's. */
export async function landsARecord(page, instance, words) {
  await instance.kill();
  const id = await call(page, "make", words);
  assert.match(id, /^tmp_[0-9a-f]{32}$/);
  assert.deepEqual(await call(page, "look", id), { sys_id: id, short_description: words, state: "local", isTemporary: true });

  await instance.start();
  await call(page, "send");
  const there = await until("the record is on the instance", async () => (await instance.rows("incident", `correlation_id=${id}`))[0]);
  const landed = { sys_id: there.sys_id, short_description: words, state: "synced", isTemporary: false };
  await untilEqual("the device has the permanent id", () => call(page, "look", id), landed);
  assert.match(there.sys_id, /^[0-9a-f]{32}$/);
  assert.equal((await instance.rows("incident", `short_description=${words}`)).length, 1);
}

const call = (page, name, argument) => page.evaluate(async ([asked, given]) => (await globalThis.device)[asked](given), [name, argument]);
