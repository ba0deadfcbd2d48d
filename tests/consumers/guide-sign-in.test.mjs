// docs/guides/sign-in.md, to the letter, before an instance that minds who asks.
import assert from "node:assert/strict";
import { test } from "node:test";

import { until, untilEqual } from "../e2e/lib/wait.mjs";
import { aWorld } from "./lib/consumers.mjs";
import { emptyPage } from "./lib/folders.mjs";
import { written } from "./lib/written.mjs";

const world = aWorld();
const { files, unnamed } = await written("docs/guides/sign-in.md");
const [signsIn, cookies, another] = unnamed("js");

/** What the guide leaves to the app: a form, and where it is asked to sign in at. */
const MAIN = `import { open } from "./landfall/landfall.js";
import { options } from "./options.js";
import { keep } from "./session.js";

const signInByYourOwnForm = () => keep("the first");
const asked = [];
const auth = (reason) => (asked.push(reason), options.auth(reason));
const db = await open({ ...options, auth, autoSync: false });
globalThis.db = db;
globalThis.device = {
  asked: () => asked.splice(0),
  make: async (short_description) => (await db.table("incident").create({ short_description })).sys_id,
  sync: async () => (await db.sync()).endedBy,
  paused: async () => (await db.status()).paused,
  items: async () => (await db.outbox.list()).map(({ attempts, explain }) => [attempts, explain]),
  async signsIn() { ${signsIn} },
  async signInAnother() { ${another} globalThis.db2 = db2; },
};
`;

const call = (page, name, argument) => page.evaluate(([name, argument]) => device[name](argument), [name, argument]);

async function start(t, name) {
  world.browser.expects(/401/, /403/);
  const { site, page } = await emptyPage(t, world, name, { ...files, "main.js": MAIN });
  const session = { token: "the first", refresh: undefined, redirects: false, changed: 0 };
  site.answers = (asked, answer) => {
    if (asked.url === "/oauth/refresh") {
      answer.writeHead(session.refresh ? 200 : 403, { "Content-Type": "application/json" }).end(JSON.stringify({ access_token: session.refresh }));
      return true;
    }
    if (!asked.url.startsWith("/api/now/")) return false;
    if (session.redirects) answer.writeHead(302, { Location: "/login" }).end();
    else if (asked.headers.authorization !== `Bearer ${session.token}`) answer.writeHead(401, { "Content-Type": "application/json" }).end('{"error":{"message":"User Not Authenticated"}}');
    else {
      session.changed += asked.method === "POST";
      return false;
    }
    return true;
  };
  const opens = async (page) => {
    await page.evaluate(() => import("./main.js"));
    return page;
  };
  return { site, session, page: await opens(page), opens };
}

const isThere = async (words) => (await world.instance.rows("incident", `short_description=${words}`)).length;

test("nobody is signed in, somebody is, and the token runs out", async (t) => {
  const { site, session, page, opens } = await start(t, "sign-in");
  const other = await opens(await world.browser.page(site.url));
  t.after(() => other.close());
  await call(page, "make", "before anybody");
  assert.equal(await call(page, "sync"), "auth");
  assert.deepEqual([await call(page, "paused"), await call(page, "items")], ["auth", [[0, "It waits for you to sign in."]]]);
  await untilEqual("the other tab is paused, too", () => call(other, "paused"), "auth");
  assert.deepEqual(site.asked("/api/now/"), [], "nothing has left");

  await call(page, "signsIn");
  await untilEqual("the pause has ended in every tab", async () => [await call(page, "paused"), await call(other, "paused")], [undefined, undefined]);
  assert.equal(await call(page, "sync"), "done");
  assert.equal(await isThere("before anybody"), 1);

  Object.assign(session, { token: "the second", refresh: "the second" });
  await call(page, "asked");
  await call(page, "make", "with a fresh one");
  assert.equal(await call(page, "sync"), "done");
  assert.deepEqual((await call(page, "asked")).slice(0, 2), ["send", "expired"]);
  assert.equal(await isThere("with a fresh one"), 1);

  Object.assign(session, { token: "the third", refresh: undefined });
  await call(page, "make", "with none");
  assert.equal(await call(page, "sync"), "auth");
  assert.deepEqual([await call(page, "paused"), await call(page, "items")], ["auth", [[0, "It waits for you to sign in."]]]);
});

test("a session that has ended redirects to a page to sign in at: that is not followed", async (t) => {
  const { site, session, page } = await start(t, "redirects");
  await call(page, "signsIn");
  session.redirects = true;
  await call(page, "make", "behind a redirect");
  assert.equal(await call(page, "sync"), "auth");
  assert.deepEqual([await call(page, "paused"), site.asked("/login")], ["auth", []]);
});

test("what goes beside a cookie", async (t) => {
  const { site } = await emptyPage(t, world, "cookies", { "main.js": `import { open } from "./landfall/landfall.js";
    globalThis.g_ck = "a token of the page";
    const db = await open({ name: "cookies", user: "tech.demo", instance: { url: "/api/now" }, tables: { incident: {} }, autoSync: false, ${cookies} });
    await db.table("incident").create({ short_description: "beside a cookie" });
    await db.sync();` });
  const page = await world.browser.page(site.url);
  t.after(() => page.close());
  await page.evaluate(() => import("./main.js"));
  await until("it is there", () => isThere("beside a cookie"));
  assert.deepEqual([...new Set(site.asked("/api/now/").map(({ headers }) => headers["x-usertoken"]))], ["a token of the page"]);
});

test("another user: what the first has not sent stays, and is never sent as somebody else's", async (t) => {
  const { session, page, opens } = await start(t, "another");
  await call(page, "make", "of the first user");
  await call(page, "signInAnother");
  await page.evaluate(async () => {
    const session = await import("./session.js");
    await session.keep("the first");
    await db2.sync();
  });
  assert.deepEqual([await page.evaluate(async () => (await db2.status()).pending), session.changed, await isThere("of the first user")], [0, 0, 0]);
  await page.reload();
  await opens(page);
  assert.equal(await call(page, "sync"), "done");
  assert.equal(await isThere("of the first user"), 1);
});
