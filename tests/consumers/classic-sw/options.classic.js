// One script that page and worker load: they must open the same database, and a classic worker imports no modules.
self.options = {
  name: "consumer",
  user: "tech.demo",
  instance: { url: "/api/now", extras: "/api/landfall/v1" },
  tables: { incident: {} },
};
