import init, { open } from "landfall/slim";
import { serve } from "landfall/service-worker";
import module from "landfall/wasm_bg.wasm?url";
import { options } from "./options.js";

const KEPT = `app ${BUILD}`;

self.addEventListener("install", (event) => event.waitUntil(keep()));
self.addEventListener("activate", (event) => event.waitUntil(forgetOlder()));
self.addEventListener("fetch", (event) => {
  const { method, url, mode } = event.request;
  const { origin, pathname } = new URL(url);
  // What the instance answers is Landfall's to keep.
  if (method !== "GET" || origin !== location.origin || pathname.startsWith("/api/")) return;
  event.respondWith(kept(mode === "navigate" ? "./" : event.request));
});
// A page may ask it not to wait until the last page of the older build is closed.
self.addEventListener("message", ({ data }) => data.type === "take over" && self.skipWaiting());

serve(async () => {
  // A worker's own requests do not pass through its caches.
  await init(await kept(new URL(module, location)));
  return open(options);
});

async function keep() {
  const files = await (await fetch("./files.json", { cache: "no-store" })).json();
  const names = Object.values(files).flatMap(({ file, css = [], assets = [] }) => [file, ...css, ...assets]);
  await (await caches.open(KEPT)).addAll(["./", ...new Set(names)]);
}

async function kept(request) {
  return (await (await caches.open(KEPT)).match(request)) ?? fetch(request);
}

async function forgetOlder() {
  for (const name of await caches.keys()) if (name.startsWith("app ") && name !== KEPT) await caches.delete(name);
}
