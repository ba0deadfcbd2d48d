// What a page of the documentation has its reader write.
import { readFile } from "node:fs/promises";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "../../..");

/** By the name that stands behind the language, as files; the rest by language. */
export async function written(page) {
  const text = await readFile(join(ROOT, page), "utf8");
  const blocks = [...text.matchAll(/^```(\w+)(?: (\S+))?\n([^]*?)^```$/gm)];
  return {
    files: Object.fromEntries(blocks.filter(([, , name]) => name).map(([, , name, body]) => [name, body])),
    unnamed: (language) => blocks.filter(([, of, name]) => of === language && !name).map(([, , , body]) => body),
  };
}
