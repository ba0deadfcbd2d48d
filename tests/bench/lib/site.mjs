// Serves the pages and the contestants' bundles, as a server should: types, so that wasm compiles as it comes; a lasting
// cache for what never changes; isolation, so that the page's clock has steps of 5 µs instead of 100.
import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import { extname, join } from "node:path";

const TYPES = { ".html": "text/html", ".js": "text/javascript", ".wasm": "application/wasm" };

export async function serve(folder) {
  const server = createServer(async ({ url }, response) => {
    const { pathname } = new URL(url, "http://here");
    try {
      const content = await readFile(join(folder, pathname));
      response.writeHead(200, {
        "Content-Type": TYPES[extname(pathname)] ?? "application/octet-stream",
        "Cache-Control": "public, max-age=31536000, immutable",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Embedder-Policy": "require-corp",
      });
      response.end(content);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { url: `http://127.0.0.1:${server.address().port}`, close: () => server.close() };
}
