// The technician's write-back actions, for page and service worker alike: whichever of the two sends carries them out.
import { toInstanceTime } from "./js/text.js";

const taskTables = ["incident", "incident_task", "wm_order", "wm_task"];

// As the instance will fill it in: the record reads so until it has spoken.
const fresh = { state: 1, impact: 3, urgency: 3, priority: 5, active: true };

async function newTask(tx, table, fields) {
  const given = Object.entries({ ...fresh, ...fields }).filter(([, value]) => value !== undefined && value !== "");
  return tx.table(table).create({ ...Object.fromEntries(given), opened_at: toInstanceTime(new Date()) });
}

async function taskOf(tx, id) {
  for (const table of taskTables) {
    const row = await tx.table(table).get(id);
    if (row) return { table, row };
  }
  throw new Error("This record is not on this device any more.");
}

async function read(step, path) {
  const answer = await step.fetch(`table/${path}`, { headers: { Accept: "application/json" } });
  if (!answer.ok) throw new Error(`The instance answered ${answer.status}.`);
  return (await answer.json()).result;
}

// What an instance without extras is asked instead: it runs no actions, so that the step writes record by record.
async function write(step, method, path, fields) {
  const answer = await step.fetch(`table/${path}`, {
    method, headers: { "Content-Type": "application/json", Accept: "application/json" }, body: JSON.stringify(fields),
  });
  if (answer.ok) return (await answer.json()).result;
  const { error } = await answer.json().catch(() => ({}));
  throw new Error([error?.message, error?.detail].filter(Boolean).join(": ") || `The instance answered ${answer.status}.`);
}

async function make(step, at, fields) {
  const { table, sys_id } = step.records[at];
  const acted = toInstanceTime(new Date(step.actedAt));
  const made = await write(step, "POST", table, { ...fields, correlation_id: sys_id, u_acted_at: acted });
  step.addRecordForSync(table, made.sys_id, sys_id);
  return made;
}

const place = async (step, table, id) => {
  const { location, cmdb_ci } = await read(step, `${table}/${id}?sysparm_exclude_reference_link=true`);
  return { location, cmdb_ci };
};

const actions = {
  // { task, minutes, work_date, comments }
  log_time: {
    async offline(tx, { task, minutes, work_date, comments }, me) {
      await tx.table("task_time_worked").create({ task, user: me, time_worked: minutes, work_date, comments });
    },
    async online(step, { task, minutes, work_date, comments }, user) {
      const [me] = await read(step, `sys_user?sysparm_query=user_name=${encodeURIComponent(user)}&sysparm_fields=sys_id&sysparm_limit=1`);
      await make(step, 0, { task, user: me?.sys_id, time_worked: minutes, work_date, comments });
      await write(step, "PATCH", `task/${task}`, { work_notes: `Worked ${minutes} minutes${comments ? `: ${comments}` : ""}` });
    },
  },

  // { order, close_notes, follow_ups: [{ short_description }] }
  close_order: {
    async offline(tx, { order, close_notes, follow_ups }) {
      const { location, cmdb_ci } = (await taskOf(tx, order)).row;
      await tx.table("wm_order").update(order, { state: 3, active: false, close_notes, closed_at: toInstanceTime(new Date()) });
      for (const { short_description } of follow_ups) {
        await newTask(tx, "wm_order", { short_description, initiated_from: order, location, cmdb_ci });
      }
    },
    async online(step, { order, close_notes, follow_ups }) {
      const where = await place(step, "wm_order", order);
      for (const [at, { short_description }] of follow_ups.entries()) {
        await make(step, at, { short_description, initiated_from: order, ...where });
      }
      await write(step, "PATCH", `wm_order/${order}`, { state: 3, close_notes });
    },
  },

  // { order, tasks: [{ short_description }] }
  split_order: {
    async offline(tx, { order, tasks }) {
      const { location, cmdb_ci } = (await taskOf(tx, order)).row;
      for (const { short_description } of tasks) await newTask(tx, "wm_task", { short_description, parent: order, location, cmdb_ci });
    },
    async online(step, { order, tasks }) {
      const where = await place(step, "wm_order", order);
      for (const [at, { short_description }] of tasks.entries()) await make(step, at, { short_description, parent: order, ...where });
    },
  },

  // { task, assigned_to, note }
  reassign: {
    async offline(tx, { task, assigned_to }) {
      const { table } = await taskOf(tx, task);
      await tx.table(table).update(task, { assigned_to });
    },
    async online(step, { task, assigned_to, note }) {
      await write(step, "PATCH", `task/${task}`, { assigned_to, ...(note && { work_notes: note }) });
    },
    // Whoever it was given to in between has never heard of it.
    consolidate: ({ task }) => task,
  },
};

/** `plain`: the instance runs no actions. `me` answers the sys_id of whose device this is. */
export function registerActions(db, { plain, user, me }) {
  for (const [name, { offline, online, consolidate }] of Object.entries(actions)) {
    db.action(name, {
      offline: async (tx, input) => offline(tx, input, await me?.()),
      ...(plain && { online: (step, input) => online(step, input, user) }),
      ...(consolidate && { consolidate }),
    });
  }
}
