import { describe, expect, it } from "vitest";
import type { LogEntry, Point } from "@/api/types";
import { histogram, parse, quantile, stageCosts } from "./metrics";
import { endpointsOf, heatOf, rankOf, templateOf } from "./sample";
import { shortly, thinned, timeRows } from "./series";
import { lostOf } from "./upstreams";

const TEXT = `# HELP x Words.
# TYPE x histogram
t_bucket{stage="inspect",le="0.001"} 50
t_bucket{stage="inspect",le="0.002"} 100
t_bucket{stage="inspect",le="+Inf"} 100
t_sum{stage="inspect"} 0.1
t_count{stage="inspect"} 100
t_bucket{stage="never",le="+Inf"} 0
t_sum{stage="never"} 0
t_count{stage="never"} 0
odd{path="a\\"b,c}"} 1
plain 2.5e3
nonsense
`;

describe("Prometheus' text", () => {
  const metrics = parse(TEXT);
  it("is read with labels of any content", () => {
    expect(metrics.get("plain")).toEqual([{ labels: {}, value: 2500 }]);
    expect(metrics.get("odd")).toEqual([{ labels: { path: 'a"b,c}' }, value: 1 }]);
    expect(metrics.has("nonsense")).toBe(false);
  });
  it.each([
    [0.5, 0.001],
    [0.75, 0.0015],
    [0.25, 0.0005],
    [1, 0.002],
  ])("quantile %d", (share, seconds) => {
    const found = histogram(metrics, "t", { stage: "inspect" });
    expect(found && quantile(found, share)).toBeCloseTo(seconds, 9);
  });
  it("beyond all bounds is the last one", () => {
    const buckets = [
      [0.001, 1],
      [Number.POSITIVE_INFINITY, 4],
    ] as const;
    expect(quantile({ buckets, sum: 1, count: 4 }, 0.99)).toBe(0.001);
  });
  it("knows no histogram that is empty or absent", () => {
    expect(histogram(metrics, "t", { stage: "never" })).toBeNull();
    expect(histogram(metrics, "u")).toBeNull();
  });
  it("becomes costs of stages in microseconds", () => {
    const text = TEXT.replaceAll("t_", "portcullis_inspection_duration_seconds_");
    expect(stageCosts(parse(text))).toEqual([
      { stage: "inspect", runs: 100, mean: 1000, p50: 1000, p99: expect.closeTo(1980), total: 0.1 },
    ]);
  });
});

const entry = (over: Partial<LogEntry>) =>
  ({
    time: "2026-01-01T00:00:00Z",
    method: "GET",
    path: "/",
    status: 200,
    upstream: "api",
    duration_us: 500,
    ...over,
  }) as LogEntry;

it("takes numbers and ids out of paths", () => {
  expect(templateOf("/users/42/orders/3f2504e0-4f89-11d3-9a0c-0305e82c3301")).toBe("/users/{…}/orders/{…}");
  expect(templateOf("/v1/wp-admin/setup.php")).toBe("/v1/wp-admin/setup.php");
});

it("ranks endpoints by what they cost, without what was stopped at the door", () => {
  const found = endpointsOf([
    entry({ path: "/a/1", duration_us: 10 }),
    entry({ path: "/a/2", duration_us: 30, status: 502 }),
    entry({ path: "/b", duration_us: 100 }),
    entry({ path: "/b", duration_us: 1, upstream: "", status: 403 }),
  ]);
  expect(found.map(({ name, requests, p50, p99, errors }) => [name, requests, p50, p99, errors])).toEqual([
    ["GET /b", 1, 100, 100, 0],
    ["GET /a/{…}", 2, 10, 30, 1],
  ]);
  expect(rankOf([], 0.5)).toBe(0);
});

it("puts every record into one cell of the heat map", () => {
  const entries = [500, 2_000, 2_500, 9_000_000].map((duration_us, index) =>
    entry({ duration_us, time: new Date(1_000_000 + index * 1000).toISOString() }),
  );
  const heat = heatOf(entries, 3);
  expect(heat?.rows.at(-1)).toBe("≤ 1 ms");
  expect(heat?.rows[0]).toBe("> 3 s");
  expect(heat?.cells.flat().reduce((sum, amount) => sum + amount, 0)).toBe(4);
  expect(heatOf([])).toBeNull();
});

describe("rows over time", () => {
  const point = (start: string, classes: Record<string, number>): Point =>
    ({ start, sums: { classes, duration_p50_us: 1, duration_p90_us: 2, duration_p99_us: 3 } }) as unknown as Point;
  const points = [
    point("2026-01-01T00:00:00Z", { "2xx": 60, "5xx": 6 }),
    point("2026-01-01T00:02:00Z", { "4xx": 120 }),
  ];
  it("have no gaps", () => {
    const rows = timeRows(points, "minute");
    expect(rows.map(({ fine, refused, failed, p99 }) => [fine, refused, failed, p99])).toEqual([
      [1, 0, 0.1, 3],
      [0, 0, 0, null],
      [0, 2, 0, 3],
    ]);
    expect(thinned(rows, 2).map(({ fine, refused }) => [fine, refused])).toEqual([
      [0.5, 0],
      [0, 2],
    ]);
  });
  it("are none where nothing happened", () => expect(timeRows([], "hour")).toEqual([]));
  it("are written shortly", () => {
    expect(shortly("300.0 ms")).toBe("300\u00a0ms");
    expect(shortly("2.13 ms")).toBe("2.13\u00a0ms");
  });
});

it("tells where records were lost, the most first", () => {
  expect(lostOf({})).toEqual({ value: 0, words: "" });
  expect(lostOf({ disk: 2, queue: 15, elsewhere: 1 })).toEqual({
    value: 18,
    words: "the store could not keep up, the disk was full, Elsewhere",
  });
});
