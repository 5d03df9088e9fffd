import { act, renderHook } from "@testing-library/react";
import { expect, it } from "vitest";
import { useRange } from "./range";

const at = (search: string) => {
  window.history.replaceState(null, "", `/x${search}`);
  return renderHook(() => useRange("1h"));
};

it("takes the span of the address, and the fallback for nonsense", () => {
  expect(at("?span=7d").result.current[0]).toMatchObject({ span: "7d", seconds: 604_800, step: "hour" });
  expect(at("").result.current[0]).toMatchObject({ span: "1h", step: "minute" });
  expect(at("?span=9y").result.current[0].span).toBe("1h");
});

it("takes fixed bounds, unless they make no sense", () => {
  const [range] = at("?since=2026-01-01T00:00:00Z&until=2026-01-01T06:00:00Z").result.current;
  expect(range).toMatchObject({ until: "2026-01-01T06:00:00Z", seconds: 21_600, step: "minute" });
  expect(at("?since=b&until=a").result.current[0].span).toBe("1h");
});

it("writes the choice into the address and keeps what else stands there", () => {
  const { result } = at("?open=7");
  act(() => result.current[1]("24h"));
  expect(window.location.search).toBe("?open=7&span=24h");
  expect(result.current[0].span).toBe("24h");
});
