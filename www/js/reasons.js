// Why something was not done, in a technician's words where the library's are about the browser.

const reasons = {
  storage_full: "This device has no room left. Free some space, then try again. Nothing already saved is lost.",
  storage_blocked: "Another tab holds the records of an older version of this app. Close the app's other tabs and windows, then try again.",
  storage_unavailable: "This browser does not let the app keep anything. Leave private browsing, or allow site data for this address.",
  storage_failed: "The browser's own database failed. Try again; if that does not help, close the browser and open it again. Nothing already saved is lost.",
  database_newer: "A newer version of this app has the records on this device. Reload to get that version.",
  superseded: "A newer version of this app has the records on this device now. Reload this page.",
  closed: "The records on this device were closed or deleted in another tab. Reload this page.",
};

export const reason = (error) => reasons[error.code] ?? error.message ?? "The browser gave no reason.";
