import { describe, expect, it } from "vitest";
import type { Model } from "./api";
import { agreementOf, networks, oneIn, sharesOf, standingOf, startOf, strictest } from "./words";

const model = (over: Partial<Model>): Model =>
  ({
    name: "gate",
    role: "vote",
    state: "up",
    shadow: false,
    weight: 1,
    counts: { votes: 8, agreed: 2, denials: 1, skipped: {} },
    ...over,
  }) as Model;

describe("whether a model has a say", () => {
  it.each([
    [{}, "Up"],
    [{ shadow: true }, "Only shown"],
    [{ weight: 0 }, "No weight"],
    [{ weight: 0, role: "classifier" }, "Up"],
    [{ state: "off" as const }, "Off"],
    [{ state: "down" as const, shadow: true }, "Down"],
  ])("%j", (over, word) => expect(standingOf(model(over)).word).toBe(word));
  it("says why it is down", () => {
    expect(standingOf(model({ state: "down", why: "no runtime" })).why).toBe("no runtime");
  });
});

it("tells shares as people do", () => {
  expect(agreementOf(model({}))).toBe(0.25);
  expect(agreementOf(model({ counts: { votes: 0, agreed: 0, denials: 0, skipped: {} } }))).toBeNull();
  expect(oneIn(0.0005)).toBe("1 in 2,000");
  expect(oneIn(0)).toBe("none");
  expect(oneIn(undefined)).toBe("not measured");
});

it("takes the strictest of what was measured", () => {
  const at = [0.01, 0.001].map((wronged) => ({
    wronged,
    threshold: 0,
    detected: 1,
    interval: [0, 1] as [number, number],
  }));
  expect(strictest({ at, classes: [], sources: [] })?.wronged).toBe(0.001);
  expect(strictest(null)).toBeUndefined();
});

it("makes shares of rows, also of empty ones", () => {
  expect(
    sharesOf({
      labels: ["a", "b"],
      rows: [
        [3, 1],
        [0, 0],
      ],
    }),
  ).toEqual([
    [0.75, 0.25],
    [0, 0],
  ]);
});

it("compares the networks only where both are there", () => {
  const cnn = model({ name: "character-cnn" });
  expect(networks([cnn])).toBeNull();
  expect(networks([model({ name: "bilstm" }), cnn])?.map(({ name }) => name)).toEqual(["character-cnn", "bilstm"]);
});

it("shows the part of a curve that matters, in order", () => {
  const roc = [1, 0.04, 0, 0.01].map((wronged) => ({ wronged, detected: 0.9 + wronged / 10 }));
  expect(startOf(roc).map(({ wronged }) => wronged)).toEqual([0, 0.01, 0.04]);
  expect(startOf(roc, 0).length).toBe(4);
});
