// Chance that can be had again: everything a test draws comes of one seed, which it prints.

/** A test's chance. The seed decides what is drawn; what the processes make of it is theirs. */
export function drawFrom(t) {
  const seed = Number(process.env.LANDFALL_SEED ?? Math.floor(Math.random() * 2 ** 32)) >>> 0;
  // At once, and not as a diagnostic at the end, which a test that hangs never comes to.
  console.log(`${t.name}: LANDFALL_SEED=${seed}`);
  return new Draw(seed);
}

class Draw {
  #state;

  constructor(seed) {
    this.seed = seed;
    this.#state = seed;
  }

  /** From 0 up to, but not, 1: Mulberry32. */
  unit() {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number, both ends included. */
  int(least, most) {
    return least + Math.floor(this.unit() * (most - least + 1));
  }

  chance(share) {
    return this.unit() < share;
  }

  pick(list) {
    return list[this.int(0, list.length - 1)];
  }
}
