// The page as `vite` serves it while it is being written: what it imports is bundled ahead, file by file the rest.
import { createServer } from "vite";

const [instance] = process.argv.slice(2);
const server = await createServer({ server: { host: "127.0.0.1", port: 0, proxy: { "/api": instance } } });
await server.listen();
process.send(`http://127.0.0.1:${server.httpServer.address().port}`);
