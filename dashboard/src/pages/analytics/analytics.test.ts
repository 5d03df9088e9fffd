import { describe, expect, it } from "vitest";
import type { LogEntry, Point, Policy } from "@/api/types";
import { doubtsOf, exceptionInWords } from "./doubt";
import { fieldOf } from "./exception";
import { against, bucketsOf, categoryRows, grainOf, leading, OTHER } from "./points";

const point = (start: string, requests: number, score_mean: number, categories: Record<string, number> = {}): Point =>
  ({
    start,
    sums: { requests, score_mean, threat_share: 0.5, actions: { deny: 1 }, would: {}, categories },
  }) as unknown as Point;

describe("buckets", () => {
  const points = [
    point("2026-01-01T00:00:00Z", 10, 2, { sqli: 3 }),
    point("2026-01-01T00:01:00Z", 30, 6, { sqli: 1, xss: 2 }),
    point("2026-01-01T00:10:00Z", 4, 0),
  ];
  it("weigh the mean by requests and leave no gap", () => {
    const found = bucketsOf(points, "minute", 5);
    expect(found.map(({ requests, threats, score }) => [requests, threats, score])).toEqual([
      [40, 20, 5],
      [0, 0, null],
      [4, 2, 0],
    ]);
    expect(categoryRows(found, ["sqli"])[0]).toMatchObject({ sqli: 4, [OTHER]: 2 });
  });
  it("are as fine as the points when these are few, and never finer", () => {
    expect(grainOf(points, "minute")).toBe(60_000);
    expect(grainOf(points, "hour")).toBe(3_600_000);
    expect(grainOf([], "minute")).toBe(60_000);
    expect(bucketsOf([], "hour")).toEqual([]);
  });
});

it("names the largest first", () => {
  expect(leading({ b: 1, a: 1, c: 5 }, 2)).toEqual(["c", "a"]);
});

it("compares with the time before in words", () => {
  expect(against(3, 1, String, "24 hours")).toBe("up 2 on the 24 hours before");
  expect(against(1, 3, String, "7 days")).toBe("down 2 on the 7 days before");
  expect(against(3, 3, String, "7 days")).toBe("as in the 7 days before");
  expect(against(3, null, String, "7 days")).toBe("no traffic in the 7 days before");
});

describe("doubtful stops", () => {
  const policies = [{ name: "default", thresholds: { tag: 40, throttle: 60, deny: 80 } }] as Policy[];
  const entry = (over: Partial<LogEntry>) =>
    ({
      id: "1",
      client: "192.0.2.1",
      method: "GET",
      path: "/a",
      policy: "default",
      action: "deny",
      would: "",
      score: 95,
      rules: ["x"],
      ban: "",
      limit: "",
      why: "why",
      category: "sqli",
      ...over,
    }) as LogEntry;
  const keys = (...entries: LogEntry[]) => doubtsOf(entries, policies).map(({ path }) => path);

  it("are those that one rule alone decided", () => {
    expect(keys(entry({}))).toEqual(["/a"]);
    expect(keys(entry({ rules: ["x", "y"] }))).toEqual([]);
    expect(keys(entry({ rules: ["x", "x"] }))).toEqual(["/a"]);
  });
  it("or those just over their bound", () => {
    expect(keys(entry({ rules: ["x", "y"], score: 89 }))).toEqual(["/a"]);
    expect(keys(entry({ rules: ["x", "y"], score: 90 }))).toEqual([]);
    expect(keys(entry({ rules: ["x", "y"], score: 69, action: "throttle" }))).toEqual(["/a"]);
    expect(keys(entry({ rules: ["x", "y"], score: 85, policy: "unknown" }))).toEqual([]);
  });
  it("and count what would have been stopped", () => {
    expect(keys(entry({ action: "allow", would: "deny" }))).toEqual(["/a"]);
    expect(keys(entry({ action: "allow" }))).toEqual([]);
  });
  it("but neither bans, nor limits, nor a bad history", () => {
    expect(keys(entry({ ban: "address:192.0.2.1" }), entry({ limit: "client" }), entry({ score: 0 }))).toEqual([]);
    expect(keys(entry({ rules: ["x", "behaviour-repeated-attack"], score: 81 }))).toEqual([]);
  });
  it("begin with what hit most clients", () => {
    const found = doubtsOf(
      [
        entry({ path: "/one" }),
        entry({ path: "/one" }),
        entry({ path: "/one" }),
        entry({ path: "/many", client: "192.0.2.2" }),
        entry({ path: "/many", client: "192.0.2.3" }),
      ],
      policies,
    );
    expect(found.map(({ path, requests, clients }) => [path, requests, clients])).toEqual([
      ["/many", 2, 2],
      ["/one", 3, 1],
    ]);
  });
});

it("says where an exception would hold", () => {
  expect(exceptionInWords({ rule: "x", policy: "p", field: "json:comment", path: "/c" })).toBe(
    "The rule x no longer looks in the field json:comment of /c, under the policy p.",
  );
  expect(exceptionInWords({ rule: "x", policy: "p" })).toBe(
    "The rule x no longer looks at anything, under the policy p.",
  );
  expect(fieldOf({ location: "json", field: "comment" })).toBe("json:comment");
  expect(fieldOf({ location: "path", field: "" })).toBe("path");
  expect(fieldOf(undefined)).toBe("");
});
