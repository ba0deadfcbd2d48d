// One of several devices that change the same records: it has a line only while it syncs, and the line may be cut, or the page
// be gone.
import { MEANWHILE } from "./colleague.mjs";

export const FIELDS = ["short_description", "description", "close_notes", "contact_type"];

/** A device of its own, in a browser of its own. `name` is its user's. */
export async function startSharer(browser, instance, name) {
  await browser.context.clock.install();
  // A page of no document asks for one.
  browser.expects(/favicon/, MEANWHILE);
  const sharer = new Sharer(await browser.page(`${instance.url}/manifest.webmanifest`), name, instance.plain ? false : "/api/landfall/v1");
  await sharer.open();
  return sharer;
}

/** In the page. */
async function openStore([user, extras, fields]) {
  const { default: init, open } = await import("/landfall/landfall.js");
  await init();
  globalThis.cut = undefined;
  /** The nth request of a run is lost on its way, or its answer is; or there is nobody left to hear it. */
  const line = async (...request) => {
    if (!globalThis.cut || --globalThis.cut.nth > 0) return fetch(...request);
    const { fate, pageGone } = globalThis.cut;
    globalThis.cut = undefined;
    if (fate !== "request lost") await fetch(...request);
    if (pageGone) {
      globalThis.gone();
      await new Promise(() => {});
    }
    throw new TypeError("Failed to fetch");
  };
  globalThis.store = await open({
    name: "shared",
    user,
    instance: { url: "/api/now", extras, fetch: line },
    auth: () => ({ "X-Landfall-User": user }),
    autoSync: false,
    tables: { incident: { journals: ["work_notes"], cache: {} } },
  });
  globalThis.fieldsOf = (row) => Object.fromEntries(fields.map((field) => [field, row[field] ?? ""]));
}

class Sharer {
  constructor(page, name, extras) {
    Object.assign(this, { page, name, extras });
  }

  open() {
    return this.page.evaluate(openStore, [this.name, this.extras, FIELDS]);
  }

  /** Sets the fields to `value`, in one write. Gives what they were, as this device saw it. */
  edit(id, fields, value) {
    return this.page.evaluate(([of, names, text]) => store.transaction(async (tx) => {
      const row = await tx.table("incident").get(of);
      await tx.table("incident").update(of, Object.fromEntries(names.map((name) => [name, text])));
      return names.map((name) => row[name] ?? "");
    }), [id, fields, value]);
  }

  note(id, text) {
    return this.page.evaluate(([of, work_notes]) => store.table("incident").update(of, { work_notes }).then(() => {}), [id, text]);
  }

  /** One run, long after the last: what was told then is not believed any more. Gives the report, and whether the line was cut. */
  async sync({ after, cut, pull = true }) {
    await this.page.clock.fastForward(after);
    return this.page.evaluate(async ([planned, pulls]) => {
      const gone = new Promise((resolve) => (globalThis.gone = () => resolve({ isGone: true })));
      globalThis.cut = planned;
      const report = await Promise.race([store.sync({ pull: pulls }), gone]);
      const wasCut = Boolean(planned) && !globalThis.cut;
      globalThis.cut = undefined;
      return { ...report, wasCut };
    }, [cut, pull]);
  }

  async reopen() {
    await this.page.reload();
    await this.open();
  }

  /** What is asked: by record, the values of both sides. */
  asked() {
    return this.page.evaluate(async () => {
      const rows = await store.table("incident").query("");
      const open = rows.filter((row) => row.$sync.state === "conflict");
      return open.map((row) => ({ id: row.sys_id, theirs: row.$sync.theirs, mine: Object.fromEntries(Object.keys(row.$sync.theirs).map((name) => [name, row[name] ?? ""])) }));
    });
  }

  settle(id, choice) {
    return this.page.evaluate(([of, said]) => store.table("incident").resolveConflict(of, said).then(() => {}), [id, choice]);
  }

  status() {
    return this.page.evaluate(() => store.status());
  }

  audit() {
    return this.page.evaluate(() => store.audit());
  }

  outbox() {
    return this.page.evaluate(() => store.outbox.list());
  }

  /** Its records by id, and which of them are not as on the instance. */
  async rows() {
    return this.page.evaluate(async () => {
      const rows = await store.table("incident").query("");
      return { rows: Object.fromEntries(rows.map((row) => [row.sys_id, fieldsOf(row)])), unsynced: rows.filter((row) => row.$sync.state !== "synced").map((row) => `${row.sys_id} ${row.$sync.state}`) };
    });
  }
}
