// The span of time that a page is about: one of a few lengths up to now, or fixed bounds. It lives in the address.
import { useMemo } from "react";
import { useUrlState } from "./url";

export type Span = "15m" | "1h" | "6h" | "24h" | "7d" | "30d";
export const SPANS: readonly { value: Span; label: string; seconds: number }[] = [
  { value: "15m", label: "Last 15 minutes", seconds: 900 },
  { value: "1h", label: "Last hour", seconds: 3_600 },
  { value: "6h", label: "Last 6 hours", seconds: 21_600 },
  { value: "24h", label: "Last 24 hours", seconds: 86_400 },
  { value: "7d", label: "Last 7 days", seconds: 604_800 },
  { value: "30d", label: "Last 30 days", seconds: 2_592_000 },
];

export interface Range {
  /** The length that was chosen; absent where bounds are fixed. */
  span?: Span;
  /** RFC 3339; of a length, rounded down to the step, so that the question stays the same for a while. */
  since: string;
  /** Only where bounds are fixed. */
  until?: string;
  seconds: number;
  step: "minute" | "hour";
  label: string;
}

/** The range in the address (`span=24h`, or `since=…&until=…`), and a function that changes it. */
export function useRange(fallback: Span = "24h"): [Range, (next: Span | { since: string; until: string }) => void] {
  const [values, change] = useUrlState();
  const span = values.get("span");
  const since = values.get("since");
  const until = values.get("until");
  // A new beginning each half minute: within it the key of the query, and so its answer, stays.
  const tick = Math.floor(Date.now() / 30_000);
  const range = useMemo(() => {
    if (since && until && !span) return fixed(since, until) ?? rolling(fallback, tick);
    return rolling(SPANS.some((known) => known.value === span) ? (span as Span) : fallback, tick);
  }, [span, since, until, fallback, tick]);
  const set = (next: Span | { since: string; until: string }) =>
    typeof next === "string"
      ? change({ span: next, since: undefined, until: undefined })
      : change({ span: undefined, ...next });
  return [range, set];
}

function rolling(span: Span, tick: number): Range {
  const known = SPANS.find((entry) => entry.value === span) ?? { value: span, label: span, seconds: 86_400 };
  const step = known.seconds > 86_400 ? "hour" : "minute";
  const grain = step === "hour" ? 3_600_000 : 60_000;
  const begin = Math.floor((tick * 30_000 - known.seconds * 1000) / grain) * grain;
  return { span, since: new Date(begin).toISOString(), seconds: known.seconds, step, label: known.label };
}

function fixed(since: string, until: string): Range | null {
  const [from, to] = [Date.parse(since), Date.parse(until)];
  if (Number.isNaN(from) || Number.isNaN(to) || to <= from) return null;
  const seconds = (to - from) / 1000;
  return { since, until, seconds, step: seconds > 86_400 ? "hour" : "minute", label: "Fixed times" };
}
