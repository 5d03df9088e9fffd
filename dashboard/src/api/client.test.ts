import { describe, expect, it, vi } from "vitest";
import { ApiError, address, call, wordsOf } from "./client";

const answer = (status: number, body: string, type = "application/problem+json") =>
  vi.stubGlobal(
    "fetch",
    vi.fn(async () => new Response(status === 204 ? null : body, { status, headers: { "content-type": type } })),
  );

describe("address", () => {
  it("fills in parts and leaves out what is empty", () => {
    const made = address("/api/v1/subjects/{id}", { id: "user:a/b?" }, { limit: 5, q: "", none: undefined });
    expect(made).toBe("/api/v1/subjects/user%3Aa%2Fb%3F?limit=5");
  });
  it("joins several values with commas", () => {
    expect(address("/x", {}, { action: ["deny", "tag"] })).toBe("/x?action=deny%2Ctag");
  });
});

describe("refusals become sentences", () => {
  it.each([
    [422, '{"detail":"the range ends before it begins"}', "The range ends before it begins."],
    [409, '{"title":"Conflict"}', "Conflict."],
    [503, "<html>", "The store does not answer right now."],
    [418, "", "The gateway answered 418."],
  ])("%i %s", async (status, body, expected) => {
    answer(status, body);
    const error = await call("get", "/api/v1/health").catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ApiError);
    expect((error as ApiError).status).toBe(status);
    expect(wordsOf(error)).toBe(expected);
  });

  it("names each problem of a list", async () => {
    answer(422, '{"detail":"two things are wrong","errors":["a","b"]}');
    const error = await call("get", "/api/v1/health").catch((thrown: unknown) => thrown);
    expect((error as ApiError).errors).toEqual(["a", "b"]);
  });

  it("says that nobody answered", async () => {
    vi.stubGlobal(
      "fetch",
      vi.fn(() => Promise.reject(new TypeError("Failed to fetch"))),
    );
    const error = await call("get", "/api/v1/health").catch((thrown: unknown) => thrown);
    expect((error as ApiError).status).toBe(0);
    expect(wordsOf(error)).toContain("does not answer");
  });
});

it("sends JSON with the cookie of this origin only", async () => {
  answer(204, "");
  await call("post", "/api/v1/password", { body: { current: "a", new: "b" } });
  expect(fetch).toHaveBeenCalledWith(
    "/api/v1/password",
    expect.objectContaining({ method: "POST", credentials: "same-origin", body: '{"current":"a","new":"b"}' }),
  );
});
