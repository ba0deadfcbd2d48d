import { scenes } from "./scenes.js";

const { in: where = "page", ...given } = Object.fromEntries(new URLSearchParams(location.search));
given.autoSync = "autoSync" in given;

function inAWorker() {
  const worker = new Worker("./worker.js", { type: "module" });
  const ask = (name) => (argument) =>
    new Promise((resolve, reject) => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = ({ data: { answer, failed } }) => (failed ? reject(new Error(failed)) : resolve(answer));
      worker.postMessage({ name, argument }, [port2]);
    });
  const device = new Proxy({}, { get: (_, name) => (name === "then" ? undefined : ask(name)) });
  return ask("open")(given).then(() => device);
}

async function besideAServiceWorker() {
  await navigator.serviceWorker.register("./sw.js", { type: "module" });
  const { active } = await navigator.serviceWorker.ready;
  return { ...(await scenes(given)), post: (message) => active.postMessage(message) };
}

globalThis.device = where === "page" ? scenes(given) : where === "worker" ? inAWorker() : besideAServiceWorker();
