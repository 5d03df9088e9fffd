import { describe, expect, it } from "vitest";
import { accuracyOf, type FeedbackSums } from "@/api/feedback";
import type { VoteSeries } from "./api";
import { accuracies, accuracyRows, saidRows, speaking } from "./series";

const judged = (caught: number, missed: number, wronged: number, cleared: number) => ({
  caught,
  missed,
  wronged,
  cleared,
});
const votes = (all: number, agreed: number) => ({
  votes: all,
  agreed,
  flagged: 0,
  flagged_agreed: 0,
  probability_mean: 0.5,
});
const [one, two] = ["2026-01-31T12:00:00.000Z", "2026-01-31T13:00:00.000Z"];

describe("accuracy", () => {
  it("is the share of marked records that were seen rightly", () => {
    expect(accuracyOf(judged(3, 1, 2, 4))).toBe(0.7);
    expect(accuracyOf(judged(0, 0, 0, 0))).toBeNull();
  });
  it("ranks the best first and leaves out whoever was never judged", () => {
    const models = { a: judged(1, 1, 0, 0), b: judged(2, 0, 0, 0), c: judged(0, 0, 0, 0), d: judged(9, 0, 0, 0) };
    expect(accuracies(models, ["a", "b", "c"]).map(({ name, accuracy }) => [name, accuracy])).toEqual([
      ["b", 1],
      ["a", 0.5],
    ]);
  });
  it("counts all marks up to each point, and skips points without any", () => {
    const points: { start: string; sums: Pick<FeedbackSums, "models"> }[] = [
      { start: one, sums: { models: { a: judged(1, 0, 0, 0) } } },
      { start: "2026-01-31T12:30:00.000Z", sums: { models: {} } },
      { start: two, sums: { models: { a: judged(0, 1, 0, 0), b: judged(0, 0, 1, 0) } } },
    ];
    expect(accuracyRows(points, ["a", "b"])).toEqual([
      { time: Date.parse(one), a: 1, b: null },
      { time: Date.parse(two), a: 0.5, b: 0 },
    ]);
  });
});

it("tells what they said, with gaps where they said nothing", () => {
  const points: VoteSeries["points"] = [
    { start: one, requests: 9, flagged: 1, models: { a: votes(4, 1) } },
    { start: two, requests: 9, flagged: 1, models: { a: votes(0, 0), b: votes(2, 2) } },
  ];
  expect(speaking(points, ["b", "a", "z"])).toEqual(["b", "a"]);
  expect(saidRows(points, ["a", "b"])).toEqual([
    { time: Date.parse(one), a: 0.25, b: null },
    { time: Date.parse(two), a: null, b: 1 },
  ]);
});
