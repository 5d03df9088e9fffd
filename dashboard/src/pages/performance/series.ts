// Points of the API as rows of charts: requests a second by the class of their answer, and times.
import type { Point } from "@/api/types";

export type TimeRow = {
  time: number;
  fine: number;
  refused: number;
  failed: number;
  p50: number | null;
  p90: number | null;
  p99: number | null;
};

/** One row a minute or hour without a gap; in a gap nothing was asked, and there is no time to tell. */
export function timeRows(points: readonly Point[], step: "minute" | "hour"): TimeRow[] {
  const grain = step === "hour" ? 3_600_000 : 60_000;
  const found = new Map(points.map((point) => [Date.parse(point.start), point.sums]));
  const times = [...found.keys()];
  if (times.length === 0) return [];
  const [from, to] = [Math.min(...times), Math.max(...times)];
  return Array.from({ length: Math.round((to - from) / grain) + 1 }, (_, index) => {
    const time = from + index * grain;
    const sums = found.get(time);
    const rate = (...classes: string[]) =>
      classes.reduce((sum, name) => sum + (sums?.classes[name] ?? 0), 0) / (grain / 1000);
    return {
      time,
      fine: rate("1xx", "2xx", "3xx"),
      refused: rate("4xx"),
      failed: rate("5xx"),
      p50: sums?.duration_p50_us ?? null,
      p90: sums?.duration_p90_us ?? null,
      p99: sums?.duration_p99_us ?? null,
    };
  });
}

/** At most so many rows of rates: neighbours become their mean. */
export function thinned(rows: readonly TimeRow[], most = 90): Pick<TimeRow, "time" | "fine" | "refused" | "failed">[] {
  const together = Math.max(1, Math.ceil(rows.length / most));
  return Array.from({ length: Math.ceil(rows.length / together) }, (_, index) => {
    const group = rows.slice(index * together, (index + 1) * together);
    const mean = (key: "fine" | "refused" | "failed") => group.reduce((sum, row) => sum + row[key], 0) / group.length;
    return { time: group[0]?.time ?? 0, fine: mean("fine"), refused: mean("refused"), failed: mean("failed") };
  });
}

/** Microseconds for an axis: no decimals that say nothing. */
export const shortly = (words: string): string => words.replace(/(?:\.0+)? /, "\u00a0");
