// Waits for a pause: for typing.
export function debounce(work, ms) {
  let timer;
  return (...args) => {
    clearTimeout(timer);
    timer = setTimeout(work, ms, ...args);
  };
}

// Gathers a burst of calls into one run, never two at once: for events, which may not pause for minutes.
export function gather(work, ms) {
  let timer;
  let running = false;
  let again = false;
  let stopped = false;

  async function run() {
    timer = undefined;
    running = true;
    try {
      await work();
    } finally {
      running = false;
      if (again) ask();
    }
  }

  function ask() {
    if (stopped) return;
    again = running;
    if (!running) timer ??= setTimeout(run, ms);
  }

  ask.cancel = () => {
    stopped = true;
    clearTimeout(timer);
  };
  return ask;
}
