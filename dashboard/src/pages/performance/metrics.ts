// What the page needs of Prometheus' text format, and quantiles as Prometheus itself reckons them.

export interface Sample {
  labels: Record<string, string>;
  value: number;
}
export type Metrics = ReadonlyMap<string, readonly Sample[]>;

export interface Histogram {
  /** Upper bounds in seconds with the number of values at or below each; the last is infinite. */
  buckets: readonly (readonly [number, number])[];
  sum: number;
  count: number;
}

const LINE = /^([A-Za-z_:][\w:]*)(?:\{(.*)\})? (\S+)/;
const LABEL = /(\w+)="((?:[^"\\]|\\.)*)"/g;

/** Every sample by the name of its metric. Lines that are none are passed over. */
export function parse(text: string): Metrics {
  const found = new Map<string, Sample[]>();
  for (const line of text.split("\n")) {
    const [, name, inner = "", written] = LINE.exec(line) ?? [];
    if (!name || written === undefined) continue;
    const labels: Record<string, string> = {};
    for (const [, label, value] of inner.matchAll(LABEL)) {
      if (label) labels[label] = (value ?? "").replace(/\\(.)/g, (_, sign: string) => (sign === "n" ? "\n" : sign));
    }
    const list = found.get(name) ?? [];
    list.push({ labels, value: number(written) });
    found.set(name, list);
  }
  return found;
}
const number = (text: string): number =>
  text === "+Inf" ? Number.POSITIVE_INFINITY : text === "-Inf" ? Number.NEGATIVE_INFINITY : Number(text);

const fits = (sample: Sample, labels: Record<string, string>) =>
  Object.entries(labels).every(([name, value]) => sample.labels[name] === value);

/** The histogram of a metric with these labels; null where there is none, or nothing in it. */
export function histogram(metrics: Metrics, name: string, labels: Record<string, string> = {}): Histogram | null {
  const one = (suffix: string) => metrics.get(name + suffix)?.find((sample) => fits(sample, labels))?.value;
  const buckets = (metrics.get(`${name}_bucket`) ?? [])
    .filter((sample) => fits(sample, labels))
    .map(({ labels: { le = "" }, value }) => [number(le), value] as const)
    .sort(([a], [b]) => a - b);
  const total = one("_count");
  if (!total || buckets.length === 0) return null;
  return { buckets, sum: one("_sum") ?? 0, count: total };
}

/** The value that this share stays below, straight between the bounds of its bucket; in seconds. */
export function quantile({ buckets }: Histogram, share: number): number {
  const total = buckets.at(-1)?.[1] ?? 0;
  if (total === 0) return Number.NaN;
  const rank = share * total;
  let [below, least] = [0, 0];
  for (const [bound, count] of buckets) {
    if (count >= rank) {
      if (bound === Number.POSITIVE_INFINITY) return least;
      return count > below ? least + (bound - least) * ((rank - below) / (count - below)) : bound;
    }
    [below, least] = [count, bound];
  }
  return least;
}

export interface StageCost {
  stage: string;
  runs: number;
  /** Microseconds. */
  mean: number;
  p50: number;
  p99: number;
  /** Seconds in all. */
  total: number;
}

/** What the stages of inspection have cost since the start; those that never ran are left out. */
export function stageCosts(metrics: Metrics): StageCost[] {
  const name = "portcullis_inspection_duration_seconds";
  const stages = new Set((metrics.get(`${name}_count`) ?? []).map(({ labels }) => labels.stage ?? ""));
  return [...stages].flatMap((stage) => {
    const found = histogram(metrics, name, { stage });
    if (!found) return [];
    const micro = (seconds: number) => seconds * 1e6;
    return [
      {
        stage,
        runs: found.count,
        mean: micro(found.sum / found.count),
        p50: micro(quantile(found, 0.5)),
        p99: micro(quantile(found, 0.99)),
        total: found.sum,
      },
    ];
  });
}
