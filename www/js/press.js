// A press is two events with time between them: where the screen is drawn anew meanwhile, what was pressed is gone, and no
// click comes of it. What draws over buttons and links waits for the press to end.
let over = Promise.resolve();
let release = () => {};

function down({ button, target }) {
  // Elsewhere no click would be lost; and a press that opens a list or a menu may never be told to have ended.
  if (button !== 0 || !target.closest("a, button")) return;
  release();
  over = new Promise((resolve) => { release = resolve; });
}

// The click comes after this event, in the same task.
const up = () => setTimeout(release);

addEventListener("pointerdown", down, { capture: true });
for (const end of ["pointerup", "pointercancel"]) addEventListener(end, up, { capture: true });
// The window's own: a finger lifted elsewhere is not told of.
addEventListener("blur", up);

export const pressEnds = () => over;
