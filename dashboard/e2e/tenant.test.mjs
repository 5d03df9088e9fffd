// Who belongs to a tenant: the pages that they have, without a refusal behind any of them, and on them their own traffic
// and nothing of others'.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { barriers, openPage, shootWhole } from "./browser.mjs";
import { until } from "./harness.mjs";
import { LIMIT, Visit } from "./visit.mjs";

const OWN_PASSWORD = "what a tenant's analyst chose";
let visit;
let page;
before(async () => {
  visit = await Visit.begin({ config: { tenants: { shop: { hosts: ["shop.test"] } } } });
  const { status, answer } = await visit.change("post", "/api/v1/users", {
    name: "kim",
    role: "analyst",
    tenant: "shop",
  });
  assert.equal(status, 201, JSON.stringify(answer));
  for (let number = 0; number < 12; number += 1) {
    await visit.gateway.request(`/own/${number}`, { headers: { host: "shop.test" }, client: "192.0.2.31" });
    await visit.gateway.request(`/foreign/${number}`, { headers: { host: "other.test" }, client: "192.0.2.32" });
  }
  for (const host of ["shop.test", "other.test"]) {
    const target = `/${host === "shop.test" ? "own" : "foreign"}/attack?id=1%27%20UNION%20SELECT%20password%20FROM%20users--`;
    await visit.gateway.request(target, { headers: { host }, client: `198.51.100.${host.length}` });
  }
  await visit.logged("", 26);
  const context = await visit.newContext();
  page = await openPage(context);
  await page.goto(visit.gateway.url);
  await page.getByLabel("Name", { exact: true }).fill("kim");
  await page.getByLabel("Password", { exact: true }).fill(answer.one_time_password);
  await page.getByRole("button", { name: "Log in" }).click();
  await page.getByLabel("One-time password", { exact: true }).fill(answer.one_time_password);
  await page.getByLabel("New password", { exact: true }).fill(OWN_PASSWORD);
  await page.getByLabel("New password again", { exact: true }).fill(OWN_PASSWORD);
  await page.getByRole("button", { name: "Save and go on" }).click();
  await page.locator('[data-connection="live"]').waitFor();
}, LIMIT);
after(() => visit?.end());

test("they land on an overview of their own traffic", LIMIT, async () => {
  await page.waitForURL(/\/overview$/);
  await visit.open("/overview", page);
  const { total } = await visit.api("/api/v1/stats?step=minute", page);
  assert.equal(total.requests, 13);
  const figure = (name) => page.locator(`[data-figure="${name}"]`).textContent();
  await until("their figures", async () => (await figure("requests")) === "13" && (await figure("threats")) === "1");
  await page.getByRole("list", { name: "Live traffic" }).getByText("/own/attack").waitFor();
  await visit.gateway.request("/own/now", { headers: { host: "shop.test" } });
  await visit.gateway.request("/foreign/now", { headers: { host: "other.test" } });
  await page.getByRole("list", { name: "Live traffic" }).getByText("/own/now").waitFor();
  await shootWhole(page, "tenant-overview-dark");
});

test("every page of theirs is whole, without barriers, a refusal, or anything of others", LIMIT, async () => {
  const links = page.getByRole("navigation", { name: "Pages" }).getByRole("link");
  const paths = await links.evaluateAll((all) => all.map((link) => link.getAttribute("href")));
  assert.deepEqual(paths, ["/overview", "/alerts", "/logs", "/analytics", "/settings"]);
  page.complaints.length = 0;
  for (const path of paths) {
    await visit.open(path, page);
    const text = await page.locator("main").innerText();
    assert.doesNotMatch(text, /foreign|other\.test|192\.0\.2\.32/, path);
    assert.doesNotMatch(text, /does not allow/, path);
    const found = await barriers(page);
    assert.deepEqual(found, [], found.join("\n"));
    assert.deepEqual(page.complaints, [], path);
  }
});

test("what is not theirs says so", LIMIT, async () => {
  await page.goto(`${visit.gateway.url}/subjects`);
  await page.getByText("This page is about everybody’s traffic").waitFor();
});
