import { VitePWA } from "vite-plugin-pwa";

export default {
  logLevel: "warn",
  plugins: [
    VitePWA({
      strategies: "injectManifest",
      srcDir: ".",
      filename: "sw.js",
      manifest: false,
      injectManifest: {
        // Without `wasm` the app would not open offline; what is larger than two megabytes is left out unless told.
        globPatterns: ["**/*.{html,js,wasm}"],
        maximumFileSizeToCacheInBytes: 4_000_000,
      },
    }),
  ],
};
