// What rules, exceptions and trials mean, in sentences. Pure, so that it can be tested without a page.
import type { Analysis, Rule, Schemas, Version } from "@/api/types";
import type { BadgeTone } from "@/ui";
import type { Thresholds } from "../logs/score";

/** An exception; what is not written narrows nothing. */
export type Exception = Pick<Schemas["Exception"], "reason"> & Partial<Schemas["Exception"]>;

export const SEVERITIES = ["info", "low", "medium", "high", "critical"] as const;

export const severityTone = (severity: string): BadgeTone =>
  (({ critical: "bad", high: "high", medium: "warn", low: "info" }) as Record<string, BadgeTone>)[severity] ??
  "neutral";

/** What a rule's weight does alone. */
export function weightWords(score: number, thresholds: Thresholds | undefined): string {
  if (!thresholds) return `${score} of 100`;
  const { tag, throttle, deny } = thresholds;
  if (score >= deny) return `${score} of 100: enough alone to deny`;
  if (score >= throttle) return `${score} of 100: enough alone to slow the client down`;
  if (score >= tag) return `${score} of 100: enough alone to tag the request`;
  return `${score} of 100: a hint that counts only together with others`;
}

/** From which paranoia a rule looks. */
export const paranoiaWords = (paranoia: number): string =>
  paranoia <= 1
    ? "1: looks under every policy"
    : `${paranoia} of 4: looks only under policies of strictness (paranoia) ${paranoia} or more`;

const BOOKS: Record<string, string> = {
  owasp: "OWASP Top Ten",
  api: "OWASP API Security Top Ten",
  cwe: "Common Weakness Enumeration",
};
/** `owasp:A03:2021` → the list that it points to. */
export const tagBook = (tag: string): string | undefined => BOOKS[tag.slice(0, tag.indexOf(":"))];

export interface RuleFilter {
  q?: string | undefined;
  category?: string | undefined;
  severity?: string | undefined;
  phase?: string | undefined;
  paranoia?: string | undefined;
  matched?: string | undefined;
}

/** The rules that fit; every word must stand somewhere. With `matched`, the most matched first. */
export function choose(rules: readonly Rule[], filter: RuleFilter, matches: ReadonlyMap<string, number>): Rule[] {
  const words = (filter.q ?? "").toLowerCase().split(/\s+/).filter(Boolean);
  const any = (value: string | undefined, own: string) => !value || value.split(",").includes(own);
  const fitting = rules.filter((rule) => {
    if (!any(filter.category, rule.category) || !any(filter.severity, rule.severity)) return false;
    if (!any(filter.phase, rule.phase) || !any(filter.paranoia, String(rule.paranoia))) return false;
    if (filter.matched && !matches.has(rule.id)) return false;
    if (words.length === 0) return true;
    const text = `${rule.id} ${rule.name} ${rule.why} ${rule.tags.join(" ")}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
  if (!filter.matched) return fitting;
  return fitting.sort((a, b) => (matches.get(b.id) ?? 0) - (matches.get(a.id) ?? 0));
}

/** What an exception silences, and where. */
export function whereWords({ field, path, route }: Exception): string {
  const parts = [
    field && `in ${field}`,
    path && (path.endsWith("*") ? `on paths that begin with ${path.slice(0, -1)}` : `on ${path}`),
    route && `on the route ${route}`,
  ].filter(Boolean);
  return parts.length > 0 ? parts.join(", ") : "everywhere";
}

/** What is silenced. */
export const silencedWords = ({ rule, tag }: Exception): string =>
  rule ? (rule.endsWith("*") ? `all rules ${rule}` : rule) : tag ? `all rules tagged ${tag}` : "all rules";

const sameException = (a: Exception, b: Exception) =>
  (["rule", "tag", "field", "path", "route", "reason"] as const).every((key) => (a[key] ?? "") === (b[key] ?? ""));

/** The version by which an exception came to be: the first of the latest versions that have it without a break. */
export function madeBy(
  exception: Exception & { policy: string },
  versions: readonly Version[],
): Pick<Version, "author" | "made"> | undefined {
  const newest = [...versions].sort((a, b) => b.version - a.version);
  let found: Version | undefined;
  for (const version of newest) {
    const policies = version.overlay.policies as Record<string, { exceptions?: Exception[] | null } | undefined>;
    const has = policies[exception.policy]?.exceptions?.some((other) => sameException(other, exception));
    if (!has) break;
    found = version;
  }
  return found;
}

/** What the gateway would do with a request that was tried. */
export function trialSentence({ route, policy, mode, enforced, verdict }: Analysis): string {
  if (!route) return "No route matches, so the gateway would answer 404. What follows is what the rules say of it.";
  const by = `route ${route}, policy ${policy}`;
  if (mode === "off") return `It would pass without a look: the policy is off (${by}).`;
  if (mode === "observe" && verdict.action !== "allow") {
    return `It would pass, because the policy only observes. Enforced, it would be ${DONE[verdict.action] ?? verdict.action} (${by}).`;
  }
  return `It would be ${DONE[enforced] ?? enforced} (${by}).`;
}
const DONE: Record<string, string> = {
  allow: "passed on",
  tag: "passed on with a warning header",
  throttle: "answered 429: slow down",
  deny: "denied with 403",
};

/** `Name: value` lines as header fields; a line without a colon is said to be wrong. */
export function headersFrom(text: string): { headers: Schemas["Header"][]; wrong?: string } {
  const headers: Schemas["Header"][] = [];
  for (const line of text.split("\n")) {
    if (!line.trim()) continue;
    const at = line.indexOf(":");
    if (at < 1) return { headers, wrong: line.trim() };
    headers.push({ name: line.slice(0, at).trim(), value: line.slice(at + 1).trim() });
  }
  return { headers };
}

/** A rule's text as YAML, as it would stand in a file of rules. */
export function yaml(value: unknown, indent = 0): string {
  const pad = "  ".repeat(indent);
  if (Array.isArray(value)) {
    if (value.every((item) => typeof item !== "object" || item === null)) {
      return ` [${value.map(scalar).join(", ")}]\n`;
    }
    return `\n${value.map((item) => `${pad}-${yaml(item, indent + 1).replace(/^\n\s*/, " ")}`).join("")}`;
  }
  if (typeof value === "object" && value !== null) {
    const lines = Object.entries(value)
      .filter(([, member]) => member !== null)
      .map(([key, member]) => `${pad}${scalar(key)}:${yaml(member, indent + 1)}`);
    return lines.length > 0 ? `\n${lines.join("")}` : " {}\n";
  }
  return ` ${scalar(value)}\n`;
}

function scalar(value: unknown): string {
  if (typeof value !== "string") return String(value);
  const plain = /^[A-Za-z_/][\w ./()+-]*$/.test(value) && !/^(true|false|null|yes|no|on|off|y|n)$/i.test(value);
  if (plain && value === value.trim()) return value;
  return /[\n\r\t\\]/.test(value) && !/[\n\r\t]/.test(value)
    ? `'${value.replaceAll("'", "''")}'`
    : /[\n\r\t]/.test(value)
      ? JSON.stringify(value)
      : `'${value.replaceAll("'", "''")}'`;
}
