// The package's other entries, as an app of TypeScript uses them.
import init, { LandfallError, open } from "landfall/slim";
import { serve } from "landfall/service-worker";
import type { Landfall, OpenOptions } from "landfall/slim";
import type { Landfall as Full } from "landfall";
import "landfall/service-worker.classic.js";

declare const options: OpenOptions;

serve(async () => {
  await init(new URL("https://example.com/wasm_bg.wasm"));
  const db: Landfall = await open(options);
  const same: Full = db;
  return same;
});
serve(async () => undefined);
// @ts-expect-error: slim brings no module
await init();

// What the classic script leaves.
landfall.serve(async () => {
  await landfall.init(await fetch("/wasm_bg.wasm"));
  return landfall.open(options);
});
export const isOurs = (error: unknown): boolean => error instanceof landfall.LandfallError && error instanceof LandfallError;
