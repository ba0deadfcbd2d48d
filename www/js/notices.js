// What befalls the records on this device from outside: a newer app, another tab, the browser itself. It stays until the
// reader has dealt with it, since what it says changes what may be relied on.
import { db } from "./device.js";
import { count, moment } from "./text.js";
import { toast } from "./toasts.js";
import { reason } from "./reasons.js";

const reload = { action: "Reload", run: () => location.reload() };

// The mark this comes from may be some seconds older than the last save.
export const lost = ({ lastSeenAt, unsent }) =>
  `The browser removed this app's records from this device. They were last seen on ${moment(lastSeenAt)}, with ${
    unsent ? `${count(unsent, "change")} not sent` : "nothing left to send"
  }. ${unsent ? "That and anything" : "Anything"} saved later and not sent is lost; what the instance has is fetched again.`;

export function watchStorage(show) {
  db.on("superseded", () => show("superseded", "A newer version of this app has taken over the records on this device. What you saved is safe; this page can save no more.", reload));
  db.on("evicted", (event) => show("evicted", lost(event), { action: "Understood" }));
  db.on("error", (error) => {
    if (error.code === "closed") show("deleted", "The records on this device were deleted in another tab.", reload);
    else toast(reason(error), { kind: "error" });
  });
}
