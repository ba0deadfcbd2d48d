// The screen is drawn anew as records land: not under a finger that is about to press.
import { both } from "./lib/app.mjs";
import { untilEqual } from "./lib/wait.mjs";

both("a press is not lost to a record that lands meanwhile", async (t, app) => {
  // By the page itself: its service worker's line is another.
  await app.browser.context.addInitScript(() => delete globalThis.ServiceWorkerRegistration?.prototype.sync);
  await app.reload();
  // Nothing has to be asked before the record that matters leaves.
  await app.create("incident", { short_description: "The first" });
  await app.landsByItself();
  // The line takes its time; were it cut, there would be a notice of that, which moves everything when it goes.
  await app.page.evaluate(() => {
    const real = fetch;
    const line = new Promise((resolve) => (globalThis.carry = resolve));
    globalThis.fetch = async (...request) => (await line, real(...request));
  });
  const { sys_id } = await app.create("incident", { short_description: "Pressed while it lands" });
  await app.go(`#/incident/${sys_id}`);
  // The last that is drawn before the line carries: until then the button moves as its record's note grows.
  await app.seen("sync-note").and(app.page.locator(".is-sending")).waitFor();
  await app.seen("edit").hover();
  await app.page.mouse.down();
  await app.seen("edit").and(app.page.locator(":active")).waitFor();

  await app.page.evaluate(() => carry());
  await app.landsByItself();
  await untilEqual("the address of the record as the instance has it", () => app.shownId(), await app.page.evaluate((id) => landfall.resolveId(id), sys_id));
  await app.page.mouse.up();
  await app.seen("form").waitFor();
});
