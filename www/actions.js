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

async function orderFor(step, id) {
  const { number, state, close_notes, location, cmdb_ci } = await read(step, `wm_order/${id}?sysparm_exclude_reference_link=true`);
  return { number, close_notes, closed: ["3", "4", "7"].includes(String(state)), where: { location, cmdb_ci } };
}

/**
 * Whether an earlier run of this step has made the first of its records.
 *
 * An order that somebody else has closed is left alone, or two who close it would each make its follow-ups. But a step
 * that was cut is run again, and must not take its own close for somebody else's. So a step looks at the order before
 * all else and closes it after all else: where its first record is there, a run of its own has found the order open. That
 * holds also where the answer to the close is what was lost. Between the look and the close the instance does not stand
 * still, as it does where it runs actions itself.
 */
async function hasBegun(step) {
  const [first] = step.records;
  if (!first) return false;
  const rows = await read(step, `${first.table}?sysparm_query=correlation_id=${first.sys_id}&sysparm_fields=sys_id,correlation_id`);
  // An instance drops what it does not know of a query, and answers with everything.
  return rows.some(({ correlation_id }) => correlation_id === first.sys_id);
}

const actions = {
  // { task, minutes, work_date, comments }
  log_time: {
    async offline(tx, { task, minutes, work_date, comments }, me) {
      await tx.table("task_time_worked").create({ task, user: me, time_worked: minutes, work_date, comments });
    },
    async online(step, { task, minutes, work_date, comments }, user) {
      const [me] = await read(step, `sys_user?sysparm_query=user_name=${encodeURIComponent(user)}&sysparm_fields=sys_id&sysparm_limit=1`);
      await make(step, 0, { task, user: me?.sys_id, time_worked: minutes, work_date: work_date || step.actedAt.slice(0, 10), comments });
      const noted = await write(step, "PATCH", `task/${task}`, { work_notes: `Worked ${minutes} minutes${comments ? `: ${comments}` : ""}` });
      // None of those made here: what the instance has made of it is read again.
      step.addRecordForSync(noted.sys_class_name ?? "task", task);
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
      const { number, closed, where, ...there } = await orderFor(step, order);
      // Without a follow-up nothing but its notes tells who closed it; whoever wrote the same has done the same.
      const asHere = there.close_notes === close_notes;
      if (closed && !(follow_ups.length ? await hasBegun(step) : asHere)) {
        throw new Error(`Work order ${number} is closed already: only one that is open can be closed`);
      }
      for (const [at, { short_description }] of follow_ups.entries()) {
        await make(step, at, { short_description, initiated_from: order, ...where });
      }
      if (!closed || asHere) await write(step, "PATCH", `wm_order/${order}`, { state: 3, close_notes });
    },
  },

  // { order, tasks: [{ short_description }] }
  split_order: {
    async offline(tx, { order, tasks }) {
      const { location, cmdb_ci } = (await taskOf(tx, order)).row;
      for (const { short_description } of tasks) await newTask(tx, "wm_task", { short_description, parent: order, location, cmdb_ci });
    },
    async online(step, { order, tasks }) {
      const { number, closed, where } = await orderFor(step, order);
      if (closed && !(await hasBegun(step))) {
        throw new Error(`Work order ${number} is closed: only one that is open can be split into tasks`);
      }
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
