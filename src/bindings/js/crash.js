// Between the module's instance, which dies here, and what outlives it. The Rust side imports this very file.

let dead = false;
let told = () => {};

/** In the panic hook: the instance stops as soon as this returns. */
export function crashed(error) {
  // Whatever the dying instance was called by may go on for a moment, and panic once more.
  if (dead) return;
  dead = true;
  told(error);
}

/** Whether what comes now would enter an instance that nobody may rely on. */
export function isDead() {
  return dead;
}

export function onCrash(listener) {
  told = listener;
}

/** There is another instance. */
export function revived() {
  dead = false;
}
