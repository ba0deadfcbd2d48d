export default {
  logLevel: "warn",
  // Here `node_modules` is above the app's folder; in an app it is inside, and this is not needed.
  server: { fs: { allow: [".."] } },
};
