// A consumer: a folder of this one, built beside the packed package and nothing else, served, and used as a device.
import assert from "node:assert/strict";
import { execFile, fork } from "node:child_process";
import { once } from "node:events";
import { access, cp } from "node:fs/promises";
import { join } from "node:path";
import { after, before } from "node:test";
import { promisify } from "node:util";

import { NO_NETWORK, openBrowser } from "../../e2e/lib/browser.mjs";
import { startInstance } from "../../e2e/lib/instance.mjs";
import { until, untilEqual } from "../../e2e/lib/wait.mjs";
import { startSite } from "./site.mjs";

const SOURCES = join(import.meta.dirname, "..");
const PLACE = process.env.LANDFALL_CONSUMERS;

/** A browser and an instance for all the tests of a file: each consumer has an origin of its own. */
export function aWorld() {
  const world = {};
  before(async () => {
    world.instance = await startInstance();
    world.browser = await openBrowser();
    world.browser.expects(NO_NETWORK, /favicon/);
  });
  after(async () => {
    try {
      await world.browser.dispose();
    } finally {
      await world.instance.dispose();
    }
  });
  return world;
}

/** Runs node in a consumer's folder, where it finds nothing but what is installed there. Fails with what it printed. */
export async function node(folder, ...words) {
  await promisify(execFile)(process.execPath, words, { cwd: folder }).catch(({ message, stdout }) => {
    throw new Error(`${message}\n${stdout}`);
  });
}

const folders = new Map();

/**
 * The consumer's folder as it is to be served: beside the package as it is installed, and built if it has a build. `prepare` puts
 * more in it first.
 */
export function built(name, prepare) {
  if (!folders.has(name)) folders.set(name, build(name, prepare));
  return folders.get(name);
}

async function build(name, prepare) {
  const folder = await copied(name);
  await prepare?.(folder);
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

/** The consumer's folder, served on an origin of its own until the test ends. */
export async function served(t, world, folder, policy) {
  const site = await startSite(folder, world.instance, policy);
  t.after(() => site.stop());
  return site;
}

/** Its page, until the test ends. */
export async function opened(t, { browser }, url) {
  const page = await browser.page(url);
  t.after(() => page.close());
  await hasDevice(page);
  return page;
}

export const hasDevice = (page) => page.waitForFunction(() => "device" in globalThis);

/** The address of a consumer that is served by a process of its own: that is given the instance's, and sends its own. */
export async function servedBy(t, { instance }, folder, script) {
  const server = fork(script, [instance.url], { cwd: folder });
  t.after(() => server.kill());
  const [url] = await once(server, "message");
  return url;
}

/** A record is made with no instance there, and becomes one of the instance's. */
export async function landsARecord(page, { instance }, words) {
  await instance.kill();
  const id = await makes(page, words);
  await instance.start();
  await call(page, "send");
  await lands(page, instance, id, words);
}

export async function makes(page, words) {
  const id = await call(page, "make", words);
  assert.match(id, /^tmp_[0-9a-f]{32}$/);
  const { state, ...row } = await call(page, "look", id);
  assert.deepEqual(row, { sys_id: id, short_description: words, isTemporary: true });
  assert.notEqual(state, "synced");
  return id;
}

export async function lands(page, instance, id, words) {
  const there = await until("the record is on the instance", async () => (await instance.rows("incident", `correlation_id=${id}`))[0]);
  assert.match(there.sys_id, /^[0-9a-f]{32}$/);
  const landed = { sys_id: there.sys_id, short_description: words, state: "synced", isTemporary: false };
  await untilEqual("the device has the permanent id", () => call(page, "look", id), landed);
  assert.equal((await instance.rows("incident", `short_description=${words}`)).length, 1);
}

export const call = (page, name, argument) => page.evaluate(async ([asked, given]) => (await globalThis.device)[asked](given), [name, argument]);
