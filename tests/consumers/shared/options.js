// One module that page and workers import: they must open the same database.
export const options = {
  name: "consumer",
  user: "tech.demo",
  instance: { url: "/api/now", extras: "/api/landfall/v1" },
  tables: { incident: {} },
};
