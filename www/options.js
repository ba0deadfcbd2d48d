// What the page and the service worker both open with: they must agree, or one would refuse the other's database.

const dates = { opened_at: "datetime", closed_at: "datetime", sys_created_on: "datetime", sys_updated_on: "datetime", u_acted_at: "datetime" };

const task = {
  extends: "task",
  types: { ...dates, state: "integer", priority: "integer", impact: "integer", urgency: "integer", active: "boolean" },
  journals: ["work_notes", "comments"],
  actedAtField: "u_acted_at",
};

const taskReferences = { assigned_to: "sys_user", location: "cmn_location", cmdb_ci: "cmdb_ci", parent: "task" };

const tables = {
  incident: {
    ...task,
    references: { ...taskReferences, caller_id: "sys_user" },
    indexes: ["number", "active", "assigned_to", "location", "sys_updated_on"],
    cache: { query: "active=true^ORDERBYDESCsys_updated_on", limit: 2000 },
  },
  incident_task: {
    ...task,
    references: { ...taskReferences, incident: "incident" },
    indexes: ["incident"],
    cache: { query: "ORDERBYDESCsys_updated_on", limit: 2000 },
  },
  wm_order: {
    ...task,
    references: { ...taskReferences, initiated_from: "task" },
    indexes: ["number", "active", "assigned_to", "initiated_from", "sys_updated_on"],
    cache: { query: "active=true^ORDERBYDESCsys_updated_on", limit: 2000 },
  },
  wm_task: {
    ...task,
    references: { ...taskReferences, parent: "wm_order" },
    indexes: ["parent"],
    cache: { query: "ORDERBYDESCsys_updated_on", limit: 2000 },
  },
  task_time_worked: {
    types: { time_worked: "integer", sys_created_on: "datetime", sys_updated_on: "datetime", u_acted_at: "datetime" },
    references: { task: "task", user: "sys_user" },
    indexes: ["task"],
    actedAtField: "u_acted_at",
    cache: { query: "ORDERBYDESCsys_updated_on", limit: 2000 },
  },
  sys_user: {
    indexes: ["user_name", "name"],
    cache: { query: "ORDERBYname", limit: 2000 },
  },
  cmn_location: {
    types: { latitude: "decimal", longitude: "decimal" },
    indexes: ["name"],
    cache: { query: "ORDERBYname", limit: 5000 },
  },
  cmdb_ci: {
    references: { location: "cmn_location" },
    indexes: ["name", "location"],
    cache: { query: "ORDERBYname", limit: 6000 },
  },
};

export const user = "tech.demo";

// `?plain` on a page's or a worker's own URL: leave the instance's extras unused, as with a plain ServiceNow.
export const isPlain = (url) => new URL(url).searchParams.has("plain");

export const options = (plain) => ({
  name: "landfall-field",
  user,
  instance: { url: "/api/now", extras: plain ? false : "/api/landfall/v1" },
  tables,
});
