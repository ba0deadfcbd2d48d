// The service worker of one origin, as the browser's own tools see it.
import { until } from "../../e2e/lib/wait.mjs";

export class ServiceWorkers {
  #session;
  #origin;
  #registration;

  /** `page` is any that stays open. */
  static async of(page, origin) {
    const workers = new ServiceWorkers();
    const session = await page.context().newCDPSession(page);
    const registered = new Promise((resolve) => {
      session.on("ServiceWorker.workerRegistrationUpdated", ({ registrations }) => {
        const ours = registrations.find(({ scopeURL }) => scopeURL.startsWith(origin));
        if (ours) resolve(ours.registrationId);
      });
    });
    await session.send("ServiceWorker.enable");
    workers.#session = session;
    workers.#origin = origin;
    workers.#registration = await registered;
    return workers;
  }

  /** Ends them, as the browser does with those that nothing was asked of for a while. */
  stop() {
    return this.#session.send("ServiceWorker.stopAllWorkers");
  }

  sync({ lastChance }) {
    return this.#session.send("ServiceWorker.dispatchSyncEvent", { origin: this.#origin, registrationId: this.#registration, tag: "landfall", lastChance });
  }

  /** What Background Sync is asked for. */
  tags(page) {
    return page.evaluate(async () => (await navigator.serviceWorker.ready).sync.getTags());
  }

  /** Posts a message and resolves when the worker, started for it, has been through its listeners. */
  async hears(page, message) {
    await page.evaluate(async (posted) => (await navigator.serviceWorker.ready).active.postMessage(posted), message);
    const running = await until("the worker runs", () => page.context().serviceWorkers().find((worker) => worker.url().startsWith(this.#origin)));
    await running.evaluate(() => {});
  }
}
