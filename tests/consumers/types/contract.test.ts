// Whatever type-checks against the public contract (contract.d.ts) does so against the package: what it takes the contract may
// give, and what it gives the contract may take.
import type * as contract from "./contract.js";
import type * as landfall from "landfall";

interface Incident { sys_id: string; short_description: string; priority: number; active: boolean }
type Input = { order: string };

/** Methods as functions: of methods TypeScript compares what they take in either direction. */
type Strict<T> = { [K in keyof T]: T[K] extends (...given: infer A) => infer R ? (...given: A) => R : T[K] };
type Is<Asked, _Given extends Asked> = true;

// What of the contract is to come. Each must be an error, so that none stays in this list once it is there.
type ToCome = "attachments" | "exportUnsent" | "importUnsent";
// @ts-expect-error
export type Attachments = landfall.Landfall["attachments"];
// @ts-expect-error
export type ExportUnsent = landfall.Landfall["exportUnsent"];
// @ts-expect-error
export type ImportUnsent = landfall.Landfall["importUnsent"];

export type Takes = [
  Is<landfall.OpenOptions, contract.OpenOptions>,
  Is<landfall.InstanceOptions, contract.InstanceOptions>,
  Is<landfall.TableOptions, contract.TableOptions>,
  Is<landfall.CacheOptions, contract.CacheOptions>,
  Is<landfall.Query<Incident>, contract.Query<Incident>>,
  Is<landfall.ActionSteps<Input, number>, contract.ActionSteps<Input, number>>,
];

export type Gives = [
  Is<Omit<Strict<contract.Landfall>, ToCome | "table" | "transaction" | "action" | "run" | "on">, Strict<landfall.Landfall>>,
  Is<Omit<contract.Landfall, ToCome | "table" | "transaction" | "action">, landfall.Landfall>,
  Is<Strict<contract.Table<Incident>>, Strict<landfall.Table<Incident>>>,
  Is<Strict<ReturnType<contract.Transaction["table"]>>, Strict<ReturnType<landfall.Transaction["table"]>>>,
  Is<Strict<contract.Outbox>, Strict<landfall.Outbox>>,
  Is<Strict<contract.OnlineStep>, Strict<landfall.OnlineStep>>,
  Is<contract.Row<Incident>, landfall.Row<Incident>>,
  Is<contract.OutboxItem, landfall.OutboxItem>,
  Is<contract.Receipt, landfall.Receipt>,
  Is<contract.SyncReport, landfall.SyncReport>,
  Is<contract.Progress, landfall.Progress>,
  Is<contract.Status, landfall.Status>,
  Is<contract.Events, landfall.Events>,
  Is<contract.LandfallError, landfall.LandfallError>,
  Is<typeof contract.LandfallError, typeof landfall.LandfallError>,
  Is<Parameters<typeof landfall.default>, Parameters<typeof contract.default>>,
  Is<ReturnType<typeof contract.default>, ReturnType<typeof landfall.default>>,
];
