// What stands between a device and its instance in a hotel: it answers everything, and always with its own page.
import { once } from "node:events";
import { createServer } from "node:http";

const PAGE = "<!doctype html><title>Welcome</title><p>Accept the conditions to use the network.";

/** Listens in the instance's place, and gives each request its page, or what `answer` does. Gives back how to take it away. */
export async function startPortal(url, answer = (request, response) => response.writeHead(200, { "Content-Type": "text/html" }).end(PAGE)) {
  const server = createServer(answer);
  server.listen(Number(new URL(url).port), "127.0.0.1");
  await once(server, "listening");
  return async () => {
    if (!server.listening) return;
    const closed = once(server, "close");
    server.close();
    server.closeAllConnections();
    await closed;
  };
}
