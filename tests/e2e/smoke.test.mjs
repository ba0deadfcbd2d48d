// The harness itself: an instance that is killed comes back with its database, and a page of it opens.
import assert from "node:assert/strict";
import { test } from "node:test";

import { NO_NETWORK, openBrowser } from "./lib/browser.mjs";
import { startInstance } from "./lib/instance.mjs";

for (const plain of [false, true]) {
  test(`an instance outlives its process (${plain ? "plain" : "extras"})`, async (t) => {
    const instance = await startInstance({ plain });
    t.after(() => instance.dispose());
    const made = await fetch(`${instance.url}/api/now/table/incident`, {
      method: "POST",
      headers: { "Content-Type": "application/json", Accept: "application/json" },
      body: JSON.stringify({ short_description: "made before the power cut" }),
    });
    assert.equal(made.status, 201, await made.clone().text());
    const { result } = await made.json();

    await instance.kill();
    await assert.rejects(fetch(instance.url), "nothing listens on a killed instance's port");
    await instance.start();

    const rows = await instance.rows("incident", `sys_id=${result.sys_id}`);
    assert.deepEqual(rows.map((row) => row.short_description), ["made before the power cut"]);
    await instance.stop();
    assert.equal(instance.runs, false);
  });
}

test("the field app opens in a browser, and again after the browser was closed", async (t) => {
  const instance = await startInstance();
  t.after(() => instance.dispose());
  const browser = await openBrowser();
  t.after(() => browser.dispose());
  const page = await browser.page();
  const answer = await page.goto(instance.url);
  assert.equal(answer.status(), 200);
  await browser.screenshot(page, "smoke");
  // Closed while the worker is being fetched, the browser complains of that.
  await page.evaluate(() => navigator.serviceWorker.ready.then(() => true));

  await browser.close();
  await browser.open();
  const again = await browser.page(instance.url);
  assert.ok(await again.title());

  await again.evaluate(() => navigator.serviceWorker.ready.then(() => true));
  browser.expects(NO_NETWORK);
  await browser.offline(true);
  await assert.rejects(again.evaluate(() => fetch("/api/now/table/incident")), "the offline switch holds");
});
