// Who is logged in: one's own sessions, or everybody's for an admin; one is ended after a question.
import { fireEvent, screen, waitFor, within } from "@testing-library/react";
import { expect, it } from "vitest";
import { useSession } from "@/shell/session";
import { draw } from "@/test/draw";
import { Sessions } from "./sessions";

const session = (id: string, user: string, current = false) => ({
  id,
  user,
  source: "192.0.2.7",
  opened: "2026-01-31T12:00:00.000Z",
  last_used: "2026-01-31T12:30:00.000Z",
  current,
});
function Known() {
  return useSession().data ? <Sessions /> : null;
}
const answers = (role: string) => ({
  "GET /api/v1/session": { name: "kim", role, by: "session", must_change_password: false },
  "GET /api/v1/sessions": { sessions: [session("a1", "kim", true), session("b2", "<b>ada</b>")] },
  "DELETE /api/v1/sessions/b2": {},
});

it("shows an admin everybody, and ends one", async () => {
  const { calls } = draw(<Known />, answers("admin"));
  const row = (await screen.findByText("<b>ada</b>")).closest("tr") as HTMLElement;
  expect(screen.getAllByText("this one")).toHaveLength(1);
  fireEvent.click(within(row).getByRole("button", { name: "End" }));
  fireEvent.click(await screen.findByRole("button", { name: "End it" }));
  await waitFor(() => expect(calls.some(({ call }) => call === "DELETE /api/v1/sessions/b2")).toBe(true));
});

it("names nobody to whoever only sees their own", async () => {
  draw(<Known />, answers("viewer"));
  expect(await screen.findAllByText("192.0.2.7")).toHaveLength(2);
  expect(screen.queryByText("<b>ada</b>")).toBeNull();
});
