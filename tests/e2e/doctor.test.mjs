// What a new set-up gets wrong is looked for, and said with what to do about it.
import assert from "node:assert/strict";
import { test } from "node:test";

import { both, startApp } from "./lib/app.mjs";
import { startPortal } from "./lib/portal.mjs";
import { until } from "./lib/wait.mjs";

/** Each finding that the page shows, as "check: state". */
async function shown(app) {
  await until("the verdict", async () => (await app.seen("doctor-verdict").textContent()) !== "Looking…");
  const found = await app.page.locator('[data-test="finding"]').evaluateAll((nodes) => nodes.map(({ dataset }) => `${dataset.check}: ${dataset.state}`));
  return new Set(found);
}

both("the app's own set-up is in order", async (t, app) => {
  app.browser.expects(/sys_audit_delete/);
  await app.go("#/status");
  await app.seen("to-doctor").click();
  const found = await shown(app);
  for (const check of ["reachable", "cors", "signIn", "extras", "table", "correlation", "batch", "locks", "serviceWorker"]) assert.ok(found.has(`${check}: good`), `${check} of ${[...found]}`);
  // The demo has more records of a table than it is quick to compare by their ids.
  assert.ok(found.has(`deletions: ${app.plain ? "warning" : "good"}`), [...found].join());
  assert.ok(![...found].some((one) => one.endsWith(": bad")), [...found].join());
}, { seed: "demo" });

test("who has signed out, and who is not there any more", async (t) => {
  const app = await startApp(t);
  app.browser.expects(/401/);
  await app.go("#/doctor");
  assert.ok((await shown(app)).has("signIn: good"));
  await app.instance.kill();
  const away = await startPortal(app.instance.url, (request, response) => response.writeHead(401, { "Content-Type": "application/json" }).end('{"error":{"message":"User Not Authenticated"}}'));
  await app.seen("doctor-again").click();
  const signedOut = await shown(app);
  assert.ok(signedOut.has("signIn: bad") && signedOut.has("reachable: good"), [...signedOut].join());
  await away();
  await app.seen("doctor-again").click();
  const gone = await shown(app);
  assert.ok(gone.has("reachable: bad") && !gone.has("cors: bad"), [...gone].join());
});
