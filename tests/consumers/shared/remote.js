// A device that runs in a worker: the worker answers what the page asks, by message.

/** In the worker. What is asked before the database is open is answered when it is. */
export function serveDevice(port, opened) {
  port.onmessage = async ({ data: { id, name, argument } }) => {
    try {
      port.postMessage({ id, answer: await (await opened)[name](argument) });
    } catch (error) {
      port.postMessage({ id, failed: `${error.code}: ${error.message}` });
    }
  };
}

/** In the page. */
export function askDevice(port) {
  const waiting = new Map();
  let last = 0;
  port.onmessage = ({ data: { id, answer, failed } }) => {
    const { resolve, reject } = waiting.get(id);
    waiting.delete(id);
    if (failed) reject(new Error(failed));
    else resolve(answer);
  };
  const ask = (name) => (argument) =>
    new Promise((resolve, reject) => {
      waiting.set(++last, { resolve, reject });
      port.postMessage({ id: last, name, argument });
    });
  return { make: ask("make"), look: ask("look"), send: ask("send") };
}
