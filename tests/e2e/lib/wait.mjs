// Waiting for what is to become true, and saying what was the case instead when it does not.
import { isDeepStrictEqual } from "node:util";

const EVERY_MS = 50;

/** For moments that are drawn, not for waiting until something has happened. */
export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Asks until the answer is not falsy, and gives it back. A question that fails is asked again. */
export async function until(what, ask, { within = 30_000 } = {}) {
  const end = Date.now() + within;
  let last;
  for (;;) {
    try {
      const answer = await ask();
      if (answer) return answer;
      last = answer;
    } catch (error) {
      last = error.message;
    }
    if (Date.now() > end) throw new Error(`Waited ${within / 1000} s in vain: ${what}. At last: ${JSON.stringify(last)}`);
    await pause(EVERY_MS);
  }
}

/** Asks until the answer is the expected one, to the last field. */
export async function untilEqual(what, ask, expected, options) {
  let seen;
  await until(what, async () => isDeepStrictEqual((seen = await ask()), expected), options).catch((error) => {
    throw new Error(`${error.message}\nexpected ${JSON.stringify(expected)}\nand was  ${JSON.stringify(seen)}`);
  });
}
