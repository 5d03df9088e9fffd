// The shapes of the API under the names that pages use.
import type { components } from "./schema.gen";

type Schemas = components["schemas"];

export type Account = Schemas["Account"];
export type Alert = Schemas["Alert"];
export type AlertDetails = Schemas["AlertDetails"];
export type AlertLevel = Schemas["AlertLevel"];
export type Analysis = Schemas["Analysis"];
export type AuditEvent = Schemas["EventView"];
export type Ban = Schemas["Ban"];
export type Delivery = Schemas["Delivery"];
export type Evidence = Schemas["Evidence"];
export type Exception = Schemas["Exception"];
export type Health = Schemas["Health"];
export type Info = Schemas["Info"];
export type Leader = Schemas["Leader"];
export type LogDetail = Schemas["LogDetail"];
export type LogEntry = Schemas["LogEntry"];
export type LogPage = Schemas["LogPage"];
export type MadeException = Schemas["MadeException"];
export type Me = Schemas["Me"];
export type Overlay = Schemas["Overlay"];
export type Point = Schemas["Point"];
export type Policy = Schemas["Policy"];
export type Portrait = Schemas["Portrait"];
export type Remedy = Schemas["Remedy"];
export type Role = Schemas["Role"];
export type Rule = Schemas["Rule"];
export type Series = Schemas["Series"];
export type Settings = Schemas["Settings"];
export type Stats = Schemas["Stats"];
export type StatsAnswer = Schemas["StatsAnswer"];
export type Subject = Schemas["Subject"];
export type Sums = Schemas["Sums"];
export type TokenView = Schemas["TokenView"];
export type Traffic = Schemas["Traffic"];
export type Trial = Schemas["Trial"];
export type Verdict = Schemas["Verdict"];
export type Version = Schemas["Version"];

/** How bad, from the engine's levels. */
export type Level = "LOW" | "MEDIUM" | "HIGH" | "CRITICAL";
/** What was done. */
export type Action = "allow" | "tag" | "throttle" | "deny";

export type { Schemas };
