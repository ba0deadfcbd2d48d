export default {
  logLevel: "warn",
  // Another worker with each build: by that the browser finds out that there is a new one.
  define: { BUILD: JSON.stringify(new Date().toISOString()) },
  build: {
    // Which files there are, for the worker to keep.
    manifest: "files.json",
    rollupOptions: {
      input: ["index.html", "sw.js"],
      // The worker's address stays the same. All else is named by its content: no build can be given what is another's.
      output: { entryFileNames: ({ name }) => (name === "sw" ? "sw.js" : "assets/[name]-[hash].js") },
    },
  },
};
