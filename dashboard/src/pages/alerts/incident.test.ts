import { describe, expect, it } from "vitest";
import type { Alert } from "@/api/types";
import { buckets, fits, isClient, outcome, ranked, records } from "./incident";

const alert = (part: Partial<Alert> = {}): Alert => ({
  id: "a1",
  rule: "attack",
  tenant: "",
  subject: "address:192.0.2.7",
  category: "sqli",
  level: "HIGH",
  state: "open",
  title: "SQL injection by 192.0.2.7",
  first: "2026-01-31T12:00:00.000Z",
  last: "2026-01-31T12:10:00.000Z",
  requests: 3,
  score: 70,
  why: "",
  actions: {},
  rules: {},
  paths: {},
  routes: { "/": 3 },
  addresses: {},
  examples: [],
  ...part,
});

describe("an alert", () => {
  it("says how many were stopped and how many only observed", () => {
    const actions = { deny: 5, throttle: 2, tag: 1, allow: 9, "would deny": 4, "would throttle": 1 };
    expect(outcome([{ actions }, { actions: { deny: 1 } }])).toEqual({ stopped: 8, observed: 5 });
  });

  it.each([
    [{}, true],
    [{ state: "open", level: "MEDIUM", category: "sqli", subject: "address:192.0.2.7" }, true],
    [{ state: "acknowledged" }, false],
    [{ level: "HIGH" }, true],
    [{ level: "CRITICAL" }, false],
    [{ category: "xss" }, false],
    [{ subject: "address:192.0.2.8" }, false],
  ])("is listed under %j: %s", (filters, expected) => {
    expect(fits(alert(), filters as Record<string, string>)).toBe(expected);
  });

  it.each([
    ["by client and kind", {}, { subject: "address:192.0.2.7", category: "sqli" }],
    [
      "by a whole IPv6 address",
      { subject: "address:2001:db8::1" },
      { subject: "address:2001:db8::1", category: "sqli" },
    ],
    ["by route where it has many clients", { subject: "" }, { route: "/", category: "sqli" }],
    ["by a subject that records do not name", { subject: "system:64500" }, { route: "/", category: "sqli" }],
    ["by status where the upstream fails", { category: "upstream", subject: "" }, { route: "/", status: "5xx" }],
    ["without a kind where it is none of a record", { category: "ban" }, { subject: "address:192.0.2.7" }],
    ["of several routes", { subject: "", routes: { a: 1, b: 2 } }, { category: "sqli" }],
  ])("finds its records %s", (_, part, expected) => {
    const { since, until, ...rest } = records(alert(part)) ?? {};
    expect(rest).toEqual(expected);
    expect([since, until]).toEqual(["2026-01-31T11:59:00.000Z", "2026-01-31T12:10:01.000Z"]);
  });

  it.each([
    ["address:2001:db8::1", true],
    ["user:0123456789abcdef", true],
    ["route:/api", false],
    ["", false],
  ])("about %j is about a client: %s", (subject, expected) => {
    expect(isClient({ subject })).toBe(expected);
  });

  it("asks for no records where silence was the trouble", () => {
    expect(records(alert({ category: "silence" }))).toBeUndefined();
  });
});

describe("times in parts", () => {
  it("puts every time into one part, the first and the last too", () => {
    const times = [100_000, 100_500, 139_999, 140_000];
    const rows = buckets(times, 40);
    expect(rows).toHaveLength(40);
    expect(rows.reduce((sum, { requests }) => sum + requests, 0)).toBe(4);
    expect(rows[0]).toEqual({ time: 100_000, requests: 2 });
  });
  it("makes nothing of nothing", () => expect(buckets([], 40)).toEqual([]));
});

it("ranks a table, most first, then by name", () => {
  expect(ranked({ b: 1, c: 3, a: 1 })).toEqual([
    ["c", 3],
    ["a", 1],
    ["b", 1],
  ]);
});
