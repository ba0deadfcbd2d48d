// Two builds of one app, the second with another build of the package: their files cannot be mixed.
import { cp, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { built, node } from "./consumers.mjs";

const PLACE = process.env.LANDFALL_CONSUMERS;

/** The consumer as it was, and as it is after `change` has been through its options: two folders to be served, and the newer one's package. */
export async function twoBuilds(name, change) {
  const older = await built(name);
  const next = join(PLACE, "next");
  const folder = join(next, name);
  await mkdir(next, { recursive: true });
  await cp(join(PLACE, name), folder, { recursive: true, filter: (path) => !path.startsWith(older) });
  const landfall = join(next, "node_modules/landfall");
  await another(landfall);
  const options = join(folder, "options.js");
  const [was, is] = await readFile(options, "utf8").then((text) => [text, change(text)]);
  if (was === is) throw new Error("The newer build is the same.");
  await writeFile(options, is);
  await node(folder, "build.mjs");
  return { older, newer: join(folder, "dist"), package: landfall };
}

/** What a change of the Rust code comes to for those who load it: the module and its JavaScript know each other by new names. */
async function another(landfall) {
  await cp(join(PLACE, "node_modules/landfall"), landfall, { recursive: true });
  const [manifest, glue, module] = ["package.json", "wasm.js", "wasm_bg.wasm"].map((name) => join(landfall, name));
  await writeFile(manifest, (await readFile(manifest, "utf8")).replace(/"version": "[^"]*"/, '"version": "99.0.0"'));
  const text = await readFile(glue, "utf8");
  const [name] = /__wbg_\w+_[0-9a-f]{16}\b/.exec(text);
  const other = name.replace(/.$/, (last) => (last === "0" ? "1" : "0"));
  await writeFile(glue, text.replaceAll(name, other));
  const bytes = await readFile(module, "latin1");
  if (!bytes.includes(name)) throw new Error(`${name} is not in the module`);
  await writeFile(module, bytes.replaceAll(name, other), "latin1");
}
