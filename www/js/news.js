// What happens by itself and the technician should hear of: landings and refusals.
import { db, watchStatus } from "./device.js";
import { nameOf } from "./names.js";
import { recordHref } from "./route.js";
import { reportsItself } from "./sync.js";
import { tables } from "./tables.js";
import { count, shortId } from "./text.js";
import { debounce } from "./timing.js";
import { toast } from "./toasts.js";

let landings = [];

// A whole batch lands at once: one toast for it.
const tellTogether = debounce(async () => {
  const batch = landings;
  landings = [];
  if (batch.length > 1) {
    if (reportsItself()) return;
    toast(`${count(batch.length, "local record")} landed: the instance has them now.`, { kind: "landed" });
    return;
  }
  const [{ table, temporary, sys_id }] = batch;
  const { number } = await nameOf(table, sys_id);
  toast(`Landed: ${shortId(temporary)} is now ${number ?? `a ${tables[table]?.one ?? table} on the instance`}.`,
    { kind: "landed", ...(tables[table] && { href: recordHref(table, sys_id), action: "Open" }) });
}, 500);

export function tellLanding(event) {
  landings.push(event);
  tellTogether();
}

export function watchRefusals() {
  let refused;
  watchStatus((status) => {
    if (status.refused > (refused ?? status.refused) && !reportsItself()) {
      toast(`The instance refused ${count(status.refused - refused, "change")}. Nothing is lost.`, { kind: "refused", href: "#/outbox", action: "See why" });
    }
    refused = status.refused;
  });
}

export const tellConflicts = (news) => reportsItself() || toast(`Somebody else made other changes where you made ${count(news, "change")}. Nothing is lost: choose what is to stand.`,
  { kind: "refused", href: "#/outbox", action: "Choose" });
