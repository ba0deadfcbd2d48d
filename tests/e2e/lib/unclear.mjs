// An action of which the instance's records are not told apart by anybody but the user.
import { untilEqual } from "./wait.mjs";

/**
 * Splits an order in two, by a step that names the tasks in no order, and without saying which is which. Gives the two made
 * here, left and right.
 */
export async function splitUnclearly(app, order) {
  await app.page.evaluate(() => landfall.action("split_order", {
    async offline(tx, { order: parent }) {
      for (const short_description of ["Left side", "Right side"]) await tx.table("wm_task").create({ parent, short_description, state: 1, active: true });
    },
    async online(step, { order: parent }) {
      step.addRecordForSync("wm_order", parent);
      for (const short_description of ["Right side", "Left side"]) {
        const body = JSON.stringify({ parent, short_description });
        const answer = await step.fetch("table/wm_task", { method: "POST", headers: { "Content-Type": "application/json" }, body });
        step.addRecordForSync("wm_task", (await answer.json()).result.sys_id);
      }
    },
  }));
  const { records } = await app.page.evaluate((id) => landfall.run("split_order", { order: id }), order);
  await untilEqual("it waits to be paired", async () => (await app.outbox()).map(({ state }) => state), ["unpaired"]);
  return records;
}
