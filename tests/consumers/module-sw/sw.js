import { open } from "./landfall/landfall.js";
import { serve } from "./landfall/service-worker.js";
import { options } from "./shared/options.js";

serve(() => open(options));
