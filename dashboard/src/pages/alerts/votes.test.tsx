import { render, screen } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { opinionOf, Votes } from "./votes";

const said = {
  probability: 0.93,
  confidence: 0.8,
  agreeing: 1,
  voting: 2,
  effect: "raised",
  votes: [
    { model: "gate", probability: 0.97, agrees: true },
    { model: "cnn", probability: 0.2, agrees: false },
    { model: "new", probability: 0.5, agrees: true, shadow: true },
  ],
};

describe("votes of the models", () => {
  it.each([
    ["no record", undefined],
    ["no verdict", {}],
    ["no models", { verdict: { score: 3 } }],
    ["no votes", { verdict: { ensemble: { ...said, votes: [] } } }],
    ["votes of another shape", { verdict: { ensemble: { votes: [{ model: 3 }, null, "x"] } } }],
  ])("are not made up: %s", (_, record) => {
    expect(opinionOf({ record: record as never })).toBeUndefined();
  });

  it("are shown one by one, with what they did together", () => {
    const opinion = opinionOf({ record: { verdict: { ensemble: said } } as never });
    if (!opinion) throw new Error("there are votes");
    render(<Votes opinion={opinion} />);
    expect(screen.getByText("1 of 2 models take it for an attack")).toBeTruthy();
    expect(screen.getByText("Together: 93 % likely. They raised the score.")).toBeTruthy();
    expect(screen.getAllByRole("listitem").map((item) => item.textContent)).toEqual([
      "gate97 %Attack",
      "cnn20 %Harmless",
      "new50 %No say",
    ]);
  });
});
