// The guides, followed to the letter: what they have the reader write is written, what they have him do is done.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { copyFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";

import { NO_NETWORK, openBrowser } from "../e2e/lib/browser.mjs";
import { startInstance } from "../e2e/lib/instance.mjs";
import { freePort } from "../e2e/lib/ports.mjs";
import { until, untilEqual } from "../e2e/lib/wait.mjs";
import { PLACE, emptyPage, folderWith } from "./lib/folders.mjs";
import { written } from "./lib/written.mjs";

const world = {};

before(async () => {
  world.instance = await startInstance({ seed: "demo" });
  world.browser = await openBrowser();
  // A proxy answers for a dead instance, with an error of its own.
  world.browser.expects(NO_NETWORK, /favicon/, /50\d/);
});

after(async () => {
  await world.browser.dispose();
  await world.instance.dispose();
});

test("the first hour", async (t) => {
  const { instance, browser } = world;
  const { files, unnamed } = await written("docs/guides/first-hour.md");
  const commands = unnamed("sh").flatMap((block) => block.trim().split("\n"));
  assert.deepEqual(commands, ["cargo xtask demo", "mkdir field", "cd field", "npm init --yes", "npm install landfall", "npm install --save-dev vite", "npx vite"], "what is done here is what is said there");

  const folder = await folderWith("field", "vite");
  await writeFile(join(folder, "package.json"), '{ "name": "field", "version": "1.0.0" }');
  const demo = "http://127.0.0.1:8600";
  assert.ok(Object.values(files).some((body) => body.includes(demo)));
  for (const [name, body] of Object.entries(files)) await writeFile(join(folder, name), body.replace(demo, instance.url));
  const port = await freePort();
  const vite = spawn(process.execPath, ["node_modules/vite/bin/vite.js", "--host", "127.0.0.1", "--port", String(port), "--strictPort"], { cwd: folder, stdio: ["ignore", "pipe", "ignore"] });
  const said = createInterface(vite.stdout);
  t.after(() => {
    said.close();
    vite.kill();
  });
  await new Promise((resolve, reject) => {
    said.on("line", (line) => line.includes("127.0.0.1") && resolve());
    vite.once("exit", () => reject(new Error("vite has ended")));
  });

  const page = await browser.page(`http://127.0.0.1:${port}/`);
  t.after(() => page.close());
  const told = [];
  page.on("console", (message) => told.push(message.text()));
  const shown = () => page.locator("li").evaluateAll((items) => items.map((item) => [item.classList.contains("unsent"), item.textContent]));
  const of = async (words) => (await shown()).filter(([, text]) => text.endsWith(words));
  const save = async (words) => {
    await page.getByLabel("What is the matter?").fill(words);
    await page.getByRole("button", { name: "Save" }).click();
    await until("it is in the list", async () => (await of(words)).length === 1);
  };
  await until("the instance's incidents", async () => (await shown()).length === 10);
  await save("Belt 4 stuck");
  await untilEqual("the mark goes", async () => (await of("Belt 4 stuck"))[0][0], false);

  await instance.kill();
  await save("Gate B12 will not open");
  await save("Windsock lamp out");
  await until("four unsent", async () => /4 unsent$/.test(await page.locator("p").textContent()));
  await page.reload();
  await until("the page", () => page.evaluate(() => "db" in globalThis));
  await untilEqual("they are there still", async () => (await shown()).filter(([isUnsent]) => isUnsent).length, 2);
  await instance.start();
  await untilEqual("the marks go", async () => (await shown()).filter(([isUnsent]) => isUnsent).length, 0, { within: 90_000 });
  for (const words of ["Belt 4 stuck", "Gate B12 will not open", "Windsock lamp out"]) {
    const there = await instance.rows("incident", `short_description=${words}`);
    assert.equal(there.length, 1, words);
    assert.equal((await instance.rows("incident_task", `incident=${there[0].sys_id}`)).length, 1, words);
  }
  const tried = unnamed("js").find((block) => block.includes("task.incident"));
  const points = await page.evaluate(`(async () => { ${tried} return task.incident; })()`);
  assert.match(points, /^[0-9a-f]{32}$/);
  assert.ok(told.some((line) => /^incident: tmp_[0-9a-f]{32} is now [0-9a-f]{32}$/.test(line)), told.join("\n"));
});

async function dexiePage(t, name) {
  const { files } = await written("docs/guides/from-dexie.md");
  const opened = await emptyPage(t, world, name, files);
  await copyFile(join(PLACE, "node_modules/dexie/dist/modern/dexie.mjs"), join(opened.site.folder, "dexie.js"));
  return opened;
}

test("moving over from an outbox of one's own, closed in the middle", async (t) => {
  const { instance, browser } = world;
  const { site } = await dexiePage(t, "dexie");
  const [changed, deleted] = await instance.rows("incident", "active=true");

  const page = async () => {
    const page = await browser.page(site.url);
    await page.evaluate(async () => {
      const [{ open }, { Dexie }, { moveOver }] = await Promise.all([import("./landfall/landfall.js"), import("./dexie.js"), import("./move-over.js")]);
      const old = new Dexie("field");
      old.version(1).stores({ records: "[table+id]", outbox: "++seq" });
      const db = await open({ name: "moved", user: "tech.demo", instance: { url: "/api/now", extras: "/api/landfall/v1" }, tables: { incident: { references: { parent: "incident" } } }, autoSync: false });
      Object.assign(globalThis, { old, db, move: () => moveOver(db, old), isOver: async () => !(await Dexie.exists("field")) });
    });
    return page;
  };
  let at = await page();
  await at.evaluate(async ([one, other]) => {
    await old.table("outbox").bulkAdd([
      { kind: "create", table: "incident", id: "a", fields: { short_description: "made by the old app" } },
      { kind: "create", table: "incident", id: "b", fields: { short_description: "its child", parent: "a" } },
      { kind: "update", table: "incident", id: "a", fields: { description: "and changed" } },
      { kind: "update", table: "incident", id: one, fields: { description: "changed by the old app" } },
      { kind: "delete", table: "incident", id: other },
    ]);
    // All is written, and the old queue is not gone yet.
    old.delete = () => new Promise(() => {});
    move();
  }, [changed.sys_id, deleted.sys_id]);
  await untilEqual("all of it is here", () => at.evaluate(async () => (await db.status()).pending), 4);
  await at.close();
  at = await page();
  await at.evaluate(() => move());
  assert.ok(await at.evaluate(() => isOver()));
  assert.deepEqual(await at.evaluate(async () => [(await db.status()).mode, (await db.sync()).remaining]), ["auto", 0]);
  const made = await instance.rows("incident", "short_description=made by the old app");
  const child = await instance.rows("incident", "short_description=its child");
  assert.deepEqual([made.length, made[0].description, child.length, child[0].parent], [1, "and changed", 1, made[0].sys_id]);
  assert.equal((await instance.rows("incident", `sys_id=${changed.sys_id}`))[0].description, "changed by the old app");
  assert.equal((await instance.rows("incident", `sys_id=${deleted.sys_id}`)).length, 0);
  await at.close();
});

test("moving over, where something else is unsent, in two tabs, or out of reach", async (t) => {
  const { instance } = world;
  const { page } = await dexiePage(t, "dexie-refused");
  const refused = (name, entries, before = "") =>
    page.evaluate(async ([name, entries, before]) => {
      const [{ open }, { Dexie }, { moveOver }] = await Promise.all([import("./landfall/landfall.js"), import("./dexie.js"), import("./move-over.js")]);
      const old = new Dexie(name);
      old.version(1).stores({ records: "[table+id]", outbox: "++seq" });
      await old.table("outbox").bulkAdd(entries);
      const db = await open({ name, user: "tech.demo", instance: { url: "/api/now" }, tables: { incident: {} }, autoSync: false });
      if (before) await db.table("incident").create({ short_description: before });
      const move = () => moveOver(db, old).then(() => "moved", (error) => error.message);
      const said = before || entries[0].kind === "update" ? await move() : await Promise.all([move(), move()]);
      const { mode, pending } = await db.status();
      return { said, mode, pending, isThere: await Dexie.exists(name) };
    }, [name, entries, before]);
  const create = { kind: "create", table: "incident", id: "a", fields: { short_description: "twice?" } };
  assert.deepEqual(await refused("both", [create]), { said: ["moved", "moved"], mode: "auto", pending: 1, isThere: false });
  const other = await refused("other", [create], "another");
  assert.match(other.said, /Something else is unsent/);
  assert.deepEqual([other.mode, other.pending, other.isThere], ["auto", 1, true]);
  await instance.kill();
  const away = await refused("away", [{ kind: "update", table: "incident", id: "0".repeat(32), fields: { description: "x" } }]);
  await instance.start();
  assert.match(away.said, /is not here/);
  assert.deepEqual([away.mode, away.pending, away.isThere], ["auto", 0, true]);
});

test("leaving with one's data", async (t) => {
  const { instance } = world;
  const [take, leave, wipe] = (await written("docs/guides/leaving.md")).unnamed("js");
  const begin = `import { open } from "./landfall/landfall.js";
    const options = { name: "leaving", user: "tech.demo", instance: { url: "/api/now" }, tables: { incident: {} }, autoSync: false };
    const db = await open(options);
    await db.table("incident").create({ short_description: "goes along" });\n`;
  const { page } = await emptyPage(t, world, "leaving", { "leave.js": `${begin}${take}\n globalThis.taken = await file.text();\n${leave}\n${wipe}\n globalThis.left = (await indexedDB.databases()).map(({ name }) => name);` });
  const [taken, left] = await page.evaluate(async () => {
    await import("./leave.js");
    return [JSON.parse(globalThis.taken), globalThis.left];
  });
  assert.deepEqual([taken.everything.incident[0].short_description, taken.unsent.length, left], ["goes along", 1, []]);
  assert.equal((await instance.rows("incident", "short_description=goes along")).length, 1);
});
