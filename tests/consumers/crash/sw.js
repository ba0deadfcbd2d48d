import { open } from "./landfall/landfall.js";
import { serve } from "./landfall/service-worker.js";
import { answersAndBreaks, mends } from "./scenes.js";
import { options } from "./shared/options.js";

const fetch = answersAndBreaks();
const crashes = new Set();

serve(async () => {
  const db = await open({ ...options, instance: { ...options.instance, fetch } });
  db.on("error", (error) => {
    crashes.add(error);
    mends();
  });
  return db;
});

self.addEventListener("message", ({ data, ports: [port] }) => {
  if (data.type === "break") fetch.armed = true;
  if (data.type === "crashes") port.postMessage(crashes.size);
});
