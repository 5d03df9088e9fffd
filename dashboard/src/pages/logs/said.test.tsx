// What people say of a verdict: by its buttons, by whom, and taken back.
import { fireEvent, screen, waitFor } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import type { LogDetail, LogEntry } from "@/api/types";
import { useSession } from "@/shell/session";
import { draw } from "@/test/draw";
import { entryOf } from "./fixture";
import { markWords, Said } from "./said";

const ID = "1".repeat(32);
const detailOf = (part: Partial<LogEntry>, feedback?: object) =>
  ({ entry: entryOf(part), record: {}, timings_us: {}, feedback }) as unknown as LogDetail;
function Known({ detail }: { detail: LogDetail }) {
  return useSession().data ? <Said detail={detail} /> : null;
}
const answers = (role: string) => ({
  "GET /api/v1/session": { name: "kim", role, by: "session", must_change_password: false },
  [`PUT /api/v1/logs/${ID}/feedback`]: {},
  [`DELETE /api/v1/logs/${ID}/feedback`]: {},
});
const SAID = { verdict: "false-positive", comment: "<i>free text</i>", author: "ada", at: "2026-01-31T12:00:00.000Z" };

describe("what is said of a verdict", () => {
  it("is a mark with a comment", async () => {
    const { calls } = draw(<Known detail={detailOf({ action: "deny" })} />, answers("analyst"));
    fireEvent.change(await screen.findByLabelText("What you know of it"), { target: { value: " a test of ours " } });
    fireEvent.click(screen.getByRole("button", { name: "False alarm" }));
    await waitFor(() =>
      expect(calls.find(({ call }) => call.startsWith("PUT"))?.body).toEqual({
        verdict: "false-positive",
        comment: "a test of ours",
      }),
    );
  });

  it("is shown with who said it, and taken back", async () => {
    const { calls, container } = draw(<Known detail={detailOf({ action: "deny" }, SAID)} />, answers("analyst"));
    expect(await screen.findByText("A false alarm")).toBeTruthy();
    expect(screen.getByText("<i>free text</i>")).toBeTruthy();
    expect(container.querySelector("i")).toBeNull();
    fireEvent.click(screen.getByRole("button", { name: "Take back" }));
    await waitFor(() => expect(calls.some(({ call }) => call.startsWith("DELETE"))).toBe(true));
  });

  it("is only read by whoever may not change it", async () => {
    draw(<Known detail={detailOf({ action: "deny" }, SAID)} />, answers("viewer"));
    expect(await screen.findByText("A false alarm")).toBeTruthy();
    expect(screen.queryByRole("button")).toBeNull();
  });

  it("names what passed as missed", async () => {
    expect(markWords("confirmed", entryOf())).toBe("An attack that was missed");
    expect(markWords("confirmed", entryOf({ would: "deny" }))).toBe("Confirmed as an attack");
    draw(<Known detail={detailOf({})} />, answers("analyst"));
    expect(await screen.findByRole("button", { name: "It was an attack" })).toBeTruthy();
    expect(screen.queryByRole("button", { name: "False alarm" })).toBeNull();
  });
});
