// The same records shown by four: each follows a live query of its own.
import { QueryClient, QueryObserver } from "@tanstack/query-core";
import init, { open } from "landfall/slim";
import module from "landfall/wasm_bg.wasm";
import { createElement } from "react";
import { createRoot } from "react-dom/client";
import { mount, unmount } from "svelte";
import List from "./List.js";
import { show } from "./plain.js";
import { useLive } from "./react.js";
import { device } from "./shared/device.js";
import { options } from "./shared/options.js";
import { follow } from "./tanstack-query.js";

const QUERY = { orderBy: "short_description" };

function start(db) {
  const incidents = db.table("incident");
  const [first, second, third, fourth] = [1, 2, 3, 4].map(() => incidents.liveQuery(QUERY));
  const plain = show(first, document.getElementById("plain"));

  const root = createRoot(document.getElementById("react"));
  function Rows() {
    const rows = useLive(second) ?? [];
    return createElement("ol", null, rows.map((row) => createElement("li", { key: row.sys_id }, row.short_description)));
  }
  root.render(createElement(Rows));

  const svelte = mount(List, { target: document.getElementById("svelte-root"), props: { rows: third } });

  const client = new QueryClient();
  const followed = follow(client, ["incident"], fourth);
  const observer = new QueryObserver(client, followed.options);
  const query = observer.subscribe(({ data }) => {
    document.getElementById("query").replaceChildren(...(data ?? []).map((row) => Object.assign(document.createElement("li"), { textContent: row.short_description })));
  });

  return {
    ...device(db),
    many: (names) => db.transaction(async (tx) => {
      for (const short_description of names) await tx.table("incident").create({ short_description });
    }).then(() => {}),
    end() {
      plain();
      root.unmount();
      unmount(svelte);
      query();
      followed.stop();
      client.clear();
    },
  };
}

await init(new URL(module, import.meta.url));
globalThis.device = open(options).then(start);
