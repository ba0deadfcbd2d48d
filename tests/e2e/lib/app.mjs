// The field app over an instance: opened, used as its user does, and asked what it knows.
import { test } from "node:test";

import { NO_NETWORK, openBrowser } from "./browser.mjs";
import { startInstance } from "./instance.mjs";
import { Requests } from "./requests.mjs";
import { until } from "./wait.mjs";

/** The page of the app that does not list thousands of records again with each that is saved. */
export const QUIET = "#/status";

/** One test in both modes: an instance with Landfall's extras, and one that behaves as ServiceNow does. */
export function both(name, body, options = {}) {
  for (const plain of [false, true]) {
    test(`${name} (${plain ? "plain" : "extras"})`, options, async (t) => body(t, await startApp(t, { plain, ...options })));
  }
}

/** An instance, a browser, and the app open in it; all gone when the test ends. `prepare` comes before it opens. */
export async function startApp(t, { plain = false, seed, device, prepare = () => {} } = {}) {
  const { instance, browser } = await startBoth(t, { plain, seed, device });
  const app = new App(instance, browser, plain);
  await prepare(app);
  await app.open();
  await app.isReady();
  return app;
}

/** An instance and a browser that has not been there yet. The browser goes first: nobody misses an instance then. */
export async function startBoth(t, { plain, seed, device } = {}) {
  const instance = await startInstance({ plain, seed });
  const browser = await openBrowser(device);
  t.after(async () => {
    try {
      await browser.dispose();
    } finally {
      await instance.dispose();
    }
  });
  browser.expects(NO_NETWORK);
  return { instance, browser };
}

export class App {
  #hurries = false;

  constructor(instance, browser, plain) {
    Object.assign(this, { instance, browser, plain, address: instance.url, requests: new Requests(browser.context) });
  }

  url(hash = "") {
    return `${this.address}/${this.plain ? "?plain" : ""}${hash}`;
  }

  /** A page with the app in it; the first is `page`. */
  async open(hash) {
    this.page = await this.browser.page(this.url(hash));
    await this.page.waitForFunction(() => globalThis.landfall);
    return this.page;
  }

  /** The app in a browser that was closed or killed, over the same profile. `prepare` has the page before the app. */
  async reopen(hash, prepare = () => {}) {
    await this.browser.open();
    this.requests = new Requests(this.browser.context);
    this.page = await this.browser.page();
    await prepare(this.page);
    await this.page.goto(this.url(hash));
    await this.page.waitForFunction(() => globalThis.landfall);
  }

  async reload() {
    await this.page.reload();
    await this.page.waitForFunction(() => globalThis.landfall);
  }

  /** The shell is kept, the service worker has the page, and the first refresh is done: the network may go. */
  async isReady(page = this.page) {
    await page.evaluate(() => navigator.serviceWorker.ready);
    await page.waitForFunction(() => navigator.serviceWorker.controller?.state === "activated");
    // Some ten thousand records where the instance has the demo's, and two cores may have other work.
    await until("the first refresh", () => page.evaluate(async () => (await landfall.status()).lastSyncAt), { within: 180_000 });
  }

  go(hash) {
    return this.page.evaluate((to) => (location.hash = to), hash);
  }

  /** What a hook of the page is on, the only one in view. */
  seen(hook) {
    return this.page.locator(`[data-test="${hook}"]:visible`);
  }

  /** Fills the form that is open, hook by hook, and saves it. */
  async save(fields) {
    for (const [name, value] of Object.entries(fields)) await this.seen(`field-${name}`).fill(String(value));
    await this.seen("save").click();
    await this.seen("form").waitFor({ state: "detached" });
  }

  /** The id in the address, as soon as it is the address of a record. */
  shownId() {
    return until("a record's address", async () => /^#\/\w+\/((?!new)\w+)$/.exec(await this.page.evaluate(() => location.hash))?.[1]);
  }

  status() {
    return this.page.evaluate(() => landfall.status());
  }

  audit() {
    return this.page.evaluate(() => landfall.audit());
  }

  outbox() {
    return this.page.evaluate(() => landfall.outbox.list());
  }

  get(table, id) {
    return this.page.evaluate(([from, sysId]) => landfall.table(from).get(sysId), [table, id]);
  }

  rows(table, query) {
    return this.page.evaluate(([from, wanted]) => landfall.table(from).query(wanted), [table, query]);
  }

  create(table, fields) {
    return this.page.evaluate(([to, values]) => landfall.table(to).create(values), [table, fields]);
  }

  update(table, id, changes) {
    return this.page.evaluate(([of, sysId, values]) => landfall.table(of).update(sysId, values), [table, id, changes]);
  }

  /** The library's own word on every temporary id: none is left where it should not be. */
  async orphans() {
    return (await this.audit()).orphans;
  }

  /** From here on the pages send, not the service worker, whose line and clock are others; and `putForward` has minutes pass at once. */
  async pagesSend() {
    this.#hurries = true;
    await this.browser.context.addInitScript(() => delete globalThis.ServiceWorkerRegistration?.prototype.sync);
    await this.browser.context.clock.install();
    await this.reload();
  }

  /**
   * Where something was lost on its way to a plain instance, and waits a minute before it is asked about, that passes at
   * once after `pagesSend`. Not while somebody sends, whose patience with the instance would end as well; and nothing for a
   * line that brings a request over late, which is what the minute is for.
   */
  async putForward() {
    if (!this.#hurries || !(await this.outbox()).some(({ state, nextAttemptAt }) => state === "unknown" && nextAttemptAt)) return;
    const isIdle = await this.page.evaluate(async () => {
      const [{ name }] = await indexedDB.databases();
      return new Promise((resolve) => {
        const held = navigator.locks.request(`landfall/1/${name}/sender`, { ifAvailable: true }, (lock) => {
          resolve(Boolean(lock));
          return lock && new Promise((letGo) => (globalThis.letGo = letGo));
        });
        // Who waits for it may take it away: a minute is longer than a sender may be silent.
        held.catch(() => {});
      });
    });
    if (!isIdle) return;
    await this.page.clock.fastForward(61_000);
    await this.page.evaluate(() => letGo());
  }

  /**
   * Everything is on the instance, by itself: nobody presses a button here. What was lost on its way to a plain instance
   * waits a minute before it goes again, which `putForward` shortens.
   */
  async landsByItself({ within = 120_000 } = {}) {
    await until("an empty outbox", async () => {
      const { pending, temporary, syncing } = await this.status();
      if (pending === 0 && temporary === 0 && !syncing) return true;
      await this.putForward();
      return false;
    }, { within });
  }
}
