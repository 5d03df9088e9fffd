// From the log-in to the console, and what stands in the table of pages.
import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, it } from "vitest";
import { PAGES } from "@/pages";
import { draw } from "@/test/draw";
import { ChoosePassword, Login } from "./login";
import { useLogout, useSession } from "./session";

describe("log-in", () => {
  const fill = async () => {
    await userEvent.type(screen.getByLabelText("Name"), "admin");
    await userEvent.type(screen.getByLabelText("Password"), "a wrong one");
    await userEvent.click(screen.getByRole("button", { name: "Log in" }));
  };

  it("says that name and password do not go together, not which of them is wrong", async () => {
    const { calls } = draw(<Login />, { "POST /api/v1/login": 401 });
    await fill();
    await screen.findByText("Name and password do not go together.");
    expect(calls).toEqual([{ call: "POST /api/v1/login", body: { name: "admin", password: "a wrong one" } }]);
  });

  it("keeps who has logged in", async () => {
    const me = { name: "admin", role: "admin", by: "session", must_change_password: false };
    const { client } = draw(<Login />, { "POST /api/v1/login": me });
    await fill();
    await waitFor(() => expect(client.getQueryData(["/api/v1/session", null, null])).toEqual(me));
  });
});

it("a new password must be long enough and be typed twice alike", async () => {
  const me = { name: "admin", role: "admin" as const, by: "session", must_change_password: true };
  draw(<ChoosePassword me={me} />);
  const save = screen.getByRole<HTMLButtonElement>("button", { name: "Save and go on" });
  await userEvent.type(screen.getByLabelText("One-time password"), "once");
  await userEvent.type(screen.getByLabelText("New password"), "short");
  expect(screen.getByText("7 more characters")).toBeTruthy();
  await userEvent.type(screen.getByLabelText("New password"), " but longer now");
  await userEvent.type(screen.getByLabelText("New password again"), "another");
  expect(screen.getByText("This is another one.")).toBeTruthy();
  expect(save.disabled).toBe(true);
});

function Both() {
  const { data } = useSession();
  const logout = useLogout();
  if (data === null) return <p>nobody</p>;
  return (
    <button type="button" onClick={() => void logout()}>
      {data?.name ?? "asking"}
    </button>
  );
}

it("logging out shows the log-in and forgets what was seen", async () => {
  const me = { name: "ada", role: "viewer", by: "session", must_change_password: false };
  const { client } = draw(<Both />, { "GET /api/v1/session": me, "POST /api/v1/logout": {} });
  client.setQueryData(["/api/v1/logs", null, null], "secret");
  await userEvent.click(await screen.findByRole("button", { name: "ada" }));
  await screen.findByText("nobody");
  expect(client.getQueryData(["/api/v1/logs", null, null])).toBeUndefined();
});

describe("the table of pages", () => {
  it("has every path and every key once", () => {
    expect(new Set(PAGES.map(({ path }) => path)).size).toBe(PAGES.length);
    expect(new Set(PAGES.map(({ key }) => key)).size).toBe(PAGES.length);
  });
  it.each(PAGES)("$path loads", async ({ path, load }) => {
    expect(path).toMatch(/^\/[a-z]+$/);
    expect(typeof (await load()).default).toBe("function");
  });
});
