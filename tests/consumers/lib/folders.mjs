// Folders that a test fills itself: with the package, and with what a page of the documentation has one write.
import { cp, mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { startSite } from "./site.mjs";

export const PLACE = process.env.LANDFALL_CONSUMERS;

/** An empty folder with what `npm install` would have put there. */
export async function folderWith(name, ...packages) {
  const folder = join(PLACE, name);
  await mkdir(join(folder, "node_modules"), { recursive: true });
  // Not a link: a dev server serves nothing from outside.
  await cp(join(PLACE, "node_modules/landfall"), join(folder, "node_modules/landfall"), { recursive: true });
  for (const one of packages) await symlink(join(PLACE, "node_modules", one), join(folder, "node_modules", one));
  return folder;
}

/** A page with nothing in it, the package beside it as `landfall/`, and these files; served, and open, until the test ends. */
export async function emptyPage(t, { instance, browser }, name, files = {}, policy) {
  const folder = join(PLACE, name);
  await cp(join(PLACE, "node_modules/landfall"), join(folder, "landfall"), { recursive: true });
  await writeFile(join(folder, "index.html"), `<!doctype html><title>${name}</title>`);
  for (const [file, body] of Object.entries(files)) await writeFile(join(folder, file), body);
  const site = await startSite(folder, instance, policy);
  t.after(() => site.stop());
  const page = await browser.page(site.url);
  t.after(() => page.close());
  return { site, page };
}
