import { watchConflicts } from "./conflicts.js";
import { openDevice } from "./device.js";
import { fill, h } from "./dom.js";
import { watchLandings } from "./landed.js";
import { watchNames } from "./names.js";
import { tellConflicts, tellLanding, watchRefusals } from "./news.js";
import { watchStorage } from "./notices.js";
import { parse, settleAddress } from "./route.js";
import { shell } from "./shell.js";
import { tables } from "./tables.js";
import { toast } from "./toasts.js";
import { keepShell } from "./update.js";
import { actionView } from "./views/action.js";
import { doctorView } from "./views/doctor.js";
import { failureView } from "./views/failure.js";
import { formView } from "./views/form.js";
import { listView } from "./views/list.js";
import { outboxView } from "./views/outbox.js";
import { recordView } from "./views/record.js";
import { statusView } from "./views/status.js";

const root = document.getElementById("app");
const lists = new Map();
let frame;
let current;
let route;

function listFor(table) {
  if (!lists.has(table)) {
    const list = listView(table);
    lists.set(table, list);
    frame.list.append(list.node);
  }
  for (const [name, list] of lists) list.node.hidden = name !== table;
  return lists.get(table);
}

const unchosen = (words) => ({
  node: h("p", { class: "unchosen" }, `Choose one of the ${words.many} to see it here.`),
  title: words.many,
});

function viewOf(list) {
  if (route.page === "outbox") return outboxView();
  if (route.page === "status") return statusView();
  if (route.page === "doctor") return doctorView();
  if (route.page === "form") return formView(route);
  if (route.page === "action") return actionView(route);
  if (route.page === "list") return unchosen(tables[route.table]);
  return recordView(route, (from, to) => {
    settleAddress(from, to);
    route.id = to;
    list.select(to);
  });
}

// A time entry belongs to either list: the one in view stays.
let lastRoot = "incident";

function show() {
  const before = route;
  route = parse(location.hash);
  current?.close?.();
  if (route.table && route.table !== "task_time_worked") lastRoot = tables[route.table].root;
  const list = listFor(lastRoot);
  current = viewOf(list);
  fill(frame.detail, current.node);
  frame.detail.scrollTop = 0;
  frame.show(route, { tab: route.table ? lastRoot : route.page, title: current.title });
  list.select(route.id);
  list.wake();
  if (before) settleFocus(before, list);
}

// Focus follows the reader: into what was opened, and back to the row it was opened from.
function settleFocus(before, list) {
  if (route.page !== "list") frame.detail.focus({ preventScroll: true });
  else if (before.id) list.node.querySelector(`[data-sys-id="${CSS.escape(before.id)}"] a`)?.focus();
}

async function start() {
  try {
    await openDevice();
  } catch (error) {
    fill(root, failureView(error, start));
    return;
  }
  watchNames();
  watchLandings(tellLanding);
  frame = shell(root);
  watchRefusals();
  watchConflicts(tellConflicts);
  watchStorage(frame.showAlarm);
  addEventListener("hashchange", show);
  show();
  keepShell(frame.offerReload).catch(() => toast("This browser could not store the app itself, so without a network it may not open again. Your records are stored all the same.", { kind: "error" }));
}

start();
