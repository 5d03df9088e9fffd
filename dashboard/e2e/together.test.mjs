// Several people at one gateway: what one of them does, the others see; what somebody says of a verdict stands for all.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { barriers, openPage, shoot, shootWhole } from "./browser.mjs";
import { until } from "./harness.mjs";
import { LIMIT, Visit } from "./visit.mjs";

let visit;
let page;
let other;
before(async () => {
  visit = await Visit.begin();
  page = visit.page;
  await visit.gateway.traffic();
  await visit.logged("action=deny", 10);
  other = await openPage(await visit.newContext());
  await other.goto(visit.gateway.url);
  await visit.logIn(other);
}, LIMIT);
after(() => visit?.end());

test("an alert that somebody acknowledges leaves the others' lists by itself", LIMIT, async () => {
  const [alert] = await until("an alert", async () => {
    const { alerts } = await visit.api("/api/v1/alerts?state=open");
    return alerts.length > 1 && alerts;
  });
  await visit.open("/alerts", other);
  const row = other.locator(`[data-alert="${alert.id}"]`);
  await row.waitFor();
  // Should the page ask again for another reason, that were no proof.
  const asked = [];
  other.on("request", (request) => request.url().includes("/api/v1/alerts") && asked.push(Date.now()));
  await visit.open(`/alerts?open=${encodeURIComponent(alert.id)}`);
  await page
    .getByRole("dialog")
    .getByRole("button", { name: /^Acknowledge/ })
    .click();
  await row.waitFor({ state: "detached" });
  assert.ok(asked.length > 0, "the list was asked for again");
  const { open } = await visit.api("/api/v1/alerts?limit=1");
  const left = open.critical + open.high + open.medium + open.low;
  await other.getByRole("button", { name: `Open (${left})` }).waitFor();
  assert.deepEqual(other.complaints, []);
});

test("a stop is marked as a false alarm, for everybody, and the mark is taken back", LIMIT, async () => {
  await visit.open("/analytics");
  const card = page.getByRole("region", { name: "Worth a second look" });
  const open = card.getByRole("tab", { name: /^To look at/ });
  const amount = async (tab) => Number(/\((\d+)\)/.exec(await tab.textContent())[1]);
  await card.getByRole("button", { name: "False alarm" }).first().waitFor();
  const before = await amount(open);
  assert.ok(before > 0);
  await card.getByRole("button", { name: "False alarm" }).first().click();
  await card.getByRole("tab", { name: "False alarms (1)" }).waitFor();
  assert.equal(await amount(open), before - 1);
  const marked = (await visit.logged("feedback=false-positive")).map(({ id }) => id);
  await card.getByText(/somebody looked at/).waitFor();
  await shootWhole(page, "analytics-marked-dark");
  const found = await barriers(page);
  assert.deepEqual(found, [], found.join("\n"));
  // Somebody else sees it, in the queue and at the record.
  await visit.open("/analytics", other);
  await other.getByRole("tab", { name: "False alarms (1)" }).click();
  await visit.open(`/logs?open=${marked[0]}`, other);
  await other.getByRole("dialog").getByText("A false alarm", { exact: true }).waitFor();
  await shoot(other, "record-marked-dark");
  await card.getByRole("tab", { name: "False alarms (1)" }).click();
  await card.getByRole("button", { name: "Take back" }).click();
  await card.getByRole("tab", { name: "False alarms (0)" }).waitFor();
  assert.equal(await amount(open), before);
  const { logs } = await visit.api("/api/v1/logs?feedback=false-positive,confirmed");
  assert.deepEqual(logs, []);
  assert.deepEqual([...page.complaints, ...other.complaints], []);
});

test("a record takes a mark with what somebody knows of it, as text", LIMIT, async () => {
  const [{ id }] = await visit.logged("action=deny&category=sqli");
  await visit.open(`/logs?open=${id}`);
  const drawer = page.getByRole("dialog");
  await drawer.getByLabel("What you know of it").fill("<img src=x onerror=window.pwned=1>");
  await drawer.getByRole("button", { name: "It was an attack" }).click();
  await drawer.getByText("Confirmed as an attack", { exact: true }).waitFor();
  await drawer.getByText("<img src=x onerror=window.pwned=1>").waitFor();
  const { feedback } = await visit.api(`/api/v1/logs/${id}`);
  assert.deepEqual([feedback.verdict, feedback.author], ["confirmed", "admin"]);
  assert.equal(await page.evaluate(() => window.pwned), undefined);
  const found = await barriers(page);
  assert.deepEqual(found, [], found.join("\n"));
  await visit.open("/logs?feedback=confirmed");
  await page.getByText("1 shown.", { exact: true }).waitFor();
  assert.deepEqual(page.complaints, []);
});

test("a session that is ended in the settings is logged out", LIMIT, async () => {
  await visit.open("/overview", other);
  await visit.open("/settings?tab=sessions");
  const table = page.getByRole("table", { name: "Sessions" });
  const rows = table.locator("tbody tr");
  await until("both sessions", async () => (await rows.count()) === 2);
  await shoot(page, "sessions-dark");
  const found = await barriers(page);
  assert.deepEqual(found, [], found.join("\n"));
  const theirs = rows.filter({ hasNotText: "this one" });
  await theirs.getByRole("button", { name: "End" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "End it" }).click();
  await until("one session", async () => (await rows.count()) === 1);
  await other.reload();
  await other.getByRole("heading", { name: "Log in" }).waitFor();
  await table.getByText("this one").waitFor();
  assert.deepEqual(page.complaints, []);
});
