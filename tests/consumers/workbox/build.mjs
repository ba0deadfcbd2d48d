import { cp } from "node:fs/promises";
import { generateSW } from "workbox-build";

for (const name of ["index.html", "main.js", "options.classic.js", "sw-landfall.js", "shared"]) await cp(name, `dist/${name}`, { recursive: true });
await cp("../node_modules/landfall", "dist/landfall", { recursive: true });

const { warnings } = await generateSW({
  globDirectory: "dist",
  // Without `wasm` the app would not open offline; what is larger than two megabytes is left out unless told.
  globPatterns: ["**/*.{html,js,wasm}"],
  maximumFileSizeToCacheInBytes: 4_000_000,
  swDest: "dist/sw.js",
  importScripts: ["./sw-landfall.js"],
  clientsClaim: true,
  skipWaiting: true,
});
if (warnings.length > 0) throw new Error(warnings.join("\n"));
