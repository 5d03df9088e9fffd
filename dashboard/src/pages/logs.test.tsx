// The page of the logs as somebody uses it: rows, the drawer that says why, the filter in the address, inert text.
import { fireEvent, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, describe, expect, it } from "vitest";
import { useSession } from "@/shell/session";
import { type Answers, draw } from "@/test/draw";
import Logs from "./logs";
import { entryOf } from "./logs/fixture";

const ATTACK = `/search"><img src=x onerror="window.pwned=1">`;
const attack = entryOf({
  id: "a".repeat(32),
  path: ATTACK,
  action: "deny",
  status: 403,
  score: 92,
  level: "CRITICAL",
  category: "xss",
  rules: ["xss-script-tag"],
  why: "A script element stands in the value.",
});
const verdict = {
  score: 92,
  level: "CRITICAL",
  category: "xss",
  action: "deny",
  evidence: [
    {
      rule: "xss-script-tag",
      name: "Script element",
      why: attack.why,
      category: "xss",
      severity: "critical",
      score: 92,
      tags: [],
      location: "query",
      field: "q",
      excerpt: "<script>x",
      mark: [0, 8],
      range: [0, 8],
      form: "text",
    },
  ],
  stages_us: { signature: 80 },
};
const ANSWERS: Answers = {
  "GET /api/v1/session": { name: "kim", role: "analyst", by: "session", must_change_password: false },
  "GET /api/v1/logs": { logs: [attack, entryOf()] },
  [`GET /api/v1/logs/${attack.id}`]: { entry: attack, record: { path: ATTACK }, timings_us: { inspect: 90 }, verdict },
  "GET /api/v1/config": { policies: [{ name: "default", thresholds: { tag: 40, throttle: 60, deny: 80 } }] },
};

/** Below the login somebody is known before a page is drawn. */
function Known() {
  return useSession().data ? <Logs /> : null;
}

describe("the logs", () => {
  beforeEach(() => window.history.replaceState(null, "", "/logs?live=off"));

  const drawn = (answers: Answers = ANSWERS) => draw(<Known />, answers);

  it("shows what happened, and why, with the attack as text", async () => {
    const { container } = drawn();
    const row = await screen.findByText(ATTACK);
    expect(screen.getAllByText("Denied").length).toBeGreaterThan(0);
    fireEvent.click(row);
    const drawer = await screen.findByRole("dialog");
    expect(await within(drawer).findByText(/stopped and never reached your API \(score 92 of 100\)/)).toBeTruthy();
    expect(await within(drawer).findByText(/The policy denies from 80 on/)).toBeTruthy();
    expect(within(drawer).getByText("<script>").tagName).toBe("MARK");
    expect(within(drawer).getByRole("link", { name: "About this rule" }).getAttribute("href")).toBe(
      "/rules?open=xss-script-tag",
    );
    expect(container.ownerDocument.querySelector("img,script,[onerror]")).toBeNull();
    expect(window.location.search).toContain(`open=${attack.id}`);
  });

  it("asks what the address says, and puts the filter there", async () => {
    window.history.replaceState(null, "", "/logs?live=off&level=CRITICAL&rule=xss-script-tag");
    const { calls } = drawn();
    await waitFor(() =>
      expect(calls.some(({ call }) => /level=CRITICAL/.test(call) && /rule=xss-script-tag/.test(call))).toBe(true),
    );
    await userEvent.selectOptions(screen.getByLabelText("Action"), "deny");
    await waitFor(() => expect(calls.at(-1)?.call).toMatch(/action=deny/));
    expect(window.location.search).toContain("action=deny");
  });

  it("says so when nothing fits, and when it cannot be loaded", async () => {
    window.history.replaceState(null, "", "/logs?live=off&level=CRITICAL");
    const first = drawn({ ...ANSWERS, "GET /api/v1/logs": { logs: [] } });
    expect(await screen.findByText("Nothing fits this filter")).toBeTruthy();
    first.unmount();
    drawn({ ...ANSWERS, "GET /api/v1/logs": 503 });
    expect(await screen.findByText(/refused with 503/i)).toBeTruthy();
  });
});
