// One page a contestant, always of the same browser; a job that hangs is given up.
import { fileURLToPath } from "node:url";

const MOST_MS = 20 * 60_000;

export class Pages {
  #browser;
  #url;
  #names = 0;
  #complaints = [];

  constructor(browser, url) {
    this.#browser = browser;
    this.#url = url;
    browser.context.on("weberror", (event) => this.#complaints.push(String(event.error().stack ?? event.error())));
  }

  /** A name that no database has yet. */
  name(peer) {
    return `${peer}-${++this.#names}`;
  }

  /** `work` is given what runs a job in a page over the database of this name. */
  async with(peer, { name = this.name(peer), durability, script }, work) {
    const page = await this.#browser.context.newPage();
    let timer;
    try {
      if (script) await page.addInitScript({ path: fileURLToPath(new URL(`../page/${script}`, import.meta.url)) });
      await page.goto(`${this.#url}/index.html?peer=${peer}`);
      await page.waitForFunction(() => globalThis.run !== undefined);
      const run = (job, ...options) => page.evaluate(([job, options]) => globalThis.run(job, ...options), [job, options]);
      await run("open", { name, durability });
      const late = new Promise((_, reject) => (timer = setTimeout(() => reject(new Error("It took more than 20 minutes.")), MOST_MS)));
      const result = await Promise.race([work(run, page), late]);
      await run("close");
      return result;
    } catch (error) {
      const said = this.#complaints.splice(0).join("\n");
      throw new Error(`${peer}: ${error.message}${said && `\n${said}`}`, { cause: error });
    } finally {
      clearTimeout(timer);
      await page.close();
    }
  }

  /** From the beginning of a navigation to the first record, in ms. */
  async open(peer, name, id) {
    const page = await this.#browser.context.newPage();
    try {
      await page.goto(`${this.#url}/open.html?${new URLSearchParams({ peer, name, id })}`);
      return (await page.evaluate(() => globalThis.opened)).ms;
    } finally {
      await page.close();
    }
  }

  /** Throws away what lies on disk under these names, so that no job runs beside another's leavings. */
  async empty(keep = []) {
    const page = await this.#browser.context.newPage();
    try {
      await page.goto(`${this.#url}/empty.html`);
      await page.evaluate(async (keep) => {
        for (const { name } of await indexedDB.databases()) {
          if (keep.some((kept) => name.includes(kept))) continue;
          await new Promise((resolve) => (indexedDB.deleteDatabase(name).onsuccess = resolve));
        }
      }, keep);
    } finally {
      await page.close();
    }
  }
}
