// CNN against BiLSTM: where they agree, and where they differ, with what attackers wrote as text.
import { screen, within } from "@testing-library/react";
import { expect, it } from "vitest";
import { draw } from "@/test/draw";
import type { Comparison, Model } from "./api";
import { Networks } from "./compare";

const model = (name: string, view: string): Model =>
  ({
    name,
    view,
    role: "vote",
    state: "up",
    shadow: false,
    weight: 1,
    counts: { votes: 10, agreed: 4, denials: 3, skipped: {} },
  }) as unknown as Model;
const PAIR = [model("lstm", "sequence"), model("character-cnn", "characters"), model("bilstm", "sequence")];
const ATTACK = "GET /<img src=x onerror=alert(1)>";
const FOUND: Comparison = {
  a: "character-cnn",
  b: "bilstm",
  counted: 200,
  looked_at: 5_000,
  complete: false,
  both: 40,
  only_a: 3,
  only_b: 7,
  neither: 150,
  disagreements: [
    {
      id: "a".repeat(32),
      time: "2026-01-31T12:00:00.000Z",
      request: ATTACK,
      action: "allow",
      a: 0.93,
      b: 0.12,
      feedback: "confirmed",
    },
  ],
};

it("sets the one that reads from both ends against the CNN", async () => {
  const { calls, container } = draw(<Networks models={PAIR} />, { "GET /api/v1/models/compare": FOUND });
  expect(await screen.findByText("95 %")).toBeTruthy();
  expect(calls[0]?.call).toMatch(/a=character-cnn&b=bilstm&since=/);
  const list = screen.getByRole("list", { name: "Where they differ most" });
  expect(within(list).getByText(ATTACK)).toBeTruthy();
  expect(within(list).getByText("was an attack")).toBeTruthy();
  expect(within(list).getByRole("link").getAttribute("href")).toContain(`open=${"a".repeat(32)}`);
  expect(container.querySelector("img")).toBeNull();
});

it("says so where they never voted on the same request, and is silent where one is missing", async () => {
  const nothing = { ...FOUND, counted: 0, both: 0, only_a: 0, only_b: 0, neither: 0, disagreements: [] };
  draw(<Networks models={PAIR} />, { "GET /api/v1/models/compare": nothing }).container;
  expect(await screen.findByText("No request yet on which both voted")).toBeTruthy();
  const { container } = draw(<Networks models={PAIR.slice(0, 1)} />);
  expect(container.textContent).toBe("");
});
