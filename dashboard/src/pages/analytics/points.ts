// Points of the API, gathered into as many as a chart can show. Sums are added, means are weighed by requests.
import type { Point, Sums } from "@/api/types";

export interface Bucket {
  /** Its beginning, in milliseconds since 1970. */
  time: number;
  requests: number;
  threats: number;
  stopped: number;
  /** Null where nothing was asked. */
  score: number | null;
  categories: Record<string, number>;
}

const SECONDS = [60, 300, 900, 3_600, 10_800, 21_600, 86_400];

/** Requests that the engine judged a threat: the share that the API says, as a number again. */
export const threatsOf = (sums: Sums): number => Math.round(sums.threat_share * sums.requests);
const of = (map: Record<string, number>, ...names: string[]) => names.reduce((sum, name) => sum + (map[name] ?? 0), 0);
/** Requests that were denied or slowed down. */
export const stoppedOf = (sums: Sums): number => of(sums.actions, "deny", "throttle");
/** Requests that would have been, where a policy only watches. */
export const wouldStopOf = (sums: Sums): number => of(sums.would, "deny", "throttle");

/** The length of a bucket in milliseconds, so that at most `most` cover the time from the first point to the last. */
export function grainOf(points: readonly Point[], step: "minute" | "hour", most = 96): number {
  const first = Date.parse(points[0]?.start ?? "");
  const last = Date.parse(points.at(-1)?.start ?? "");
  const least = step === "hour" ? 3_600 : 60;
  const span = Number.isFinite(last - first) ? (last - first) / 1000 : 0;
  const fits = SECONDS.find((seconds) => seconds >= least && span / seconds <= most);
  return (fits ?? 86_400) * 1000;
}

/** Buckets without a gap, from the first point to the last. */
export function bucketsOf(points: readonly Point[], step: "minute" | "hour", most = 96): Bucket[] {
  const grain = grainOf(points, step, most);
  const found = new Map<number, Bucket & { weighed: number }>();
  for (const { start, sums } of points) {
    const time = Math.floor(Date.parse(start) / grain) * grain;
    const bucket = found.get(time) ?? { ...empty(time), weighed: 0 };
    bucket.requests += sums.requests;
    bucket.threats += threatsOf(sums);
    bucket.stopped += stoppedOf(sums);
    bucket.weighed += sums.score_mean * sums.requests;
    for (const [name, amount] of Object.entries(sums.categories)) {
      bucket.categories[name] = (bucket.categories[name] ?? 0) + amount;
    }
    found.set(time, bucket);
  }
  const times = [...found.keys()];
  if (times.length === 0) return [];
  const [from, to] = [Math.min(...times), Math.max(...times)];
  return Array.from({ length: (to - from) / grain + 1 }, (_, index) => {
    const { weighed, ...bucket } = found.get(from + index * grain) ?? { ...empty(from + index * grain), weighed: 0 };
    return { ...bucket, score: bucket.requests > 0 ? weighed / bucket.requests : null };
  });
}

const empty = (time: number): Bucket => ({ time, requests: 0, threats: 0, stopped: 0, score: null, categories: {} });

/** The names with the largest sums, largest first. */
export function leading(sums: Record<string, number>, most: number): string[] {
  return Object.entries(sums)
    .sort(([a, x], [b, y]) => y - x || a.localeCompare(b))
    .slice(0, most)
    .map(([name]) => name);
}

export const OTHER = "other";
/** One row a bucket with a member for each leading category; the rest is together in `other`. */
export function categoryRows(buckets: readonly Bucket[], names: readonly string[]): Record<string, number>[] {
  return buckets.map(({ time, categories }) => {
    const row: Record<string, number> = { time };
    for (const name of names) row[name] = categories[name] ?? 0;
    const all = Object.values(categories).reduce((sum, amount) => sum + amount, 0);
    row[OTHER] = all - names.reduce((sum, name) => sum + (row[name] ?? 0), 0);
    return row;
  });
}

/** How a figure stands against the same time before, in words. */
export function against(now: number, before: number | null, write: (value: number) => string, span: string): string {
  if (before === null) return `no traffic in the ${span} before`;
  const change = now - before;
  const written = write(Math.abs(change));
  if (written === write(0)) return `as in the ${span} before`;
  return `${change > 0 ? "up" : "down"} ${written} on the ${span} before`;
}
