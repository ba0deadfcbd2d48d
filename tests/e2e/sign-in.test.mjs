// The session at the instance has ended: it sends everyone to a page to sign in at, here or on another origin.
import assert from "node:assert/strict";

import { both } from "./lib/app.mjs";
import { startPortal } from "./lib/portal.mjs";
import { untilEqual } from "./lib/wait.mjs";

const PAGES = { "its own page": "/login.do", "another origin's page": "http://localhost:1/login" };

for (const [whose, page] of Object.entries(PAGES)) {
  both(`a session that has ended sends to ${whose}: it pauses, and costs nothing`, async (t, app) => {
    const { instance } = app;
    const { sys_id: first } = await app.create("incident", { short_description: "before" });
    await app.landsByItself();
    await instance.kill();
    const asked = [];
    const away = await startPortal(instance.url, (request, response) => {
      asked.push(request.url);
      if (request.url.startsWith("/login")) response.writeHead(200, { "Content-Type": "text/html" }).end("<form>");
      else response.writeHead(302, { Location: page }).end();
    });
    t.after(away);
    const { sys_id } = await app.create("incident", { short_description: "after", parent: first });
    await untilEqual("the pause", async () => (await app.status()).paused, "auth", { within: 60_000 });
    assert.ok(!asked.some((url) => url.startsWith("/login")), "nobody follows");
    // The service worker may be trying, too.
    await untilEqual("the item waits", async () => {
      const [{ state, attempts, explain }] = await app.outbox();
      return [state, attempts, explain];
    }, ["queued", 0, "It waits for you to sign in."]);

    await away();
    await instance.start();
    await app.page.evaluate(() => landfall.signedIn());
    await app.landsByItself();
    const rows = await instance.rows("incident", `correlation_id=${sys_id}`);
    assert.equal(rows.length, 1);
  });
}
