// Chromium with a profile of its own, that can be closed and opened again as a person closes a browser.
import { mkdir, mkdtemp, readdir, readlink, rm, stat, truncate } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { chromium } from "playwright-core";

const ARGUMENTS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-dev-shm-usage",
  // What a fresh profile would otherwise ask of the network by itself.
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true, deviceScaleFactor: 2 };
export const DESKTOP = { viewport: { width: 1280, height: 800 } };

/** A browser over a new profile. */
export async function openBrowser(options = DESKTOP) {
  const browser = new Browser(await mkdtemp(join(tmpdir(), "landfall-profile-")), options);
  await browser.open();
  return browser;
}

class Browser {
  #profile;
  #options;
  #complaints = [];
  #expected = [];

  constructor(profile, options) {
    this.#profile = profile;
    this.#options = options;
  }

  /** Opens over the same profile: IndexedDB, caches and service workers are what they were. */
  async open() {
    this.context = await chromium.launchPersistentContext(this.#profile, {
      executablePath: process.env.LANDFALL_CHROMIUM,
      headless: true,
      // What it leaves behind when it is killed goes with the profile.
      env: { ...process.env, TMPDIR: this.#profile },
      args: ARGUMENTS,
      ...this.#options,
    });
    // Told by the context: pages opened later and service workers are heard too.
    this.context.on("console", (message) => {
      if (message.type() === "error") this.#complain(`${message.text()} (${message.location().url})`);
    });
    this.context.on("weberror", (event) => this.#complain(event.error().stack || String(event.error())));
  }

  async page(url) {
    const page = await this.context.newPage();
    if (url) await page.goto(url);
    return page;
  }

  /** A page of no site, which keeps the browser alive while the app has no page open. */
  standIn() {
    return this.context.newPage();
  }

  /** The network as seen by pages and service workers. Coming back online, Background Sync fires by itself. */
  async offline(away) {
    await this.context.setOffline(away);
  }

  /**
   * The browser has the service worker send, which by its clock does so a minute from now. Chromium's own next try may be
   * five minutes away. `page` is any that is open.
   */
  async aMinuteLater(page, origin) {
    for (const worker of this.context.serviceWorkers()) {
      await worker.evaluate(() => {
        const { now } = Date;
        Date.now = () => now() + 61_000;
      });
    }
    const session = await this.context.newCDPSession(page);
    const registered = new Promise((resolve) => {
      session.on("ServiceWorker.workerRegistrationUpdated", ({ registrations }) => {
        const ours = registrations.find(({ scopeURL }) => scopeURL.startsWith(origin));
        if (ours) resolve(ours.registrationId);
      });
    });
    await session.send("ServiceWorker.enable");
    await session.send("ServiceWorker.dispatchSyncEvent", { origin, registrationId: await registered, tag: "landfall", lastChance: false });
  }

  /** Console errors that match are part of the test, from now on. */
  expects(...patterns) {
    this.#expected.push(...patterns);
  }

  /** A picture of the page, for people: `target/screenshots/NAME.png`. */
  async screenshot(page, name) {
    const folder = process.env.LANDFALL_SCREENSHOTS;
    if (!folder) return;
    await mkdir(folder, { recursive: true });
    await page.screenshot({ path: join(folder, `${name}.png`) });
  }

  close() {
    return this.context.close();
  }

  /** As the system does when memory runs out: the whole process group at once, and nothing is finished. */
  async kill() {
    // Chromium's own note of which process has the profile; the driver started that one as the leader of a group.
    const [, leader] = /-(\d+)$/.exec(await readlink(join(this.#profile, "SingletonLock")));
    const gone = new Promise((resolve) => this.context.once("close", resolve));
    process.kill(-Number(leader), "SIGKILL");
    await gone;
  }

  /** Makes the killing one in the middle of a write: the last bytes of what IndexedDB wrote are not there. */
  async tearLastWrite() {
    const root = join(this.#profile, "Default/IndexedDB");
    const files = (await readdir(root, { recursive: true })).filter((name) => /leveldb\/\d+\.log$/.test(name)).sort();
    const log = join(root, files.at(-1));
    await truncate(log, (await stat(log)).size - 3);
  }

  /** Closes for good; throws if a page complained of anything that the test did not expect. */
  async dispose() {
    await this.context.close();
    await rm(this.#profile, { recursive: true, force: true });
    if (this.#complaints.length) throw new Error(`Pages complained:\n${this.#complaints.join("\n")}`);
  }

  #complain(text) {
    if (!this.#expected.some((pattern) => pattern.test(text))) this.#complaints.push(text);
  }
}

/** What Chromium itself logs for a request that met no network: the app cannot prevent it. */
// The last is how Chromium words it for a service worker's script, when it looks for a newer one in vain.
export const NO_NETWORK =
  /net::ERR_(INTERNET_DISCONNECTED|CONNECTION_REFUSED|CONNECTION_RESET|SOCKET_NOT_CONNECTED|FAILED|EMPTY_RESPONSE)|error occurred when fetching the script/;
