// What a contestant has the browser load: its bundle, and what that names.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

export function sizeOf(site, peer) {
  const entry = `${peer}.js`;
  const parts = { [entry]: readFileSync(join(site, "peers", entry)) };
  for (const [, wasm] of String(parts[entry]).matchAll(/"\.\/([^"]+\.wasm)"/g)) parts[wasm] = readFileSync(join(site, "peers", wasm));
  const gzip = Object.fromEntries(Object.entries(parts).map(([name, bytes]) => [name, gzipSync(bytes, { level: 9 }).length]));
  return { gzip: Object.values(gzip).reduce((one, other) => one + other), parts: gzip };
}
