// What page and service worker both open with: they must open the same database, and know the same actions.
import { headers } from "./sign-in.js";

export const options = {
  name: "consumer",
  user: "tech.demo",
  instance: { url: "/api/now", extras: "/api/landfall/v1" },
  tables: { incident: {} },
  auth: (reason) => ("clients" in self ? askAPage(reason) : headers(reason)),
};

export function registerActions(db) {
  db.action("reassign", {
    async offline(tx, { task, assigned_to }) {
      await tx.table("incident").update(task, { assigned_to });
    },
  });
}

/** The worker has not the page's memory. What it throws makes the items wait until somebody has signed in. */
async function askAPage(reason) {
  for (const page of await self.clients.matchAll({ type: "window", includeUncontrolled: true })) {
    const { port1, port2 } = new MessageChannel();
    const answer = new Promise((resolve) => {
      port1.onmessage = ({ data }) => resolve(data);
      setTimeout(resolve, 3000);
    });
    page.postMessage({ asks: "headers", reason }, [port2]);
    const given = await answer;
    if (given) return given;
  }
  throw new Error("No page is open in which somebody is signed in.");
}
