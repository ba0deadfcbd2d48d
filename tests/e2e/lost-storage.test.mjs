// The records are taken from under the app, by the browser or by a newer app: it says so, and goes on where it can.
import assert from "node:assert/strict";
import { test } from "node:test";

import { barriers } from "./lib/accessibility.mjs";
import { both, startApp, startBoth } from "./lib/app.mjs";
import { PHONE } from "./lib/browser.mjs";
import { until, untilEqual } from "./lib/wait.mjs";

const DATABASE = "landfall/landfall-field//api/now/tech.demo";

/** As when the device is short of room, or its user clears only this: every connection is closed by force. */
async function evict({ browser, instance }) {
  const page = await browser.standIn();
  const session = await browser.context.newCDPSession(page);
  await session.send("Storage.clearDataForOrigin", { origin: instance.url, storageTypes: "indexeddb" });
  await page.close();
}

/** A newer app in another tab: it upgrades the database, and keeps it. */
const newerApp = (page) =>
  page.evaluate((name) => new Promise((resolve, reject) => {
    const request = indexedDB.open(name, 99);
    request.onerror = () => reject(request.error);
    request.onsuccess = () => resolve();
  }), DATABASE);

const alarm = (page) => page.locator('[data-test="alarm"]');

async function look(app, page, name) {
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    await app.browser.screenshot(page, `${name}-${colorScheme}`);
    assert.deepEqual(await barriers(page), []);
  }
}

both("evicted under two open tabs: both say what is lost, and work goes on without a reload", async (t, app) => {
  const { instance, page } = app;
  const other = await app.open();
  for (const tab of [page, other]) {
    await tab.evaluate(() => {
      globalThis.told = [];
      landfall.on("evicted", (event) => told.push(event));
    });
  }
  await page.evaluate(() => landfall.setMode("offline"));
  const { sys_id: lost } = await app.create("incident", { short_description: "made before" });
  await app.create("incident_task", { incident: lost, short_description: "made before, too" });
  await page.evaluate((id) => (location.hash = `#/incident/${id}`), lost);

  await evict(app);
  for (const tab of [page, other]) {
    await untilEqual("the event, once", () => tab.evaluate(() => told.map(({ unsent }) => unsent)), [2]);
    assert.match(await alarm(tab).innerText(), /browser removed.*last seen on .*2 changes not sent\. That.*is lost/s);
  }
  await until("the record is gone from the screen", async () => !(await page.getByText("made before").count()));
  await page.evaluate(() => (location.hash = "#/incident"));
  await app.go("#/incident");
  await look(app, page, `evicted-desktop-${app.plain ? "plain" : "extras"}`);

  // The mode went with the database: it sends by itself again.
  const { sys_id } = await other.evaluate(() => landfall.table("incident").create({ short_description: "made after" }));
  await app.landsByItself();
  assert.deepEqual((await instance.rows("incident")).map((row) => row.correlation_id), [sys_id]);
  assert.deepEqual([await app.orphans(), await page.evaluate(() => told.length)], [[], 1]);

  await page.locator('[data-test="alarm-button"]').click();
  assert.equal(await alarm(page).isVisible(), false);
  await app.reload();
  assert.equal((await app.status()).evicted, undefined);
});

test("evicted while the app was closed: the next visit says so, once", async (t) => {
  const app = await startApp(t, { device: PHONE });
  await app.page.evaluate(() => landfall.setMode("offline"));
  await app.create("incident", { short_description: "lost" });
  await app.browser.standIn();
  await app.page.close();
  await evict(app);

  await app.open();
  await alarm(app.page).getByText(/with 1 change not sent/).waitFor();
  await look(app, app.page, "evicted-phone");
  await app.go("#/status");
  assert.match(await app.seen("evicted").innerText(), /1 change/);
  assert.equal((await app.status()).evicted.unsent, 1);
  await app.reload();
  assert.equal((await app.status()).evicted, undefined);
  assert.equal(await alarm(app.page).isVisible(), false);
});

test("a newer app has the records: this page says so, loses nothing, and can save no more", async (t) => {
  const app = await startApp(t, { device: PHONE });
  const { page, browser, instance } = app;
  // The service worker has it open too, and nobody there listens: it is printed.
  browser.expects(/favicon\.ico/, /newer version of the app/);
  await page.evaluate(() => landfall.setMode("offline"));
  await app.create("incident", { short_description: "saved before" });
  await app.go("#/incident/new");
  await app.seen("field-short_description").fill("being typed");

  const newer = await browser.page(`${instance.url}/manifest.webmanifest`);
  await newerApp(newer);
  await alarm(page).getByText(/newer version/).waitFor();
  await look(app, page, "superseded-phone");
  await app.seen("save").click();
  await app.seen("form-problem").getByText(/Not saved\. A newer version/).waitFor();
  assert.equal(await app.seen("field-short_description").inputValue(), "being typed");
  const kept = await newer.evaluate((name) => new Promise((resolve) => {
    indexedDB.open(name).onsuccess = ({ target: { result } }) => {
      result.transaction("records").objectStore("records").getAll().onsuccess = ({ target }) => resolve(target.result.map(({ body }) => body));
    };
  }), DATABASE);
  assert.equal(kept.filter((body) => body.includes("saved before")).length, 1);
  assert.equal(kept.filter((body) => body.includes("being typed")).length, 0);

  // This is still the older app.
  await page.locator('[data-test="alarm-button"]').click();
  await page.locator('[data-test="failure"]').getByText(/Code: database_newer/).waitFor();
  assert.equal(await page.getByRole("button", { name: "Reload" }).isVisible(), true);
  await look(app, page, "database-newer-phone");
});

test("deleted in another tab: this one says so", async (t) => {
  const app = await startApp(t);
  app.browser.expects(/database was closed/);
  const other = await app.open();
  await other.evaluate(() => landfall.deleteDatabase({ discardUnsent: true }));
  const [page] = app.browser.context.pages().filter((one) => one !== other && one.url().startsWith(app.instance.url));
  await alarm(page).getByText(/deleted in another tab/).waitFor();
  await page.locator('[data-test="alarm-button"]').click();
  await page.waitForFunction(() => globalThis.landfall?.table);
  await until("it works", async () => (await page.evaluate(() => landfall.status())).evicted === undefined);
});

/** The library in a page of the app's origin, without the app: nobody but this page opens the database. */
const openIn = (page) =>
  page.evaluate(async () => {
    const [{ open }, { options }] = await Promise.all([import("/landfall/landfall.js"), import("/options.js")]);
    globalThis.landfall = await open(options(false));
  });

/** Has the page say when it gets to one of the moments in which it is to be killed. */
const sayMoments = (page) =>
  page.evaluate(() => {
    const { open } = IDBFactory.prototype;
    IDBFactory.prototype.open = function (...args) {
      const request = open.apply(this, args);
      for (const moment of ["upgradeneeded", "success"]) request.addEventListener(moment, () => console.log(moment));
      return request;
    };
    const { put } = IDBObjectStore.prototype;
    IDBObjectStore.prototype.put = function (...args) {
      console.log("put");
      return put.apply(this, args);
    };
  });

const KILLS = process.env.LANDFALL_FULL ? 30 : 6;

test("killed while the database is first made: the next start finds it whole or not at all", async (t) => {
  const { instance, browser } = await startBoth(t);
  browser.expects(/favicon\.ico/);
  const states = [];
  for (let at = 0; at < KILLS; at += 1) {
    const page = await browser.page(`${instance.url}/manifest.webmanifest`);
    await sayMoments(page);
    const moment = ["upgradeneeded", "success", "put"][at % 3];
    const reached = page.waitForEvent("console", (message) => message.text() === moment);
    openIn(page).catch(() => {});
    await reached;
    await browser.kill();
    await browser.open();
    const next = await browser.page(`${instance.url}/manifest.webmanifest`);
    const left = await next.evaluate(async (name) => {
      if (!(await indexedDB.databases()).some((one) => one.name === name)) return "nothing";
      const request = indexedDB.open(name);
      // To look must not make one: an upgrade here means that there was none, whatever the list says.
      request.onupgradeneeded = () => request.transaction.abort();
      const found = await new Promise((resolve) => {
        request.onsuccess = () => resolve(true);
        request.onerror = () => resolve(false);
      });
      if (!found) return "nothing";
      const stores = [...request.result.objectStoreNames].join();
      request.result.close();
      return stores;
    }, DATABASE);
    states.push(left);
    assert.ok(["nothing", "aliases,meta,outbox,records"].includes(left), `left by a kill at ${moment}: “${left}”`);
    await openIn(next);
    const [audit, pending] = await next.evaluate(async () => {
      await landfall.setMode("offline");
      await landfall.table("incident").create({ short_description: "works" });
      const found = [await landfall.audit(), (await landfall.status()).pending];
      await landfall.deleteDatabase({ discardUnsent: true });
      return found;
    });
    assert.deepEqual([audit.orphans, audit.temporary, pending], [[], 1, 1]);
    await next.close();
  }
  t.diagnostic(`left by the kills: ${states.join("; ")}`);
});
