import { open } from "./landfall/landfall.js";
import { serve } from "./landfall/service-worker.js";
import { options, registerActions } from "./options.js";

serve(async () => {
  const db = await open(options);
  registerActions(db);
  return db;
});
