// Landfall, through its public API. `fetch` answers for the instance.
import init, { open as openLandfall } from "landfall/slim";
import module from "landfall/wasm_bg.wasm";

const bare = ({ $sync, ...fields }) => fields;

export async function open(name, { durability, fetch }) {
  await init(new URL(module, import.meta.url));
  const db = await openLandfall({
    name,
    user: "bench",
    instance: { url: "/api/now", batchSize: 100, fetch },
    tables: {
      incident: {
        references: { parent: "incident", caller_id: "sys_user", assigned_to: "sys_user", location: "cmn_location" },
        indexes: ["assigned_to"],
        cache: { query: "numberSTARTSWITHOLD" },
      },
    },
    durability,
    autoSync: false,
  });
  const incidents = db.table("incident");

  async function synced(options) {
    const report = await db.sync(options);
    if (report.endedBy !== "done") throw new Error(`The sync ended by ${report.endedBy}.`);
    return report;
  }

  return {
    createMany: async (fields) => (await incidents.createMany(fields)).map((row) => row.sys_id),
    create: async (fields) => (await incidents.create(fields)).sys_id,
    drain: () => synced({ push: true, pull: false }),
    /** What the instance has comes with a refresh. */
    pull: () => synced({ push: false, pull: true }),
    get: async (id) => bare(await incidents.get(id)),
    assignedTo: async (user) => (await incidents.query({ equals: { assigned_to: user } })).map(bare),
    firstPage: async (most) => (await incidents.query("", { limit: most })).map(bare),
    count: () => incidents.count(),
    all: async () => (await incidents.query()).map(bare),
    pending: async () => (await db.status()).pending,
    close: () => db.close(),
  };
}
