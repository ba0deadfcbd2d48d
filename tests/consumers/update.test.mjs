// A new build of the app, and of the package, while the worker of the older one is sending: in every order nothing is lost,
// nothing is done twice, and nobody hangs.
import assert from "node:assert/strict";
import { copyFile } from "node:fs/promises";
import { join } from "node:path";
import { before, test } from "node:test";

import { until, untilEqual } from "../e2e/lib/wait.mjs";
import { twoBuilds } from "./lib/builds.mjs";
import { aWorld, call, hasDevice } from "./lib/consumers.mjs";
import { emptyPage } from "./lib/folders.mjs";
import { ServiceWorkers } from "./lib/service-workers.mjs";
import { startSite } from "./lib/site.mjs";

const world = aWorld();
let builds;

before(async () => {
  // The newer app has another table, and one less: what is unsent of that goes all the same.
  builds = await twoBuilds("vite-sw", (options) => options.replace(/incident_task: .*/, "wm_task: {},"));
});

/** What may happen while an answer is on its way, each once. */
const STEPS = {
  async deployed({ site, page }) {
    site.folder = builds.newer;
    await page.evaluate(async () => {
      const registration = await navigator.serviceWorker.ready;
      await registration.update();
    });
    await until("the newer worker waits", () => page.evaluate(async () => (await navigator.serviceWorker.ready).waiting?.state === "installed"));
  },
  /** The older worker is still at work: it is replaced when that has ended, or it is killed. */
  "takes over": ({ page }) => call(page, "takeOver"),
  killed: ({ workers }) => workers.stop(),
  answered: ({ answer }) => answer(),
  /** As after Shift and reload: the newer page, whichever worker there is. */
  async "new page"(day) {
    const page = await world.browser.page();
    day.pages.push(page);
    const session = await page.context().newCDPSession(page);
    await session.send("Network.enable");
    await session.send("Network.setBypassServiceWorker", { bypass: true });
    await page.goto(day.site.url);
    await hasDevice(page);
    day.newer = page;
  },
  async "old page closed"(day) {
    await day.page.close();
    day.pages.splice(day.pages.indexOf(day.page), 1);
    day.page = day.newer;
  },
};

/** A newer worker can be asked in only when it is there, and only by a page that is. */
const FIRST = { "takes over": ["deployed"], "new page": ["deployed"], "old page closed": ["new page", "takes over"] };

function orders(left, done = []) {
  if (left.length === 0) return [done];
  const next = left.filter((step) => (FIRST[step] ?? []).every((one) => done.includes(one)));
  return next.flatMap((step) => orders(left.filter((one) => one !== step), [...done, step]));
}

async function aDay(t) {
  const site = await startSite(builds.older, world.instance);
  const page = await world.browser.page(site.url);
  const day = { site, page, pages: [page], written: [], of: site.url.split(":").at(-1) };
  t.after(async () => {
    for (const one of day.pages) await one.close();
    await site.stop();
  });
  await hasDevice(page);
  // The first visit is no worker's: a newer one would not have to wait for it.
  await page.reload();
  await hasDevice(page);
  const other = await world.browser.standIn();
  t.after(() => other.close());
  day.workers = await ServiceWorkers.of(other, site.url);
  return day;
}

/** A record, a change of the first one, and an entry of its journal: by each page that is open. */
async function write(day, words) {
  for (const [at, page] of day.pages.entries()) {
    const said = `${day.of}: ${words} ${at}`;
    await page.evaluate(
      async ([first, said]) => {
        const { sys_id } = await db.table("incident").create({ short_description: said });
        await db.table("incident").update(first ?? sys_id, { description: said });
        await db.table("incident").update(first ?? sys_id, { work_notes: said });
        globalThis.made = sys_id;
      },
      [day.first, said],
    );
    day.first ??= await page.evaluate(() => made);
    day.written.push(said);
  }
}

async function allGoes(day) {
  await call(day.page, "send");
  for (const page of day.pages) await untilEqual("nothing is unsent", () => page.evaluate(async () => (await db.status()).pending), 0, { within: 60_000 });
}

async function play(t, order) {
  const { instance } = world;
  const day = await aDay(t);
  await write(day, "before");
  const task = `${day.of}: a task`;
  await day.page.evaluate(([first, task]) => db.table("incident_task").create({ incident: first, short_description: task }), [day.first, task]);
  day.answer = day.site.hold();
  await call(day.page, "send");
  await until("it is on its way", () => day.site.asked("/api/now/").some(({ method }) => method === "POST"));

  for (const step of order) {
    await STEPS[step](day);
    await write(day, step);
  }

  await allGoes(day);
  // The older worker ends when nothing is asked of it for a while, unless it is being debugged, as it is here.
  await day.workers.stop();
  await untilEqual("only the newer build's files are kept", () => day.page.evaluate(async () => (await caches.keys()).length), 1);
  await write(day, "by the newer one alone");
  await allGoes(day);

  const [first] = await instance.rows("incident", `short_description=${day.written[0]}`);
  const there = (await instance.rows("incident", `short_descriptionSTARTSWITH${day.of}: `)).map((row) => row.short_description);
  assert.deepEqual(there.sort(), [...day.written].sort());
  const entries = (await instance.rows("sys_journal_field", `element_id=${first.sys_id}`)).map((row) => row.value);
  assert.deepEqual(entries.sort(), [...day.written].sort());
  assert.equal(first.description, day.written.at(-1));
  const tasks = await instance.rows("incident_task", `short_description=${task}`);
  assert.deepEqual(tasks.map((row) => row.incident), [first.sys_id]);
  for (const page of day.pages) assert.deepEqual(await page.evaluate(async () => (await db.audit()).orphans), []);
}

test("a newer build is deployed, and its worker waits: the older one, started anew, sends with the files it has kept", async (t) => {
  const day = await aDay(t);
  await STEPS.deployed(day);
  await day.workers.stop();
  await write(day, "by the older one");
  await allGoes(day);
  assert.equal(await day.page.evaluate(async () => (await navigator.serviceWorker.ready).waiting?.state), "installed");
});

test("the module of one build under the JavaScript of another: open() says so", async (t) => {
  const { site, page } = await emptyPage(t, world, "mixed");
  await copyFile(join(builds.package, "wasm_bg.wasm"), join(site.folder, "landfall/wasm_bg.wasm"));
  const opened = page.evaluate(async () => {
    const { open } = await import("./landfall/landfall.js");
    return open({ name: "mixed", user: "tech.demo", instance: { url: "/api/now" }, tables: {} }).then(() => "opened", ({ code, retryable }) => [code, retryable]);
  });
  assert.deepEqual(await opened, ["not_loaded", true]);
});

const all = orders(Object.keys(STEPS));
const wanted = process.env.LANDFALL_FULL ? all : all.filter((_, at) => at % 8 === 0);

for (const order of wanted) test(order.join(", "), (t) => play(t, order));
