// Somebody else at the same instance, who has a line while the device has none.
import assert from "node:assert/strict";

/** What Chromium logs where an instance does not change a record that is not any more what it was. */
export const MEANWHILE = /status of 412/;

async function ask(instance, method, path, fields) {
  const answer = await fetch(`${instance.url}/api/now/table/${path}`, {
    method,
    headers: { "Content-Type": "application/json", Accept: "application/json", "X-Landfall-User": "rosa.delgado" },
    body: JSON.stringify(fields),
  });
  assert.ok(answer.ok, `${method} ${path} answered ${answer.status}`);
  return (await answer.json()).result;
}

export const others = {
  create: ({ instance }, table, fields) => ask(instance, "POST", table, fields),
  change: ({ instance }, table, id, fields) => ask(instance, "PATCH", `${table}/${id}`, fields),
};

/**
 * What `here` changes on the device and `there` at the instance, neither knows of the other, when what the device has been told
 * is not fresh any more. Then it has a line again. After `app.pagesSend()`.
 */
export async function apart(app, here, there) {
  app.browser.expects(MEANWHILE);
  await app.browser.offline(true);
  // Not later: a run that goes on while time jumps believes what was fresh as it began.
  await app.page.clock.fastForward(61_000);
  await here();
  await there();
  await app.browser.offline(false);
}
