// A device that cannot keep what it is given, or an address where no instance is: said by name, and nothing is lost.
import assert from "node:assert/strict";
import { test } from "node:test";

import { barriers } from "./lib/accessibility.mjs";
import { both, startApp, startBoth } from "./lib/app.mjs";
import { PHONE } from "./lib/browser.mjs";
import { startPortal } from "./lib/portal.mjs";
import { until } from "./lib/wait.mjs";

const DATABASE = "landfall/landfall-field//api/now/tech.demo";

/** A page of the app's origin that has not opened the app. */
async function besideTheApp(t) {
  const { instance, browser } = await startBoth(t);
  browser.expects(/favicon\.ico/);
  return { instance, browser, beside: await browser.page(`${instance.url}/manifest.webmanifest`) };
}

const failure = (page) => page.locator('[data-test="failure"]').innerText();

test("a database made by a newer version is left as it is", async (t) => {
  const { instance, browser, beside } = await besideTheApp(t);
  const version = (asked) =>
    beside.evaluate(([name, wanted]) => new Promise((resolve, reject) => {
      const request = indexedDB.open(name, wanted);
      request.onupgradeneeded = () => request.result.createObjectStore("of_the_future").add("kept", 1);
      request.onerror = () => reject(request.error);
      request.onsuccess = () => {
        const { version: made, objectStoreNames } = request.result;
        request.result.close();
        resolve([made, ...objectStoreNames]);
      };
    }), [DATABASE, asked]);
  await version(99);

  const app = await browser.page(instance.url);
  assert.match(await failure(app), /A newer version of this app.*Code: database_newer/s);
  assert.deepEqual(await version(), [99, "of_the_future"]);
});

test("another page that will not let go is named, and waited for", async (t) => {
  const { instance, browser, beside } = await besideTheApp(t);
  await beside.evaluate((name) => new Promise((resolve, reject) => {
    const request = indexedDB.open(name, 1);
    request.onerror = () => reject(request.error);
    request.onsuccess = () => {
      // Deaf to `versionchange`: whoever wants another version waits behind this connection.
      globalThis.connection = request.result;
      indexedDB.deleteDatabase(name).onblocked = resolve;
    };
  }), DATABASE);

  const app = await browser.page(instance.url);
  assert.match(await failure(app), /Another tab.*Code: storage_blocked/s);
  await browser.screenshot(app, "storage-blocked");
  await beside.evaluate(() => connection.close());
  await app.getByRole("button", { name: "Try again" }).click();
  await app.waitForFunction(() => globalThis.landfall);
});

/** Enough for the app itself. Chromium looks anew only after half a minute, or when it is short: so, from the start. */
const SMALL = 4e6;

async function quota({ browser, instance }, quotaSize) {
  const page = await browser.standIn();
  const session = await browser.context.newCDPSession(page);
  await session.send("Storage.overrideQuotaForOrigin", { origin: instance.url, quotaSize });
  // It lasts as long as the session that asked for it.
  return () => page.close();
}

let lift;
const onSmallDevice = { prepare: async (app) => (lift = await quota(app, SMALL)) };

both("a full disk: nothing half-written, and well again when there is room", async (t, app) => {
  const { page, instance } = app;
  await page.evaluate(() => landfall.setMode("offline"));
  await app.create("incident", { short_description: "from before" });
  const before = await page.evaluate(async () => [await landfall.audit(), await landfall.outbox.list()]);
  const fill = () =>
    page.evaluate(() => {
      // Not larger each: Chromium keeps large values as files, which its own check does not count.
      const rows = Array.from({ length: 110 }, (_, at) => ({ short_description: `much ${at}`, description: "x".repeat(30_000) }));
      return landfall.table("incident").createMany(rows).then(() => "went through", ({ code, message, retryable }) => ({ code, message, retryable }));
    });

  const refused = await fill();
  assert.equal(refused.code, "storage_full", JSON.stringify(refused));
  assert.match(refused.message, /storage for this site is full/);
  assert.equal(refused.retryable, true);
  assert.deepEqual(await page.evaluate(async () => [await landfall.audit(), await landfall.outbox.list()]), before, "none of them is there");

  await lift();
  assert.equal(await fill(), "went through");
  await page.evaluate(() => landfall.setMode("auto"));
  await app.landsByItself();
  assert.equal((await instance.rows("incident")).length, 111);
}, onSmallDevice);

test("a full disk is said where the user is, who loses nothing of what was typed", async (t) => {
  const app = await startApp(t, { device: PHONE });
  const { page } = app;
  await page.evaluate(() => landfall.setMode("offline"));
  await app.go("#/incident/new");
  await app.seen("field-short_description").fill("Belt 4 stuck");
  await page.evaluate(() => {
    const { put } = IDBObjectStore.prototype;
    IDBObjectStore.prototype.put = () => { throw new DOMException("no room", "QuotaExceededError"); };
    globalThis.makeRoom = () => (IDBObjectStore.prototype.put = put);
  });
  await app.seen("save").click();
  await app.seen("form-problem").getByText(/Not saved\. This device has no room left/).waitFor();
  await app.browser.screenshot(page, "storage-full-phone");
  assert.deepEqual(await barriers(page), []);
  await page.evaluate(() => makeRoom());
  await app.seen("save").click();
  await app.seen("form").waitFor({ state: "detached" });
  assert.equal((await app.status()).pending, 1);
});

both("an address that answers HTML is no instance, and no loss", async (t, app) => {
  const { instance } = app;
  await instance.kill();
  const takeAway = await startPortal(instance.url);
  app.browser.expects(/is not an instance/);
  await app.reload();
  await app.page.evaluate(() => {
    globalThis.told = [];
    landfall.on("error", (error) => told.push(error));
  });
  const { sys_id } = await app.create("incident", { short_description: "behind the portal" });
  const report = await app.page.evaluate(() => landfall.sync());
  assert.equal(report.endedBy, "offline", JSON.stringify(report));
  assert.equal(report.remaining, 1);
  const [told] = await until("an error event", () => app.page.evaluate(() => told.length && told.map(({ code, message }) => ({ code, message }))));
  assert.equal(told.code, "not_an_instance", told.message);
  assert.equal((await app.get("incident", sys_id)).$sync.isTemporary, true);

  await takeAway();
  await instance.start();
  await app.landsByItself();
  assert.deepEqual((await instance.rows("incident")).map((row) => row.correlation_id), [sys_id]);
});
