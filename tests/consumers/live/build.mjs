import { readFile, writeFile } from "node:fs/promises";
import { build } from "esbuild";
import { compile } from "svelte/compiler";

const { js } = compile(await readFile("List.svelte", "utf8"), { generate: "client", filename: "List.svelte" });
await writeFile("List.js", js.code);
await build({
  entryPoints: ["main.js"], outdir: "dist", bundle: true, minify: true, format: "esm", loader: { ".wasm": "file" },
  conditions: ["browser"], define: { "process.env.NODE_ENV": '"production"' },
});
