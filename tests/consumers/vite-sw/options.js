// What page and service worker both open with.
export const options = {
  name: "consumer",
  user: "tech.demo",
  instance: { url: "/api/now", extras: "/api/landfall/v1" },
  tables: {
    incident: { journals: ["work_notes"] },
    incident_task: { references: { incident: "incident" } },
  },
};
