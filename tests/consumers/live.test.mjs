// The guide on live answers: what it has its reader write shows the same records as they change.
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";

import { untilEqual } from "../e2e/lib/wait.mjs";
import { aWorld, built, call, opened, served } from "./lib/consumers.mjs";
import { written } from "./lib/written.mjs";

const world = aWorld();

const shown = (page) => page.evaluate(() => ["plain", "react", "svelte", "query"].map((id) => {
  const items = document.querySelectorAll(`#${id} li`);
  return [...items].map((item) => item.textContent).join(" ");
}));

test("React, Svelte, TanStack Query and none show what is here, in each tab, as it changes", async (t) => {
  const { files } = await written("docs/guides/live.md");
  const folder = await built("live", async (place) => {
    for (const [name, text] of Object.entries(files)) await writeFile(join(place, name), text);
  });
  const site = await served(t, world, folder);
  const [page, other] = [await opened(t, world, site.url), await opened(t, world, site.url)];
  const all = async (text) => {
    for (const one of [page, other]) await untilEqual("all four show it", () => shown(one), Array(4).fill(text));
  };
  await call(page, "make", "a");
  await all("a");
  await call(other, "many", ["c", "b", "d"]);
  await all("a b c d");

  // It lands: the same records under other ids.
  await call(page, "send");
  await untilEqual("they land", async () => (await world.instance.rows("incident", "short_descriptionINa,b,c,d")).length, 4);
  await all("a b c d");

  await call(page, "end");
  await call(other, "make", "e");
  await untilEqual("the other goes on", () => shown(other), Array(4).fill("a b c d e"));
  assert.equal((await shown(page))[0], "a b c d", "nobody listens here any more");
});
