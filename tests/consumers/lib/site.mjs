// A consumer's folder on an origin of its own, under a strict policy; what is below /api/ goes to the instance, if it runs.
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer, request } from "node:http";
import { extname, join, normalize } from "node:path";

export const STRICT = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'";

const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".json": "application/json",
  ".wasm": "application/wasm",
  ".webmanifest": "application/manifest+json",
};

/** Serves `folder`. Gives its address, and how to end it. */
export async function startSite(folder, instance, policy = STRICT) {
  const server = createServer((asked, answer) => (asked.url.startsWith("/api/") ? passOn(asked, answer, instance) : give(asked, answer, folder, policy)));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const close = () => {
    server.close();
    server.closeAllConnections();
  };
  return { url: `http://127.0.0.1:${server.address().port}`, close };
}

async function give(asked, answer, folder, policy) {
  const path = normalize(new URL(asked.url, "http://site").pathname);
  const file = join(folder, path.endsWith("/") ? `${path}index.html` : path);
  const bytes = await readFile(file).catch(() => undefined);
  if (!bytes) return answer.writeHead(404).end();
  answer.writeHead(200, { "Content-Type": TYPES[extname(file)] ?? "application/octet-stream", "Content-Security-Policy": policy, "Cache-Control": "no-cache" });
  answer.end(bytes);
}

/** A dead instance is a dead line: no answer, not one that says so. */
function passOn(asked, answer, instance) {
  const { hostname, port } = new URL(instance.url);
  const onward = request({ hostname, port, path: asked.url, method: asked.method, headers: asked.headers }, (answered) => {
    answer.writeHead(answered.statusCode, answered.headers);
    answered.pipe(answer);
  });
  onward.on("error", () => answer.destroy());
  asked.pipe(onward);
}
