// What the overview asks for. Sums are asked again as soon as the feed shows something harmful, and every few seconds.
import { useEffect, useRef } from "react";
import { useLive } from "@/api/live";
import { queryClient, useApi, useApiKept } from "@/api/queries";
import type { Alert, StatsAnswer } from "@/api/types";
import { LEVELS } from "@/lib/levels";
import type { Range, Span } from "@/lib/range";
import { merge } from "../alerts/incident";

export const FALLBACK: Span = "1h";
export const ONLY: readonly Span[] = ["15m", "1h", "24h"];
const REST_MS = 400;

/** Minutes for what fits on the page as minutes, hours for more. */
export const questionOf = (range: Range) => ({
  since: range.since,
  ...(range.until ? { until: range.until } : {}),
  step: range.seconds > 6 * 3_600 ? ("hour" as const) : ("minute" as const),
});

export const useSums = (range: Range) =>
  useApiKept("/api/v1/stats", { query: questionOf(range) }, { refetchInterval: 5_000 });
export const useSeries = (range: Range) =>
  useApiKept("/api/v1/stats/timeseries", { query: questionOf(range) }, { refetchInterval: 10_000 });

/** Asks for the sums again soon after something harmful went by; again and again while it goes on. */
export function useFreshSums(): void {
  const harmful = useLive((feed) => feed.traffic.find(({ level }) => level !== "" && level !== "LOW")?.id);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => {
    if (!harmful) return;
    // Not started anew by the next one: a flood would put the question off for ever.
    timer.current ??= setTimeout(() => {
      timer.current = undefined;
      void queryClient.invalidateQueries({ predicate: ({ queryKey }) => queryKey[0] === "/api/v1/stats" });
    }, REST_MS);
  }, [harmful]);
  useEffect(() => () => clearTimeout(timer.current), []);
}

/** The latest alerts, and how many are open; the feed's news are in it at once. */
export function useAlerts(): { alerts: readonly Alert[]; open: number } | undefined {
  const fed = useLive((feed) => feed.alerts);
  const { data } = useApi("/api/v1/alerts", { query: { limit: 100 } }, { refetchInterval: 15_000 });
  if (!data) return undefined;
  const { critical, high, medium, low } = data.open;
  return { alerts: merge(data.alerts, fed), open: critical + high + medium + low };
}

/** Requests with a level of MEDIUM or above. */
export const threatsOf = ({ total }: StatsAnswer): number =>
  LEVELS.slice(1).reduce((sum, level) => sum + (total.levels[level] ?? 0), 0);
