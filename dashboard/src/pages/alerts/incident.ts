// What is read out of an alert: what became of its requests, which records belong to it, and its place in a list.
import type { Alert, AlertLevel } from "@/api/types";

/** Requests that were stopped, and that would have been if their policy did more than observe. */
export function outcome(alerts: readonly Pick<Alert, "actions">[]): { stopped: number; observed: number } {
  let [stopped, observed] = [0, 0];
  for (const [action, sum] of alerts.flatMap(({ actions }) => Object.entries(actions))) {
    if (action === "deny" || action === "throttle") stopped += sum;
    if (action.startsWith("would ")) observed += sum;
  }
  return { stopped, observed };
}

/** The list as it was answered, with what the feed knows since; the last seen first. */
export function merge(listed: readonly Alert[], fed: readonly Alert[]): Alert[] {
  const known = new Map(listed.map((alert) => [alert.id, alert]));
  for (const alert of fed) {
    const old = known.get(alert.id);
    if (!old || alert.last > old.last || alert.requests > old.requests) known.set(alert.id, alert);
  }
  return [...known.values()].sort((a, b) => Date.parse(b.last) - Date.parse(a.last));
}

const RANK: Record<AlertLevel, number> = { LOW: 0, MEDIUM: 1, HIGH: 2, CRITICAL: 3 };

/** Whether the API would list it under these filters. */
export function fits(alert: Alert, filters: Readonly<Record<string, string>>): boolean {
  const { state, level, category, subject } = filters;
  return (
    (!state || alert.state === state) &&
    (!level || RANK[alert.level] >= (RANK[level as AlertLevel] ?? 0)) &&
    (!category || alert.category === category) &&
    (!subject || alert.subject === subject)
  );
}

/** Kinds of alerts that are no kind of attack in a record. */
const OF_ALERTS = new Set(["ban", "rate-limit", "upstream", "traffic", "silence", ""]);
const NAMED = /^(address|prefix|user|session|key):/;
/** An alert's times are those of answers, a record's that of its head: the longest wait lies between them. */
const MARGIN_MS = 60_000;

/** Whether an alert is about a client, who can be looked at and banned; else it is about a route, or about everybody. */
export const isClient = ({ subject }: Pick<Alert, "subject">): boolean => /^(?!route:)\w+:/.test(subject);

/** The records behind an alert, as a question to the log; undefined where there are none to ask for. */
export function records(alert: Alert): Record<string, string> | undefined {
  if (alert.category === "silence") return undefined;
  const routes = Object.keys(alert.routes);
  const isNamed = NAMED.test(alert.subject);
  return {
    since: new Date(Date.parse(alert.first) - MARGIN_MS).toISOString(),
    until: new Date(Date.parse(alert.last) + 1_000).toISOString(),
    ...(isNamed ? { subject: alert.subject } : {}),
    ...(!isNamed && routes.length === 1 && routes[0] ? { route: routes[0] } : {}),
    ...(OF_ALERTS.has(alert.category) ? {} : { category: alert.category }),
    ...(alert.category === "upstream" ? { status: "5xx" } : {}),
  };
}

/** Times in milliseconds, counted in so many equal parts of a span. */
export function buckets(times: readonly number[], parts: number): { time: number; requests: number }[] {
  if (times.length === 0) return [];
  const from = Math.min(...times);
  const width = Math.max(1_000, Math.ceil((Math.max(...times) - from + 1) / parts / 1_000) * 1_000);
  const rows = Array.from({ length: parts }, (_, index) => ({ time: from + index * width, requests: 0 }));
  for (const time of times) {
    const row = rows[Math.floor((time - from) / width)];
    if (row) row.requests += 1;
  }
  return rows;
}

/** A table of an alert, most first. */
export const ranked = (table: Readonly<Record<string, number>>): [string, number][] =>
  Object.entries(table).sort((a, b) => b[1] - a[1] || a[0].localeCompare(b[0]));

export const plural = (amount: number, one: string, many = `${one}s`): string =>
  `${amount.toLocaleString("en")} ${amount === 1 ? one : many}`;
