// One input for each kind of field. Each answers its node and how to read its value.
import { freshId, h } from "../dom.js";
import { picker } from "./picker.js";

const presets = [15, 30, 45, 60, 90, 120];

function wrap(id, spec, control, hint) {
  return h("div", { class: `field is-${spec.kind}` },
    h("label", { for: id }, spec.label, spec.required && h("span", { class: "needed" }, " (needed)")), control, hint);
}

function typed(tag, attributes) {
  return (name, spec, value, changed) => {
    const id = freshId(name);
    const input = h(tag, { id, name, "data-test": `field-${name}`, required: spec.required, maxlength: spec.longest, oninput: changed, ...attributes });
    input.value = value ?? "";
    return { node: wrap(id, spec, input), value: () => input.value.trim(), focus: () => input.focus(), input };
  };
}

function choice(name, spec, value, changed) {
  const id = freshId(name);
  const choices = { ...spec.choices };
  if (value && !choices[value]) choices[value] = String(value);
  const select = h("select", { id, name, "data-test": `field-${name}`, onchange: changed },
    !spec.required && h("option", { value: "" }, "Not chosen"),
    Object.entries(choices).map(([key, label]) => h("option", { value: key, selected: key === String(value ?? "") }, label)));
  return { node: wrap(id, spec, select), value: () => select.value };
}

function level(name, spec, value, changed) {
  const group = freshId(name);
  const radios = Object.entries(spec.choices).map(([key, label]) => {
    const radio = h("input", { type: "radio", name: group, value: key, checked: key === String(value ?? ""), onchange: changed, "data-test": `field-${name}-${key}` });
    return { radio, node: h("label", { class: "level" }, radio, h("span", {}, label)) };
  });
  const node = h("fieldset", { class: "field is-level" }, h("legend", {}, spec.label), h("div", { class: "levels" }, radios.map((one) => one.node)));
  return { node, value: () => radios.find((one) => one.radio.checked)?.radio.value ?? "" };
}

function minutes(name, spec, value, changed) {
  const field = typed("input", { type: "number", min: "1", max: "1440", step: "1", inputmode: "numeric" })(name, spec, value, changed);
  const quick = presets.map((preset) => h("button", {
    type: "button", class: "filter", onclick: () => { field.input.value = preset; changed(); },
  }, `${preset} min`));
  field.node.append(h("div", { class: "filters", role: "group", "aria-label": "Common durations" }, quick));
  return field;
}

function reference(name, spec, value, changed, { near }) {
  const id = freshId(name);
  const field = picker({ id, name, table: spec.table, value, near, onpick: changed });
  return { node: wrap(id, spec, field.node), value: field.value };
}

const kinds = {
  text: typed("input", { type: "text", autocomplete: "off" }),
  long: typed("textarea", { rows: "4" }),
  date: typed("input", { type: "date" }),
  choice, level, minutes, reference,
};

export const inputFor = (name, spec, value, changed, context) => kinds[spec.kind](name, spec, value, changed, context);
