import { describe, expect, it } from "vitest";
import * as format from "./format";

describe("figures", () => {
  it.each([
    [format.count(1234567), "1,234,567"],
    [format.brief(9999), "9,999"],
    [format.brief(12345), "12.3K"],
    [format.percent(0.1234), "12.3 %"],
    [format.percent(0.00001), "< 0.1 %"],
    [format.percent(0), "0 %"],
    [format.rate(4.26), "4.3/s"],
    [format.micros(850), "850 µs"],
    [format.micros(1500), "1.50 ms"],
    [format.micros(45_600), "45.6 ms"],
    [format.micros(2_500_000), "2.50 s"],
    [format.bytes(1023), "1,023 B"],
    [format.bytes(1536), "1.5 KiB"],
    [format.duration(3_725), "1 h 2 min"],
    [format.duration(0), "0 s"],
    [format.count(null), "–"],
    [format.micros(undefined), "–"],
    [format.percent(Number.NaN), "–"],
  ])("%s is %s", (made, expected) => {
    expect(made).toBe(expected);
  });
});

describe("times and names", () => {
  const now = Date.UTC(2026, 0, 2, 12, 0, 0);
  it.each([
    [now - 2_000, "just now"],
    [now - 42_000, "42 s ago"],
    [now - 3_600_000, "1 h ago"],
    [now + 7_200_000, "in 2 h"],
    ["nonsense", "–"],
    ["", "–"],
  ])("%s is %s", (when, expected) => {
    expect(format.ago(when, now)).toBe(expected);
  });
  it.each([
    ["sqli", "SQL injection"],
    ["xss", "Cross-site scripting"],
    ["path-traversal", "Path traversal"],
    ["nosql", "NoSQL injection"],
    ["", "–"],
  ])("%s reads %s", (slug, expected) => {
    expect(format.category(slug)).toBe(expected);
  });
});
