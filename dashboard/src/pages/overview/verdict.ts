// How it is, in words: from the alerts that were seen lately, what is still open, and whether anything comes in at all.
// Every figure in the sentences is a sum over alerts as the API tells them.
import type { Alert, Level } from "@/api/types";
import { ago, category, clock, count } from "@/lib/format";
import { outcome, plural } from "../alerts/incident";

/** What was last seen within this time goes on: less would call an attack over between two of its requests. */
export const RECENT_MS = 5 * 60_000;

export type Mood = "attack" | "failing" | "unusual" | "waiting" | "calm" | "silent";

export interface Verdict {
  mood: Mood;
  title: string;
  text: string;
  /** The alerts that it rests on, the worst first. */
  alerts: readonly Alert[];
}

export interface Situation {
  now: number;
  alerts: readonly Alert[];
  /** There are further alerts, older than these: sums are at least so much. */
  isMore?: boolean;
  /** How many alerts nobody has acknowledged. */
  open: number;
  /** Requests since the gateway's start. */
  requests: number;
}

/** Kinds of alerts that are no attack: the API itself, or somebody who has been dealt with. */
const TROUBLE = new Set(["upstream", "silence"]);
const DEALT_WITH = new Set(["ban", "rate-limit"]);
const RANK: Record<Level, number> = { LOW: 0, MEDIUM: 1, HIGH: 2, CRITICAL: 3 };

export function judge({ now, alerts, isMore = false, open, requests }: Situation): Verdict {
  const recent = alerts
    .filter(({ last }) => now - Date.parse(last) < RECENT_MS)
    .sort((a, b) => RANK[b.level] - RANK[a.level] || b.requests - a.requests);
  const atLeast = isMore && recent.length === alerts.length ? "At least " : "";
  const others = recent.filter(({ category: kind }) => !TROUBLE.has(kind) && !DEALT_WITH.has(kind));
  // Much of something is no attack by itself.
  const attacks = others.filter(({ level, category: kind }) => RANK[level] >= RANK.HIGH && kind !== "traffic");
  if (attacks.length > 0) {
    return {
      mood: "attack",
      title: `Under attack: ${kindsOf(attacks)}`,
      text: atLeast + story(attacks, now),
      alerts: attacks,
    };
  }
  const failing = recent.filter(({ category: kind }) => TROUBLE.has(kind));
  const [worst] = failing;
  if (worst) {
    return {
      mood: "failing",
      title: worst.title,
      text: `Last seen ${ago(worst.last, now)}. No attack.`,
      alerts: failing,
    };
  }
  if (others.length > 0) {
    return {
      mood: "unusual",
      title: `Unusual: ${kindsOf(others)}`,
      text: atLeast + story(others, now),
      alerts: others,
    };
  }
  if (requests === 0) {
    return { mood: "silent", title: "Waiting for traffic", text: "No request has come in yet.", alerts: [] };
  }
  if (open > 0) {
    const text = `No attack in the last five minutes. ${plural(open, "alert waits", "alerts wait")} for somebody to look.`;
    return { mood: "waiting", title: "Calm now", text, alerts: [] };
  }
  return {
    mood: "calm",
    title: "Calm",
    text: "No attack in the last five minutes, and nothing waits for you.",
    alerts: [],
  };
}

/** The two kinds with most requests, and how many more. */
function kindsOf(alerts: readonly Alert[]): string {
  const sums = new Map<string, number>();
  for (const alert of alerts) sums.set(alert.category, (sums.get(alert.category) ?? 0) + alert.requests);
  const kinds = [...sums].sort((a, b) => b[1] - a[1]).map(([kind]) => category(kind));
  const more = kinds.length - 2;
  const named = kinds.slice(0, 2).join(", ");
  return more > 0 ? `${named} and ${plural(more, "more kind", "more kinds")}` : named;
}

/** Who did how much, since when, and what became of it. */
function story(alerts: readonly Alert[], now: number): string {
  const requests = alerts.reduce((sum, alert) => sum + alert.requests, 0);
  // Times of the API are all of one form, so that their order is that of the alphabet.
  const [first] = alerts.map((alert) => alert.first).sort();
  const last = alerts
    .map((alert) => alert.last)
    .sort()
    .at(-1);
  const what = `${plural(requests, "request", "requests")} from ${addresses(alerts)} since ${clock(first)}`;
  return `${what}, the last ${ago(last, now)}. ${fate(alerts, requests)}`;
}

function addresses(alerts: readonly Alert[]): string {
  const names = new Set(alerts.flatMap(({ addresses }) => Object.keys(addresses)));
  const isMore = names.delete("(others)");
  return `${isMore ? "more than " : ""}${plural(names.size, "address", "addresses")}`;
}

function fate(alerts: readonly Alert[], requests: number): string {
  const { stopped, observed } = outcome(alerts);
  if (stopped >= requests) return "All of it was stopped.";
  const parts = [
    stopped > 0 ? `${count(stopped)} stopped` : "",
    observed > 0 ? `${count(observed)} reached your API because a policy only observes` : "",
    requests - stopped - observed > 0 ? `${count(requests - stopped - observed)} let through` : "",
  ];
  return `${parts.filter(Boolean).join(", ")}.`;
}
