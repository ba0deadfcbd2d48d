import init, { open } from "./landfall/landfall.js";
import { serve } from "./landfall/service-worker.js";
import build from "./build.js";
import { registerActions } from "./actions.js";
import { isPlain, options, user } from "./options.js";
import shell from "./shell-files.js";

const prefix = "landfall-shell-";
const cacheName = prefix + build;
const wasm = shell.find((path) => path.endsWith(".wasm"));

async function keepShell() {
  const cache = await caches.open(cacheName);
  await cache.addAll(shell.map((path) => new Request(path, { cache: "reload" })));
}

async function takeOver() {
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name.startsWith(prefix) && name !== cacheName).map((name) => caches.delete(name)));
  await self.clients.claim();
}

async function answer(request) {
  const cache = await caches.open(cacheName);
  const kept = request.mode === "navigate" ? await cache.match("./") : await cache.match(request, { ignoreSearch: true });
  return kept ?? fetch(request);
}

self.addEventListener("install", (event) => event.waitUntil(keepShell()));
self.addEventListener("activate", (event) => event.waitUntil(takeOver()));
self.addEventListener("message", (event) => {
  if (event.data?.type === "skipWaiting") self.skipWaiting();
});
self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  const ours = event.request.method === "GET" && url.href.startsWith(self.registration.scope) && !url.pathname.startsWith("/api/");
  if (ours) event.respondWith(answer(event.request));
});

// A worker's own requests do not pass through its fetch handler, so the module is taken from the cache here.
async function boot() {
  await init((await caches.match(wasm, { cacheName })) ?? undefined);
  const plain = isPlain(self.location.href);
  const db = await open(options(plain));
  registerActions(db, { plain, user });
  return db;
}

serve(boot);
