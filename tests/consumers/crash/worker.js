import { scenes } from "./scenes.js";

let device;

onmessage = async ({ data: { name, argument }, ports: [port] }) => {
  try {
    if (name === "open") device = await scenes(argument);
    port.postMessage({ answer: name === "open" ? undefined : await device[name](argument) });
  } catch (error) {
    port.postMessage({ failed: `${error.code}: ${error.message}` });
  }
};
