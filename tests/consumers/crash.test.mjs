// The module panics, for real, in the package as npm packs it: what is pending is rejected, and the same objects go on.
import assert from "node:assert/strict";
import { test } from "node:test";

import { until, untilEqual } from "../e2e/lib/wait.mjs";
import { aWorld, built, call, lands, makes, opened, served } from "./lib/consumers.mjs";

const world = aWorld();
const CRASHED = [true, "crashed", true];

async function begins(t, search) {
  world.browser.expects(/Landfall has a defect/, /unreachable/);
  const site = await served(t, world, await built("crash"));
  return opened(t, world, `${site.url}/?${search}`);
}

for (const where of ["page", "worker"]) {
  test(`in a ${where}, in the middle of a write: the next call works again, on the same objects`, async (t) => {
    const page = await begins(t, `in=${where}&user=tech.demo`);
    const id = await makes(page, `before it, in a ${where}`);

    assert.deepEqual(await call(page, "breaksWriting", `broken, in a ${where}`), [CRASHED, CRASHED]);
    assert.equal(await call(page, "named", `broken, in a ${where}`), 0);
    const other = await makes(page, `after it, in a ${where}`);
    assert.equal(await call(page, "unsent"), 2);
    assert.equal(await call(page, "acts", id), 1);

    await call(page, "send");
    await lands(page, world.instance, id, `before it, in a ${where}`);
    await lands(page, world.instance, other, `after it, in a ${where}`);
    assert.deepEqual([...(await call(page, "heard"))].sort(), ["crashed", id, other].sort());
    await call(page, "close");
  });

  test(`in a ${where}, when the instance has what was sent: it is there once`, async (t) => {
    const page = await begins(t, `in=${where}&user=tech.demo`);
    const words = `sent in a ${where}`;
    const id = await makes(page, words);

    assert.deepEqual(await call(page, "breaksSending"), CRASHED);
    assert.equal((await world.instance.rows("incident", `correlation_id=${id}`)).length, 1);
    assert.deepEqual(await call(page, "locks"), []);

    await until("nothing is left", async () => (await call(page, "send")) === 0);
    await lands(page, world.instance, id, words);
    assert.deepEqual(await call(page, "locks"), []);
  });
}

test("with auto-sync it goes on without being called", async (t) => {
  const page = await begins(t, "user=tech.demo&autoSync");
  await call(page, "breaksOnceSent");
  const id = await makes(page, "sent by itself");
  await until("it has crashed", async () => (await call(page, "heard")).includes("crashed"));
  await until("it has landed", async () => (await call(page, "heard")).includes(id));
  await lands(page, world.instance, id, "sent by itself");
});

test("a defect that comes again and again fails each call, and nothing else happens", async (t) => {
  const page = await begins(t, "user=again");
  let defects = 0;
  page.on("console", (message) => (defects += message.text().includes("Landfall has a defect") ? 1 : 0));
  assert.deepEqual(await call(page, "breaksEachTime", 5), Array(5).fill(CRASHED));
  assert.equal(defects, 5);
  await makes(page, "once it is mended");
});

test("a dead instance holds up no newer version of the app", async (t) => {
  const page = await begins(t, "user=upgraded");
  await call(page, "breaksWriting", "lost with it");
  assert.equal(await call(page, "upgraded"), undefined);
  assert.deepEqual(await call(page, "status"), [true, "database_newer", false]);
});

test("what is closed stays closed", async (t) => {
  const page = await begins(t, "user=closed");
  await call(page, "breaksWriting", "lost with it");
  await call(page, "close");
  assert.deepEqual(await call(page, "status"), [true, "closed", false]);
});

test("in a service worker: the next event sends it", async (t) => {
  const page = await begins(t, "in=sw&user=tech.demo");
  const id = await makes(page, "sent by the worker");
  await call(page, "post", { type: "break" });
  await call(page, "post", { type: "landfall:sync" });
  await until("it is there", async () => (await world.instance.rows("incident", `correlation_id=${id}`)).length === 1);
  await until("the worker has sent it", async () => {
    await call(page, "post", { type: "landfall:sync" });
    return (await call(page, "look", id)).state === "synced";
  });
  await untilEqual("it has crashed once", () => crashes(page), 1);
  await lands(page, world.instance, id, "sent by the worker");
});

const crashes = (page) =>
  page.evaluate(async () => {
    const { port1, port2 } = new MessageChannel();
    const told = new Promise((resolve) => (port1.onmessage = ({ data }) => resolve(data)));
    (await navigator.serviceWorker.ready).active.postMessage({ type: "crashes" }, [port2]);
    return told;
  });
