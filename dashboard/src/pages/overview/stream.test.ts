import { expect, it } from "vitest";
import { entryOf } from "../logs/fixture";
import { behind } from "./stream";

const at = (id: string, second: number) =>
  entryOf({ id, time: `2026-01-31T12:00:${String(second).padStart(2, "0")}.000Z` });
const ids = (rows: readonly { id: string }[]) => rows.map(({ id }) => id).join("");

it("shows what came before the page was opened below what the feed brings, each once", () => {
  const before = [at("c", 30), at("b", 20), at("a", 10)];
  expect(ids(behind([], before))).toBe("cba");
  expect(ids(behind([at("e", 50), at("c", 30)], before))).toBe("ecba");
  // What the sample left out between its own stays out: there the order would jump while somebody reads.
  expect(ids(behind([at("e", 50), at("d", 25)], before))).toBe("edba");
});
