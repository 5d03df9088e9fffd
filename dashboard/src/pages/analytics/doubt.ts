// Which stops may have been false alarms. Pure: what the page draws, and what its tests look at.
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

/** Groups of stops with weak evidence; those that hit most clients first, since attackers are few. */
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
    if (!alone && !(margin !== null && margin < CLOSE)) continue;
    const { policy, method, path, why } = example;
    const clients = new Set(group.map(({ client }) => client)).size;
    doubts.push({ key, policy, method, path, rules, why, example, requests: group.length, clients, alone, margin });
  }
  return doubts.sort((a, b) => b.clients - a.clients || b.requests - a.requests || a.key.localeCompare(b.key));
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
