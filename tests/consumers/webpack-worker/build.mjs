import webpack from "webpack";

// webpack would warn of any asset of more than 244 KiB.
const compiler = webpack({ mode: "production", performance: { hints: false }, entry: "./main.js", output: { filename: "main.js" } });
const stats = await new Promise((resolve, reject) => compiler.run((error, made) => (error ? reject(error) : resolve(made))));
if (stats.hasErrors() || stats.hasWarnings()) throw new Error(stats.toString("errors-warnings"));
