// What each table shows: its words, fields, filters and children.
import { capital, toInstanceTime } from "./text.js";

const incidentStates = { 1: "New", 2: "In progress", 3: "On hold", 6: "Resolved", 7: "Closed", 8: "Cancelled" };
const taskStates = { 1: "Open", 2: "In progress", 3: "Closed complete", 4: "Closed incomplete", 7: "Cancelled" };
const levels = { 1: "High", 2: "Medium", 3: "Low" };
const categories = { inquiry: "Question", software: "Software", hardware: "Hardware", network: "Network", database: "Database" };

export const priorities = { 1: "Critical", 2: "High", 3: "Moderate", 4: "Low", 5: "Planning" };

// ServiceNow's own matrix, so that a record made offline reads as it will on the instance.
export function priorityOf(impact, urgency) {
  const sum = Number(impact) + Number(urgency);
  return sum >= 2 ? Math.min(sum - 1, 5) : undefined;
}

export const fields = {
  short_description: { label: "What is wrong", kind: "text", required: true, longest: 160 },
  description: { label: "Details", kind: "long" },
  state: { label: "State", kind: "choice" },
  impact: { label: "Impact", kind: "level", choices: levels, start: 3 },
  urgency: { label: "Urgency", kind: "level", choices: levels, start: 3 },
  category: { label: "Category", kind: "choice", choices: categories },
  location: { label: "Location", kind: "reference", table: "cmn_location" },
  cmdb_ci: { label: "Equipment", kind: "reference", table: "cmdb_ci" },
  caller_id: { label: "Caller", kind: "reference", table: "sys_user" },
  assigned_to: { label: "Assigned to", kind: "reference", table: "sys_user" },
  opened_at: { label: "Opened", kind: "time" },
  closed_at: { label: "Closed", kind: "time" },
  incident: { label: "Incident", kind: "reference", table: "incident" },
  parent: { label: "Work order", kind: "reference", table: "wm_order" },
  initiated_from: { label: "Raised from", kind: "reference", table: "task" },
  task: { label: "Worked on", kind: "reference", table: "task" },
  user: { label: "Who", kind: "reference", table: "sys_user" },
  time_worked: { label: "Minutes worked", kind: "minutes", required: true },
  work_date: { label: "Day", kind: "date" },
  close_notes: { label: "What was done", kind: "long" },
};

const labelled = (name, label) => [name, { ...fields[name], label }];

const taskFields = { ...fields, ...Object.fromEntries([labelled("short_description", "What to do")]) };

const taskForm = ["short_description", "location", "cmdb_ci", "assigned_to", "impact", "urgency", "state", "description"];
const taskFacts = ["location", "cmdb_ci", "assigned_to", "opened_at", "closed_at"];
const time = { table: "task_time_worked", by: "task" };

export const tables = {
  incident: {
    one: "incident", many: "incidents", root: "incident", icon: "incident",
    fields, states: incidentStates,
    form: ["short_description", "location", "cmdb_ci", "impact", "urgency", "caller_id", "assigned_to", "state", "category", "description"],
    facts: ["location", "cmdb_ci", "caller_id", "assigned_to", "category", "opened_at", "closed_at"],
    children: [{ table: "incident_task", by: "incident" }, time, { table: "wm_order", by: "initiated_from" }],
  },
  incident_task: {
    one: "task", many: "tasks", root: "incident", icon: "check",
    fields: taskFields, states: taskStates, owner: "incident",
    form: taskForm, facts: ["incident", ...taskFacts],
    children: [time],
  },
  wm_order: {
    one: "work order", many: "work orders", root: "wm_order", icon: "order",
    fields: taskFields, states: taskStates, owner: "initiated_from",
    form: taskForm, facts: ["initiated_from", ...taskFacts, "category"],
    children: [{ table: "wm_task", by: "parent" }, time],
  },
  wm_task: {
    one: "task", many: "tasks", root: "wm_order", icon: "check",
    fields: taskFields, states: taskStates, owner: "parent",
    form: taskForm, facts: ["parent", ...taskFacts],
    children: [time],
  },
  task_time_worked: {
    one: "time entry", many: "time entries", root: "incident", icon: "clock",
    fields: { ...fields, comments: { label: "What was done", kind: "long" } }, owner: "task",
    form: ["time_worked", "work_date", "comments"], facts: ["task", "user", "work_date", "comments"],
    children: [],
  },
};

// A field that the app shows nowhere else goes by the instance's own name for it.
export const labelOf = (table, name) => tables[table].fields[name]?.label ?? capital(name.replace(/^u_/, "").replaceAll("_", " "));

export const taskTables = ["incident", "incident_task", "wm_order", "wm_task"];

// Inherited and copied to a child when it is made: the work is done in the same place, on the same thing.
export const carriedOver = ["location", "cmdb_ci"];

export const filters = [
  { id: "open", label: "Open", query: () => "active=true" },
  { id: "mine", label: "Mine", query: (me) => `active=true^assigned_to=${me}`, needsMe: true },
  { id: "urgent", label: "P1–P2", query: () => "active=true^priorityIN1,2" },
  { id: "local", label: "Local", query: () => "sys_idSTARTSWITHtmp_" },
  { id: "all", label: "All", query: () => "" },
];

export const orders = [
  { id: "changed", label: "Last changed", query: "ORDERBYDESCsys_updated_on" },
  { id: "priority", label: "Priority", query: "ORDERBYpriority^ORDERBYDESCsys_updated_on" },
  { id: "number", label: "Number", query: "ORDERBYDESCnumber" },
];

export const stateName = (table, state) => tables[table].states?.[state] ?? (state ? `State ${state}` : "No state");

const closedStates = { incident: ["7", "8"] };

export const isClosed = (table, state) => (closedStates[table] ?? ["3", "4", "7"]).includes(String(state));

// A closed record leaves the open lists here and now, as the instance will see to on its side.
export function closing(table, state, wasActive) {
  const closed = isClosed(table, state);
  if (closed === (wasActive === false)) return {};
  return closed ? { active: false, closed_at: toInstanceTime(new Date()) } : { active: true, closed_at: null };
}

export const stateIcon = (table, state) => {
  const name = stateName(table, state);
  if (name === "In progress") return "progress";
  if (name === "On hold") return "hold";
  if (name === "Resolved" || name === "Closed complete") return "check";
  return name.startsWith("Closed") || name === "Cancelled" ? "closed" : "open";
};
