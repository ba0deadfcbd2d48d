// Who gave way to whom: every value that was ever written to a field must lead, step by step, to the one that stands.

export class Yields {
  /** By field of a record: each value, and the values it gave way to. */
  #fields = new Map();

  /** `value` was written by somebody who saw `before` there, or who was asked about the two and has given `before` up. */
  gaveWay(field, before, value) {
    const values = this.#fields.get(field) ?? new Map();
    this.#fields.set(field, values);
    if (!values.has(value)) values.set(value, new Set());
    if (!values.has(before)) values.set(before, new Set());
    values.get(before).add(value);
  }

  get fields() {
    return this.#fields.keys();
  }

  /** Values of a field that are gone, and of which nobody who knew of them has written another. */
  lost(field, stands) {
    const values = this.#fields.get(field);
    if (!values.has(stands)) return [`${stands}, which nobody wrote`];
    return [...values.keys()].filter((value) => !this.#leads(values, value, stands));
  }

  #leads(values, from, to) {
    const seen = new Set([from]);
    for (const value of seen) for (const next of values.get(value)) seen.add(next);
    return seen.has(to);
  }
}
