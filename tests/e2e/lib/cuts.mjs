// The line of one page, lost at moments that are told: each at the request that is named, once.

/**
 * What becomes of the first request that each of `cuts` names, `{ at, fate, nth = 1 }`: `at` is a pattern of
 * `METHOD url body`, in a batch of one of its items.
 *
 * - `request lost`: it never arrives.
 * - `answer lost`: it is carried out, and answered to nobody.
 * - `given up`: it is on its way, or being carried out, when the page takes the line for dead.
 * - `hangs`: it is carried out, and the page waits for its answer for ever.
 * - `held`: it does not leave, and the page waits for ever.
 */
export const cutLine = ({ page }, cuts) =>
  page.evaluate((all) => {
    const real = globalThis.fetch;
    const left = all.map(({ at, nth = 1, ...cut }) => ({ ...cut, nth, at: new RegExp(at) }));
    globalThis.stillToCut = left.length;
    globalThis.fetch = async (request, init) => {
      const { method, url } = request;
      const body = method === "GET" ? "" : await request.clone().text();
      const parts = url.endsWith("/batch") ? JSON.parse(body).rest_requests.map((part) => ({ ...part, body: atob(part.body ?? "") })) : [{ method, url, body }];
      const lines = parts.map((part) => `${part.method} ${part.url} ${part.body}`);
      const cut = left.find(({ at }) => lines.some((line) => at.test(line)));
      if (!cut || --cut.nth > 0) return real(request, init);
      left.splice(left.indexOf(cut), 1);
      if (cut.fate === "held") {
        globalThis.stillToCut = left.length;
        await new Promise(() => {});
      }
      if (cut.fate === "given up") real(request, init).catch(() => {});
      else if (cut.fate !== "request lost") await real(request, init);
      globalThis.stillToCut = left.length;
      if (cut.fate === "hangs") await new Promise(() => {});
      throw new TypeError("Failed to fetch");
    };
  }, cuts);

/** How many of them have not come to pass. */
export const stillToCut = ({ page }) => page.evaluate(() => globalThis.stillToCut);
