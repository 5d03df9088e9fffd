import { describe, expect, it } from "vitest";
import type { Alert } from "@/api/types";
import { merge } from "../alerts/incident";
import { judge } from "./verdict";

const NOW = Date.parse("2026-01-31T12:00:00Z");
const at = (seconds: number) => new Date(NOW - seconds * 1000).toISOString();

function alert(part: Partial<Alert>): Alert {
  return {
    id: "a1",
    rule: "attack",
    tenant: "",
    subject: "address:192.0.2.7",
    category: "sqli",
    level: "CRITICAL",
    state: "open",
    title: "SQL injection by 192.0.2.7",
    first: at(60),
    last: at(2),
    requests: 3,
    score: 100,
    why: "",
    actions: { deny: 3 },
    rules: {},
    paths: {},
    routes: {},
    addresses: { "192.0.2.7": 3 },
    examples: [],
    ...part,
  };
}

const mood = (alerts: Alert[], open = alerts.length, requests = 10) => judge({ now: NOW, alerts, open, requests });

describe("the verdict in words", () => {
  it.each([
    ["nothing at all", [], 0, 10, "calm"],
    ["no request yet", [], 0, 0, "silent"],
    ["an attack that goes on", [alert({})], 1, 10, "attack"],
    ["one that somebody has acknowledged and goes on", [alert({ state: "acknowledged" })], 0, 10, "attack"],
    ["one that ended ten minutes ago", [alert({ last: at(600) })], 1, 10, "waiting"],
    ["one that ended and was acknowledged", [alert({ last: at(600), state: "acknowledged" })], 0, 10, "calm"],
    ["something of middle weight", [alert({ level: "MEDIUM" })], 1, 10, "unusual"],
    ["a banned client that keeps trying", [alert({ category: "ban", level: "LOW" })], 1, 10, "waiting"],
    ["more traffic than usual", [alert({ category: "traffic", level: "HIGH" })], 1, 10, "unusual"],
    ["an upstream that fails", [alert({ category: "upstream", level: "HIGH" })], 1, 10, "failing"],
    ["an attack while the upstream fails", [alert({ category: "upstream" }), alert({ id: "b" })], 2, 10, "attack"],
  ] as const)("%s", (_, alerts, open, requests, expected) => {
    expect(mood([...alerts], open, requests).mood).toBe(expected);
  });

  it("adds up what the alerts say, and names the worst first", () => {
    const { title, text, alerts } = mood([
      alert({ id: "x", category: "xss", level: "HIGH", requests: 1_000, actions: { "would deny": 1_000 } }),
      alert({ id: "s", addresses: { "192.0.2.7": 1, "192.0.2.8": 2 } }),
      alert({ id: "t", category: "ssrf", requests: 1, actions: { throttle: 1 } }),
    ]);
    expect(title).toBe("Under attack: Cross-site scripting, SQL injection and 1 more kind");
    expect(text).toContain("1,004 requests from 2 addresses");
    expect(text).toContain("4 stopped, 1,000 reached your API because a policy only observes.");
    expect(alerts.map(({ id }) => id)).toEqual(["s", "t", "x"]);
  });

  it("claims no sum where older alerts are out of sight", () => {
    const say = (alerts: Alert[]) => judge({ now: NOW, alerts, isMore: true, open: 2, requests: 9 }).text;
    expect(say([alert({})])).toMatch(/^At least 3 requests/);
    expect(say([alert({}), alert({ id: "old", last: at(600) })])).toMatch(/^3 requests/);
  });

  it("says when all of it was stopped, and when there were more addresses than it knows", () => {
    const { text } = mood([alert({ addresses: { "192.0.2.7": 2, "(others)": 1 } })]);
    expect(text).toContain("from more than 1 address since");
    expect(text).toContain("All of it was stopped.");
  });
});

describe("news of the feed", () => {
  it("replace what grew, add what is new, and change nothing that was answered later", () => {
    const listed = [alert({ id: "a", state: "acknowledged" }), alert({ id: "b" })];
    const fed = [alert({ id: "a" }), alert({ id: "b", requests: 9 }), alert({ id: "c", last: at(0) })];
    const merged = merge(listed, fed);
    expect(merged.map(({ id, requests, state }) => [id, requests, state])).toEqual([
      ["c", 3, "open"],
      ["a", 3, "acknowledged"],
      ["b", 9, "open"],
    ]);
  });
});
