import { describe, expect, it } from "vitest";
import type { Overlay, Policy } from "@/api/types";
import { changeInWords, differences, isBare, overlayWith, problemOf, touched, warningOf } from "./draft";
import { familiesOf, tokenState } from "./families";
import { partsOf } from "./scale";

const policy: Policy = {
  name: "default",
  mode: "enforce",
  thresholds: { tag: 40, throttle: 60, deny: 80 },
  paranoia: 1,
  exceptions: 0,
  behaviour: true,
  responses: false,
  routes: ["/"],
};
const bare: Overlay = { policies: {}, models: {}, allow: [] };
const made = {
  policies: {
    default: { thresholds: { deny: 80 }, exceptions: [{ rule: "sqli-*", reason: "free text" }] },
    other: { paranoia: 3 },
  },
} as unknown as Overlay;

describe("a draft over the file", () => {
  it("adds what was touched and nothing else", () => {
    expect(overlayWith(bare, "default", { deny: 90 })).toEqual({
      ...bare,
      policies: { default: { thresholds: { deny: 90 } } },
    });
  });
  it("keeps exceptions and other policies", () => {
    expect(overlayWith(made, "default", { mode: "observe", deny: null })).toEqual({
      policies: {
        default: { mode: "observe", exceptions: [{ rule: "sqli-*", reason: "free text" }] },
        other: { paranoia: 3 },
      },
    });
  });
  it("keeps what lies over other things than policies", () => {
    const models = { policies: {}, models: { gate: { weight: 2 } } } as unknown as Overlay;
    expect(overlayWith(models, "default", { tag: 30 })).toMatchObject({ models: { gate: { weight: 2 } } });
    expect(isBare(models)).toBe(false);
    expect(isBare(bare)).toBe(true);
  });
  it("leaves no empty policy behind", () => {
    const one = overlayWith(bare, "default", { mode: "observe" });
    expect(overlayWith(one, "default", { mode: null })).toEqual(bare);
  });
  it("does not count a value that was put back", () => {
    expect(touched(policy, bare, { deny: 80, tag: 30, mode: null })).toEqual({ tag: 30 });
    expect(differences(policy, bare, { deny: 80, mode: null })).toEqual([]);
  });
  it("says what changes in words", () => {
    expect(differences(policy, made, { mode: "off", deny: null, throttle: 101 })).toEqual([
      { name: "Mode", before: "Protecting", after: "Off" },
      { name: "Slow down from score", before: "60", after: "never" },
      { name: "Deny from score", before: "80", after: "as the file says" },
    ]);
  });
});

describe("scores", () => {
  it.each([
    [{}, null],
    [{ tag: 60 }, null],
    [{ deny: 30 }, "ascend"],
    [{ tag: 0 }, "whole numbers"],
    [{ deny: 102 }, "whole numbers"],
    [{ deny: Number.NaN }, "whole numbers"],
    [{ throttle: null, deny: 30 }, "ascend"],
  ])("%j", (draft, words) => {
    const problem = problemOf(policy, draft);
    if (words === null) expect(problem).toBeNull();
    else expect(problem).toContain(words);
  });
  it("become parts of a ruler that cover it", () => {
    expect(partsOf(40, 60, 80).map(({ from, to }) => [from, to])).toEqual([
      [0, 40],
      [40, 60],
      [60, 80],
      [80, 101],
    ]);
    expect(partsOf(40, 101, 101).map(({ action }) => action)).toEqual(["allow", "tag"]);
  });
});

it("warns of what switches protection off", () => {
  expect(warningOf(policy, { mode: "observe" })).toContain("not stopped");
  expect(warningOf(policy, { deny: 101 })).toContain("No request");
  expect(warningOf(policy, { deny: 70 })).toBeNull();
});

it("reads the changes of a version, whatever the policy is called", () => {
  expect(changeInWords({ path: "policies.a.b.thresholds.deny", before: 90 })).toEqual({
    policy: "a.b",
    name: "Deny from score",
    before: "90",
    after: "as the file says",
  });
  expect(changeInWords({ path: "policies.x.exceptions", after: [{}, {}] })).toMatchObject({
    before: "none",
    after: "2 made by API",
  });
  expect(changeInWords({ path: "models.a.b.weight", after: 2 })).toEqual({
    policy: "Model a.b",
    name: "Weight",
    before: "as shipped",
    after: "2",
  });
});

it("finds the parts of the API that a token can be bound to", () => {
  const paths = {
    "/api/v1/logs": {},
    "/api/v1/logs.csv": {},
    "/api/v1/bans/{subject}": {},
    "/api/v1/login": {},
    "/metrics": {},
  };
  expect(familiesOf({ paths })).toEqual(["bans", "logs"]);
  expect(familiesOf(undefined)).toEqual([]);
});

it("tells tokens that have ended from those that will soon", () => {
  const now = Date.parse("2026-01-10T00:00:00Z");
  expect(tokenState("2026-01-09T00:00:00Z", now)).toBe("ended");
  expect(tokenState("2026-01-12T00:00:00Z", now)).toBe("soon");
  expect(tokenState("2026-03-12T00:00:00Z", now)).toBe("good");
  expect(tokenState(undefined, now)).toBe("good");
});
