const paths = {
  incident: "M12 3 22 20H2zM12 10v4M12 17v.5",
  order: "M6 4h12v17H6zM9 2.5h6V6H9zM9 11h6M9 15h4",
  outbox: "M4 13v7h16v-7M4 13h5l1.5 3h3L15 13h5M12 3v8M8.5 6.5 12 3l3.5 3.5",
  status: "M4 20V10M10 20V4M16 20v-7M21 20H3",
  sync: "M20 11a8 8 0 0 0-14-4.5L4 9M4 4v5h5M4 13a8 8 0 0 0 14 4.5L20 15M20 20v-5h-5",
  back: "M15 5l-7 7 7 7",
  add: "M12 5v14M5 12h14",
  edit: "M4 20h4L19 9l-4-4L4 16zM13 7l4 4",
  clock: "M12 3a9 9 0 1 1 0 18 9 9 0 0 1 0-18M12 7v5l3.5 2",
  search: "M10.5 4a6.5 6.5 0 1 1 0 13 6.5 6.5 0 0 1 0-13M15.5 15.5 21 21",
  close: "M6 6l12 12M18 6 6 18",
  offline: "M3 3l18 18M5 12.5a10 10 0 0 1 4-2.4M2 9a15 15 0 0 1 4.5-2.8M12.5 6A14 14 0 0 1 22 9.5M16 11.2a9 9 0 0 1 3 1.800M8.5 16a5 5 0 0 1 6-.3M12 19.5v.5",
  check: "M5 12.5l4.5 4.5L19 7.5",
  landed: "M12 3v11M7 9.5l5 5 5-5M4 20h16",
  open: "M12 5a7 7 0 1 1 0 14 7 7 0 0 1 0-14",
  progress: "M12 5a7 7 0 1 1 0 14 7 7 0 0 1 0-14M12 8.5v7M12 9a3 3 0 0 1 0 6",
  hold: "M9 6v12M15 6v12",
  closed: "M6 6h12v12H6z",
  refused: "M8 3h8l5 5v8l-5 5H8l-5-5V8zM12 8v5M12 16v.5",
  bin: "M4 7h16M9 7V4h6v3M6 7l1 13h10l1-13M10 11v5M14 11v5",
};

const svg = "http://www.w3.org/2000/svg";

export function icon(name) {
  const node = document.createElementNS(svg, "svg");
  const path = document.createElementNS(svg, "path");
  node.setAttribute("viewBox", "0 0 24 24");
  node.setAttribute("class", "icon");
  node.setAttribute("aria-hidden", "true");
  path.setAttribute("d", paths[name]);
  node.append(path);
  return node;
}
