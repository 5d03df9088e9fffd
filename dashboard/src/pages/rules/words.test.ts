// Choosing among rules, what exceptions say, who made them, and rules as YAML.
import { describe, expect, it } from "vitest";
import type { Analysis, Rule, Version } from "@/api/types";
import { choose, headersFrom, madeBy, trialSentence, weightWords, whereWords, yaml } from "./words";

const rule = (id: string, part: Partial<Rule> = {}): Rule =>
  ({
    id,
    name: id.replaceAll("-", " "),
    why: "",
    category: "sqli",
    severity: "critical",
    score: 90,
    tags: ["cwe:89"],
    paranoia: 1,
    phase: "request",
    origin: "",
    ...part,
  }) as Rule;
const RULES = [
  rule("sqli-union-select"),
  rule("sqli-comment", { severity: "low", paranoia: 2 }),
  rule("xss-script-tag", { category: "xss", tags: ["cwe:79"] }),
  rule("leak-card", { category: "data-leak", phase: "response" }),
];
const idsOf = (rules: Rule[]) => rules.map(({ id }) => id);

describe("choosing rules", () => {
  const none = new Map<string, number>();
  it.each([
    [{}, ["sqli-union-select", "sqli-comment", "xss-script-tag", "leak-card"]],
    [{ q: "CWE:79" }, ["xss-script-tag"]],
    [{ q: "select sqli" }, ["sqli-union-select"]],
    [{ category: "sqli", severity: "low" }, ["sqli-comment"]],
    [{ category: "xss,data-leak" }, ["xss-script-tag", "leak-card"]],
    [{ phase: "response" }, ["leak-card"]],
    [{ paranoia: "2" }, ["sqli-comment"]],
    [{ q: "nothing of the kind" }, []],
  ])("%j", (filter, ids) => {
    expect(idsOf(choose(RULES, filter, none))).toEqual(ids);
  });

  it("shows the most matched first", () => {
    const matches = new Map([
      ["xss-script-tag", 3],
      ["sqli-comment", 7],
    ]);
    expect(idsOf(choose(RULES, { matched: "yes" }, matches))).toEqual(["sqli-comment", "xss-script-tag"]);
  });
});

describe("words", () => {
  it("says what a weight does alone", () => {
    const thresholds = { tag: 40, throttle: 60, deny: 80 };
    expect(weightWords(90, thresholds)).toContain("deny");
    expect(weightWords(60, thresholds)).toContain("slow");
    expect(weightWords(15, thresholds)).toContain("a hint");
    expect(weightWords(15, undefined)).toBe("15 of 100");
  });

  it("says where an exception holds", () => {
    expect(whereWords({ reason: "" })).toBe("everywhere");
    expect(whereWords({ reason: "", field: "json:comment", path: "/api/*" })).toBe(
      "in json:comment, on paths that begin with /api/",
    );
  });

  it("finds who made an exception", () => {
    const exception = { rule: "a", reason: "because", policy: "default" };
    const version = (number: number, author: string, has: boolean) =>
      ({
        version: number,
        author,
        made: `2026-01-0${number}T00:00:00Z`,
        overlay: { policies: { default: { exceptions: has ? [{ rule: "a", reason: "because" }] : [] } } },
      }) as unknown as Version;
    const versions = [
      version(1, "eve", true),
      version(2, "eve", false),
      version(3, "kim", true),
      version(4, "lee", true),
    ];
    expect(madeBy(exception, versions)?.author).toBe("kim");
    expect(madeBy({ ...exception, rule: "b" }, versions)).toBeUndefined();
  });

  it.each([
    [{ route: "/", mode: "enforce", enforced: "deny", verdict: { action: "deny" } }, "It would be denied with 403"],
    [{ route: "/", mode: "observe", enforced: "allow", verdict: { action: "deny" } }, "Enforced, it would be denied"],
    [{ route: "/", mode: "off", enforced: "allow", verdict: { action: "allow" } }, "the policy is off"],
    [{ mode: "enforce", enforced: "allow", verdict: { action: "allow" } }, "answer 404"],
  ])("%j", (analysis, words) => {
    expect(trialSentence({ policy: "default", ...analysis } as unknown as Analysis)).toContain(words);
  });

  it("reads headers, and says which line is none", () => {
    expect(headersFrom("A: 1\n\nB:2:3 ").headers).toEqual([
      { name: "A", value: "1" },
      { name: "B", value: "2:3" },
    ]);
    expect(headersFrom("A: 1\nnonsense").wrong).toBe("nonsense");
  });

  it("writes rules as YAML", () => {
    const text = yaml({
      id: "a-b",
      tags: ["cwe:89"],
      match: { regex: "it's \\d+" },
      any: [{ has: "x y" }, { is: "yes" }],
      count: 2,
    });
    expect(text).toBe(
      "\nid: a-b\ntags: ['cwe:89']\nmatch:\n  regex: 'it''s \\d+'\nany:\n  - has: x y\n  - is: 'yes'\ncount: 2\n",
    );
  });
});
