// The records of the jobs, from a seed: twelve fields, 450 to 520 bytes as JSON with their id. Any of them can be made
// again by its number, so what a contestant has at the end is compared row by row without keeping a second copy of all.

const WORDS = "pump belt valve roller hall seven leaks stuck slow noisy replaced checked again before noon by night shift lift line motor bearing sensor".split(" ");
const SITES = 40;
/** Equality queries find so many. */
export const OF_ONE = 50;

function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
}

/** 32 hex digits that are always the same for the same thing. */
export function permanentId(kind, number) {
  let seed = 2166136261;
  for (const letter of `${kind}/${number}`) seed = Math.imul(seed ^ letter.charCodeAt(0), 16777619);
  const next = random(seed);
  return [0, 0, 0, 0].map(() => next().toString(16).padStart(8, "0")).join("");
}

export const user = (number) => permanentId("user", number);

function text(next, letters) {
  const words = [];
  for (let length = 0; length < letters; ) {
    const word = WORDS[next() % WORDS.length];
    words.push(word);
    length += word.length + 1;
  }
  return words.join(" ");
}

/** The record of this number, without an id. `parent` is the id of the one it points to. */
export function record({ seed, kind, number, assignedTo, parent }) {
  const next = random(seed * 7919 + number + kind.length * 104_729 + kind.charCodeAt(0));
  const fields = {
    number: `${kind}${String(number).padStart(7, "0")}`,
    short_description: text(next, 38),
    description: text(next, 84),
    state: String(1 + (next() % 7)),
    priority: String(1 + (next() % 5)),
    impact: String(1 + (next() % 3)),
    category: ["hardware", "software", "network", "facility"][next() % 4],
    opened_at: `2026-11-${String(1 + (next() % 28)).padStart(2, "0")} ${String(next() % 24).padStart(2, "0")}:${String(next() % 60).padStart(2, "0")}:00`,
    caller_id: user(1_000_000 + (next() % 5000)),
    location: permanentId("site", next() % SITES),
    assigned_to: user(assignedTo ?? 2_000_000 + (next() % 500)),
  };
  return parent === undefined ? fields : { ...fields, parent };
}

/** As the instance has it once it is made: the whole row, its own fields too. */
export function asMade(fields) {
  const { sys_id: temporary, ...sent } = fields;
  const sys_id = permanentId("record", sent.number);
  return {
    ...sent,
    sys_id,
    correlation_id: temporary ?? sent.correlation_id,
    sys_created_on: "2026-11-22 08:00:00",
    sys_updated_on: "2026-11-22 08:00:00",
    sys_mod_count: "0",
  };
}

/** The rows that lie beside: `count` of the instance's records, fifty to a user. */
export function cached(seed, count, from = 0, to = count) {
  const users = Math.max(1, Math.floor(count / OF_ONE));
  const rows = [];
  for (let number = from; number < to; number++) {
    rows.push(asMade(record({ seed, kind: "OLD", number, assignedTo: number % users })));
  }
  return rows;
}
