// What the newest records say of time: a heat map, and endpoints by what they cost. Pure.
import type { LogEntry } from "@/api/types";

/** Upper bounds of the bands in microseconds; above the last everything else. */
export const BANDS = [1_000, 3_000, 10_000, 30_000, 100_000, 300_000, 1_000_000, 3_000_000] as const;
export const BAND_NAMES = ["1 ms", "3 ms", "10 ms", "30 ms", "100 ms", "300 ms", "1 s", "3 s", "more"] as const;

export interface Heat {
  /** Beginnings of the columns, in milliseconds since 1970. */
  times: number[];
  /** Slowest band first. */
  rows: string[];
  cells: number[][];
}

const bandOf = (micros: number): number => {
  const band = BANDS.findIndex((bound) => micros <= bound);
  return band === -1 ? BANDS.length : band;
};

/** Records by time and duration; bands outside those that occur are left out. */
export function heatOf(entries: readonly LogEntry[], columns = 30): Heat | null {
  const times = entries.map(({ time }) => Date.parse(time)).filter(Number.isFinite);
  if (times.length === 0) return null;
  const from = Math.min(...times);
  const width = Math.max(1, (Math.max(...times) - from) / columns);
  const counts = BAND_NAMES.map(() => new Array<number>(columns).fill(0));
  for (const { time, duration_us } of entries) {
    const column = Math.min(columns - 1, Math.floor((Date.parse(time) - from) / width));
    const row = counts[bandOf(duration_us)];
    if (row && column >= 0) row[column] = (row[column] ?? 0) + 1;
  }
  const used = counts.flatMap((row, band) => (row.some((amount) => amount > 0) ? [band] : []));
  const [low, high] = [Math.min(...used), Math.max(...used)];
  const bands = BAND_NAMES.slice(low, high + 1);
  return {
    times: Array.from({ length: columns }, (_, column) => from + column * width),
    rows: bands.map((name) => (name === "more" ? "> 3 s" : `≤ ${name}`)).reverse(),
    cells: counts.slice(low, high + 1).reverse(),
  };
}

export interface Endpoint {
  name: string;
  method: string;
  path: string;
  requests: number;
  p50: number;
  p99: number;
  /** Microseconds of all of them together: what they cost. */
  total: number;
  errors: number;
}

const VARYING = /^(?:\d+|[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{16,}|(?=.*\d)[\w-]{20,})$/i;
/** A path with the parts that name one thing of many taken out. */
export const templateOf = (path: string): string =>
  path
    .split("/")
    .map((part) => (VARYING.test(part) ? "{…}" : part))
    .join("/");

/** The value that this share of sorted values stays at or below. */
export const rankOf = (sorted: readonly number[], share: number): number =>
  sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;

/** Endpoints by what they cost in all. What was stopped at the door says nothing of the API, and is left out. */
export function endpointsOf(entries: readonly LogEntry[]): Endpoint[] {
  const groups = new Map<string, LogEntry[]>();
  for (const entry of entries) {
    if (!entry.upstream) continue;
    const name = `${entry.method} ${templateOf(entry.path)}`;
    const group = groups.get(name);
    if (group) group.push(entry);
    else groups.set(name, [entry]);
  }
  return [...groups]
    .map(([name, group]) => {
      const times = group.map(({ duration_us }) => duration_us).sort((a, b) => a - b);
      return {
        name,
        method: group[0]?.method ?? "",
        path: templateOf(group[0]?.path ?? ""),
        requests: group.length,
        p50: rankOf(times, 0.5),
        p99: rankOf(times, 0.99),
        total: times.reduce((sum, time) => sum + time, 0),
        errors: group.filter(({ status }) => status >= 500).length,
      };
    })
    .sort((a, b) => b.total - a.total || a.name.localeCompare(b.name));
}
