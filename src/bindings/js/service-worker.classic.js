// The build makes one classic script of this and all it imports, for those that know no imports: `importScripts` in a service
// worker that is no module, and `<script>`. It leaves one name, `landfall`. A classic script cannot tell where it lies,
// so it is slim: the app says where the module is.
export { default as init, LandfallError, open } from "./slim.js";
export { serve } from "./service-worker.js";
