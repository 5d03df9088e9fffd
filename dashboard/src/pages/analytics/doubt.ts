// Which stops may have been false alarms, and what people said of them. Pure: what the page draws, and what its tests
// look at.
import { type Mark, markOf } from "@/api/feedback";
import type { LogEntry, Policy } from "@/api/types";

export interface Doubt {
  /** What groups it: the same findings at the same place. */
  key: string;
  policy: string;
  method: string;
  path: string;
  rules: readonly string[];
  why: string;
  /** The newest of them. */
  example: LogEntry;
  requests: number;
  clients: number;
  /** What the newest marked one of them is marked as, and what follows from that for all; empty: nobody has looked. */
  mark: Mark | "";
  /** The ids of those that are marked and of those that are not, the newest first. */
  marked: readonly string[];
  unmarked: readonly string[];
  /** Why the evidence is weak. */
  alone: boolean;
  /** Points over the bound that stopped it, of the clearest of them; null where the bound is unknown. */
  margin: number | null;
}

/** A score less than this over its bound would not have been stopped by a slightly more lenient policy. */
export const CLOSE = 10;
const isBehaviour = (rule: string) => rule.startsWith("behaviour-");
/** What was done, or would have been. */
export const verdictOf = (entry: LogEntry): string => entry.would || entry.action;

/** Stopped for what it contains: neither for a ban, nor for a limit, nor for what its client did before. */
function forItsContent(entry: LogEntry): boolean {
  const verdict = verdictOf(entry);
  if (verdict !== "deny" && verdict !== "throttle") return false;
  if (entry.score <= 0 || (entry.ban && !entry.would) || entry.limit) return false;
  return entry.rules.length > 0 && !entry.rules.some(isBehaviour);
}

function marginOf(entry: LogEntry, policies: readonly Policy[]): number | null {
  const policy = policies.find(({ name }) => name === entry.policy);
  if (!policy) return null;
  const { deny, throttle } = policy.thresholds;
  return entry.score - (verdictOf(entry) === "deny" ? deny : throttle);
}

/**
 * Groups of stops with weak evidence, and all that somebody marked; those that hit most clients first, since attackers
 * are few. `entries` begin with the newest.
 */
export function doubtsOf(entries: readonly LogEntry[], policies: readonly Policy[]): Doubt[] {
  const groups = new Map<string, LogEntry[]>();
  for (const entry of entries) {
    if (!forItsContent(entry)) continue;
    const key = [entry.policy, entry.method, entry.path, ...rulesOf(entry)].join("\n");
    groups.set(key, [...(groups.get(key) ?? []), entry]);
  }
  const doubts: Doubt[] = [];
  for (const [key, group] of groups) {
    const example = group[0];
    if (!example) continue;
    const rules = rulesOf(example);
    const margins = group.map((entry) => marginOf(entry, policies));
    const margin = margins.includes(null) ? null : Math.max(...(margins as number[]));
    const alone = rules.length === 1;
    const marked = group.filter((entry) => markOf(entry) !== "");
    const mark = marked[0] ? markOf(marked[0]) : "";
    if (!mark && !alone && !(margin !== null && margin < CLOSE)) continue;
    const { policy, method, path, why } = example;
    const clients = new Set(group.map(({ client }) => client)).size;
    const idsOf = (some: readonly LogEntry[]) => some.map(({ id }) => id);
    doubts.push({
      key,
      policy,
      method,
      path,
      rules,
      why,
      example,
      requests: group.length,
      clients,
      mark,
      marked: idsOf(marked),
      unmarked: idsOf(group.filter((entry) => !marked.includes(entry))),
      alone,
      margin,
    });
  }
  return doubts.sort((a, b) => b.clients - a.clients || b.requests - a.requests || a.key.localeCompare(b.key));
}

/** Two lists of records as one, each record once, the newest first. */
export function joined(...lists: readonly (readonly LogEntry[])[]): LogEntry[] {
  const known = new Map(lists.flat().map((entry) => [entry.id, entry]));
  return [...known.values()].sort((a, b) => (a.time < b.time ? 1 : a.time > b.time ? -1 : 0));
}

const rulesOf = (entry: LogEntry): string[] => [...new Set(entry.rules)].sort();

/** Where an exception would hold, in a sentence. */
export function exceptionInWords({
  rule,
  policy,
  field,
  path,
}: {
  rule: string;
  policy: string;
  field?: string | undefined;
  path?: string | undefined;
}): string {
  const where = [field && `in the field ${field}`, path && `of ${path}`].filter(Boolean).join(" ");
  return `The rule ${rule} no longer looks ${where || "at anything"}, under the policy ${policy}.`;
}
