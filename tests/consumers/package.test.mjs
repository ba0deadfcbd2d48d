// The package without a browser: what TypeScript and a server make of it.
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
