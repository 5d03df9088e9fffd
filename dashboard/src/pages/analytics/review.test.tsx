// The queue of stops that may have been wrong: marked, taken back, and seen by whoever may not mark.
import { fireEvent, screen, waitFor } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import type { FeedbackSums } from "@/api/feedback";
import type { LogEntry, StatsAnswer } from "@/api/types";
import type { Range } from "@/lib/range";
import { useSession } from "@/shell/session";
import { type Answers, draw } from "@/test/draw";
import { entryOf } from "../logs/fixture";
import { Review } from "./review";

const RANGE: Range = { span: "24h", since: "2026-01-30T12:00:00.000Z", seconds: 86_400, step: "minute", label: "x" };
const stop = (id: string, feedback = "", more: Partial<LogEntry> = {}): LogEntry =>
  ({
    ...entryOf({
      id: id.repeat(32),
      action: "deny",
      score: 100,
      category: "sqli",
      rules: ["sqli-union-select"],
      why: "UNION joins a second query",
      ...more,
    }),
    feedback,
  }) as LogEntry;

function Known({ stats }: { stats?: StatsAnswer }) {
  return useSession().data ? <Review range={RANGE} stats={stats} /> : null;
}
const logs = (entries: readonly LogEntry[]) => {
  const asked = (query: string) => `GET /api/v1/logs?since=2026-01-30T12%3A00%3A00.000Z&limit=1000&${query}`;
  return {
    [asked("action=deny%2Cthrottle")]: { logs: entries },
    [asked("feedback=false-positive%2Cconfirmed")]: {
      logs: entries.filter((entry) => (entry as { feedback?: string }).feedback),
    },
  };
};
const answers = (role: string, entries: readonly LogEntry[]): Answers => ({
  "GET /api/v1/session": { name: "kim", role, by: "session", must_change_password: false },
  "GET /api/v1/config": { policies: [{ name: "default", thresholds: { tag: 40, throttle: 60, deny: 80 } }] },
  ...logs(entries),
});
const said = (calls: { call: string; body: unknown }[], method: string) =>
  calls.filter(({ call }) => call.startsWith(method)).map(({ call, body }) => [call.split("/").at(-2), body]);

describe("stops worth a second look", () => {
  it("are marked together, each request by its own", async () => {
    const { calls } = draw(<Known />, {
      ...answers("analyst", [stop("a"), stop("b"), stop("c", "", { path: "/other" })]),
      [`PUT /api/v1/logs/${"a".repeat(32)}/feedback`]: {},
      [`PUT /api/v1/logs/${"b".repeat(32)}/feedback`]: {},
    });
    expect(await screen.findByRole("tab", { name: "To look at (2)" })).toBeTruthy();
    const [first] = screen.getAllByRole("button", { name: "False alarm" });
    fireEvent.click(first as HTMLElement);
    await waitFor(() =>
      expect(said(calls, "PUT")).toEqual([
        ["a".repeat(32), { verdict: "false-positive" }],
        ["b".repeat(32), { verdict: "false-positive" }],
      ]),
    );
  });

  it("stand under what they were marked as, with others of their kind, and are taken back there", async () => {
    const { calls } = draw(<Known />, {
      ...answers("analyst", [stop("a"), stop("b", "false-positive"), stop("d", "confirmed", { path: "/x" })]),
      [`DELETE /api/v1/logs/${"b".repeat(32)}/feedback`]: {},
    });
    const tab = await screen.findByRole("tab", { name: "False alarms (1)" });
    expect(screen.getByRole("tab", { name: "To look at (0)" })).toBeTruthy();
    expect(screen.getByRole("tab", { name: "Confirmed (1)" })).toBeTruthy();
    expect(screen.getByText("You have looked at all of them")).toBeTruthy();
    fireEvent.mouseDown(tab, { button: 0 });
    expect(await screen.findByText(/2 requests from 1 client.*1 marked/)).toBeTruthy();
    fireEvent.click(screen.getByRole("button", { name: "Take back" }));
    await waitFor(() => expect(said(calls, "DELETE")).toEqual([["b".repeat(32), undefined]]));
  });

  it("have no buttons for whoever only looks", async () => {
    draw(<Known />, answers("viewer", [stop("a")]));
    expect(await screen.findByText("UNION joins a second query")).toBeTruthy();
    expect(screen.queryByRole("button", { name: "False alarm" })).toBeNull();
    expect(screen.queryByRole("button", { name: "Make an exception" })).toBeNull();
  });

  it("say how often they were right, once somebody has looked", async () => {
    const feedback: Partial<FeedbackSums> = {
      actions: {
        deny: { confirmed: 8, false_positives: 1 },
        tag: { confirmed: 1, false_positives: 0 },
        allow: { confirmed: 5, false_positives: 0 },
      },
      precision: 0.9,
    };
    draw(<Known stats={{ feedback } as unknown as StatsAnswer} />, answers("viewer", []));
    expect(await screen.findByText(/Of 10 stopped or tagged requests/)).toBeTruthy();
    expect(screen.getByText("90 %")).toBeTruthy();
  });
});
