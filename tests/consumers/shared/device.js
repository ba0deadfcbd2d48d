// What each consumer does, wherever it runs: makes a record, says what is known of it, sends.
export function device(db) {
  const incidents = db.table("incident");
  return {
    async make(short_description) {
      return (await incidents.create({ short_description })).sys_id;
    },
    async look(id) {
      const row = await incidents.get(id);
      return { sys_id: row.sys_id, short_description: row.short_description, state: row.$sync.state, isTemporary: row.$sync.isTemporary };
    },
    async send() {
      return (await db.sync()).remaining;
    },
  };
}
