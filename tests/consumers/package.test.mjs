// The package without a browser: what TypeScript and a server make of it, and what its pages say.
import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";

import { copied, node } from "./lib/consumers.mjs";

const tsc = join(import.meta.dirname, "../node_modules/typescript/bin/tsc");

for (const [project, words] of Object.entries({
  "tsconfig.json": "strictly, as a bundler resolves it: all that the contract accepts",
  "tsconfig.nodenext.json": "strictly, as Node resolves it",
  "tsconfig.contract.json": "the sample program against the contract itself",
})) {
  test(`TypeScript, ${words}`, async () => {
    await node(await copied("types"), tsc, "-p", project);
  });
}

test("Node: imported, and nothing is touched, loaded or left", async () => {
  await node(await copied("node"), "import.mjs");
});

test("docs/service-worker.md shows what is run here, to the letter", async () => {
  const page = await readFile(join(import.meta.dirname, "../../docs/service-worker.md"), "utf8");
  const files = (await readdir(import.meta.dirname, { recursive: true })).filter((name) => /\.m?js$/.test(name));
  const sources = await Promise.all(files.map((name) => readFile(join(import.meta.dirname, name), "utf8")));
  const pieces = [...page.matchAll(/```js\n(.*?)```/gs)].map(([, piece]) => piece);
  assert.ok(pieces.length > 5);
  for (const piece of pieces) assert.ok(sources.some((source) => source.includes(piece)), `no consumer has this:\n${piece}`);
});
