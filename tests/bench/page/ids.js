// What makes ids where the contestant leaves that to the app: as Landfall's own, in the order of making.

let last = 0;

/** `tmp_` and a UUIDv7. */
export function temporaryId() {
  const now = Math.max(Date.now(), last);
  const random = crypto.getRandomValues(new Uint8Array(10));
  last = now;
  let hex = now.toString(16).padStart(12, "0");
  for (const byte of random) hex += byte.toString(16).padStart(2, "0");
  return `tmp_${hex}`;
}
