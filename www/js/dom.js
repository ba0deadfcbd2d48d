// Elements are made here and nowhere else: data reaches the page as text nodes and attributes, never as markup.

const properties = new Set(["value", "checked", "selected", "indeterminate"]);

function append(node, children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    node.append(child instanceof Node ? child : String(child));
  }
  return node;
}

export function h(tag, props, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (properties.has(name)) node[name] = value;
    else node.setAttribute(name, value === true ? "" : value);
  }
  return append(node, children);
}

export const fill = (node, ...children) => {
  node.replaceChildren();
  return append(node, children);
};

let lastId = 0;
export const freshId = (stem) => `${stem}-${++lastId}`;
