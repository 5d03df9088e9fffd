// Once traffic has stopped, every figure of every page is what the API answers, and what Prometheus would be told. The
// figures are read off the page as text and written here a second time, so that the page's own arithmetic is on trial.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { until } from "./harness.mjs";
import { LIMIT, Visit } from "./visit.mjs";

let visit;
let page;
before(async () => {
  visit = await Visit.begin();
  page = visit.page;
  await visit.gateway.traffic();
  // Something of each kind of answer, so that no figure is right for being zero.
  await visit.change("post", "/api/v1/bans", { subject: "192.0.2.222", seconds: 3600, cause: "a test" });
  await visit.gateway.request("/api/products/1", { client: "192.0.2.222" });
  // Who insists is remembered, and banned.
  await until("somebody with a history", async () => {
    await visit.gateway.attacks("198.51.100.180");
    return (await visit.api("/api/v1/subjects?limit=500")).subjects.length > 0;
  });
  await until("every request in the store", async () => (await total()).requests === (await counted()));
}, LIMIT);
after(() => visit?.end());

const total = async () => (await visit.api("/api/v1/stats?step=minute")).total;
/** The samples of a metric, added up where their labels fit. */
async function metric(name, labels = {}) {
  const text = await page.evaluate(() => fetch("/metrics").then((answer) => answer.text()));
  const lines = text.split("\n").filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `));
  assert.ok(lines.length > 0, `no metric ${name}`);
  const fits = (line) => Object.entries(labels).every(([label, value]) => line.includes(`${label}="${value}"`));
  return lines.filter(fits).reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
}
const counted = () => metric("portcullis_requests_total");

const english = (value, digits = 0) => new Intl.NumberFormat("en", { maximumFractionDigits: digits }).format(value);
const percent = (share) => `${english(share * 100, 1)} %`;
const micros = (value) =>
  value < 1_000
    ? `${english(value)} µs`
    : value < 1_000_000
      ? `${(value / 1_000).toFixed(value < 10_000 ? 2 : 1)} ms`
      : `${(value / 1_000_000).toFixed(2)} s`;
const sum = (table, ...names) => names.reduce((all, name) => all + (table[name] ?? 0), 0);
const byMost = (table) => Object.entries(table).sort((a, b) => b[1] - a[1]);
const plain = (text) => text?.replace(/\s+/g, " ").trim();

/** The figure of that name, and the line under it. */
async function stat(name) {
  const list = page.locator("main dl").filter({ has: page.locator("dt", { hasText: new RegExp(`^${name}$`) }) });
  const [value, hint] = await list.first().locator("dd").allTextContents();
  return { value: plain(value), hint: plain(hint) };
}
/** The figures at the right of a ranked list, in its order. */
const ranked = (label) =>
  page.getByRole("list", { name: label, exact: true }).locator("li > span > span:last-child").allTextContents();
/** What a page says is read again until it is what it should be: it asks again by itself. */
const shows = (what, read, expected) =>
  until(
    `${what}: ${JSON.stringify(expected)}`,
    async () => {
      const seen = await read();
      shows.last = `${what} says ${JSON.stringify(seen)}, not ${JSON.stringify(expected)}`;
      return JSON.stringify(seen) === JSON.stringify(expected);
    },
    30_000,
  ).catch(() => assert.fail(shows.last));

test("what the API adds up is what Prometheus is told", LIMIT, async () => {
  const { requests, actions, levels } = await total();
  assert.ok(
    requests > 60 && actions.deny > 10 && sum(levels, "LOW") > 10,
    JSON.stringify({ requests, actions, levels }),
  );
  for (const action of ["allow", "tag", "throttle", "deny"]) {
    assert.equal(await metric("portcullis_requests_total", { action }), actions[action] ?? 0, action);
  }
});

test("overview", LIMIT, async () => {
  await visit.open("/overview?span=1h");
  const { levels, score_mean, threat_share, categories, actions } = await total();
  const threats = sum(levels, "MEDIUM", "HIGH", "CRITICAL");
  const stopped = sum(actions, "deny", "throttle");
  const threatsOf = async () => (await stat("Threats")).value;
  await shows("threats", threatsOf, english(threats));
  assert.equal((await stat("Threats")).hint, `${percent(threat_share)} of requests; ${english(stopped)} stopped`);
  assert.equal((await stat("Mean threat score")).value, `${english(score_mean, 1)} of 100`);
  await shows("requests", async () => (await stat("Requests/s")).hint, `${english(await counted())} since the start`);
  const list = page.getByRole("list", { name: "Threat levels" }).getByRole("listitem");
  await shows("levels", async () => (await list.allTextContents()).map(plain), [
    `Low${english(sum(levels, "LOW"))}`,
    `Medium${english(sum(levels, "MEDIUM"))}`,
    `High${english(sum(levels, "HIGH"))}`,
    `Critical${english(sum(levels, "CRITICAL"))}`,
  ]);
  const kinds = byMost(categories).slice(0, 7);
  await shows(
    "kinds",
    () => ranked("Attack types"),
    kinds.map(([, value]) => english(value)),
  );
  const { leaders } = await visit.api("/api/v1/stats/top?by=address&limit=6&level=MEDIUM,HIGH,CRITICAL");
  await shows(
    "addresses",
    () => ranked("Addresses with most threats"),
    leaders.map(({ requests }) => english(requests)),
  );
  const { open } = await visit.api("/api/v1/alerts?limit=1");
  const alerts = sum(open, "critical", "high", "medium", "low");
  await page.getByRole("region", { name: "Recent alerts" }).getByText(`${alerts} open`, { exact: true }).waitFor();
  const bans = await metric("portcullis_bans");
  assert.ok(bans >= 1);
  const shown = page.locator("main dt", { hasText: /^Bans$/ }).locator("xpath=following-sibling::dd[1]");
  await shows("bans", () => shown.textContent(), english(bans));
});

test("alerts", LIMIT, async () => {
  await visit.open("/alerts?state=all");
  const { alerts, open } = await visit.api("/api/v1/alerts?limit=50");
  assert.ok(alerts.length > 0);
  await page.getByRole("button", { name: `Open (${sum(open, "critical", "high", "medium", "low")})` }).waitFor();
  for (const { id, requests } of alerts) {
    const row = page.locator(`[data-alert="${id}"]`);
    await row.getByText(`${english(requests)} request${requests === 1 ? "" : "s"}`, { exact: true }).waitFor();
  }
  assert.equal(await page.locator("[data-alert]").count(), alerts.length);
});

test("logs", LIMIT, async () => {
  const requests = await counted();
  for (const [query, amount] of [
    ["", requests],
    ["?action=deny", await metric("portcullis_requests_total", { action: "deny" })],
  ]) {
    await visit.open(`/logs${query}`);
    assert.ok(amount <= 100, "more than the first page");
    await page.getByText(`${english(amount)} shown.`, { exact: true }).waitFor();
    assert.equal(await page.getByRole("table", { name: "Exchanges" }).getAttribute("aria-rowcount"), `${amount + 1}`);
  }
  const [entry] = await visit.logged("action=deny");
  const row = page.locator(`[data-row="${entry.id}"]`);
  await row.waitFor();
  const text = plain(await row.innerText());
  for (const part of [entry.client, `${entry.status}`, `${Math.round(entry.score)}`])
    assert.ok(text.includes(part), text);
});

test("subjects", LIMIT, async () => {
  await visit.open("/subjects");
  const { subjects } = await visit.api("/api/v1/subjects?limit=500");
  assert.ok(subjects.length > 0);
  const rows = page.getByRole("table", { name: "Subjects with the highest risk" }).locator("tbody tr");
  await shows("rows", () => rows.count(), subjects.length);
  await page
    .getByText(`${english(subjects.length)} subject${subjects.length === 1 ? "" : "s"}`, { exact: true })
    .waitFor();
  const requests = (await rows.locator("td:nth-child(4)").allTextContents()).map(plain).sort();
  assert.deepEqual(requests, subjects.map((one) => english(one.requests)).sort());
  await page.getByRole("tab", { name: `Bans (${english(await metric("portcullis_bans"))})` }).waitFor();
});

test("analytics", LIMIT, async () => {
  await visit.open("/analytics");
  const { requests, score_mean, threat_share, actions, categories, levels } = await total();
  await shows("requests", async () => (await stat("Requests")).value, english(requests));
  assert.equal((await stat("Mean threat score")).value, `${english(score_mean, 1)} of 100`);
  const threats = sum(levels, "MEDIUM", "HIGH", "CRITICAL");
  assert.deepEqual(await stat("Detection rate"), {
    value: percent(threat_share),
    hint: `${english(threats)} requests judged a threat`,
  });
  assert.deepEqual(await stat("Stopped"), {
    value: english(sum(actions, "deny", "throttle")),
    hint: `${english(sum(actions, "deny"))} denied, ${english(sum(actions, "throttle"))} slowed`,
  });
  for (const [kind, seen] of byMost(categories).slice(0, 8)) {
    const { counted } = await visit.api(`/api/v1/stats/top?by=host&limit=1&category=${kind}&action=deny,throttle`);
    const link = page.locator(`main a[href="/logs?category=${kind}"]`);
    await shows(kind, async () => plain(await link.locator("xpath=../span[1]").textContent()), `${counted} of ${seen}`);
  }
  for (const [by, label] of [
    ["address", "Addresses"],
    ["path", "Paths"],
    ["rule", "Rules"],
  ]) {
    const { leaders } = await visit.api(`/api/v1/stats/top?by=${by}&limit=8&action=deny,throttle`);
    await shows(
      label,
      () => ranked(label),
      leaders.map(({ requests }) => english(requests)),
    );
  }
});

test("performance", LIMIT, async () => {
  await visit.open("/performance");
  const { requests, classes, duration_p50_us, duration_p99_us } = await total();
  const failed = sum(classes, "5xx");
  await shows(
    "failures",
    async () => (await stat("Server errors")).hint,
    `${english(failed)} of ${english(requests)} requests, last hour`,
  );
  const whole = await stat("Whole answer");
  assert.equal(whole.value, micros(duration_p50_us));
  assert.ok(whole.hint.endsWith(`within ${micros(duration_p99_us)}`), whole.hint);
  const median = await page.evaluate(async () => {
    const text = await fetch("/metrics").then((answer) => answer.text());
    const of = /^portcullis_inspection_duration_seconds_bucket\{.*\} /;
    const buckets = text
      .split("\n")
      .filter((line) => of.test(line) && line.includes('stage="inspect"'))
      .map((line) => [/le="([^"]+)"/.exec(line)[1], Number(line.split(" ").at(-1))])
      .map(([bound, amount]) => [bound === "+Inf" ? Number.POSITIVE_INFINITY : Number(bound), amount]);
    const rank = buckets.at(-1)[1] / 2;
    const at = buckets.findIndex(([, amount]) => amount >= rank);
    const [before, under] = at > 0 ? buckets[at - 1] : [0, 0];
    return (before + ((rank - under) / (buckets[at][1] - under)) * (buckets[at][0] - before)) * 1e6;
  });
  await shows("median of inspection", async () => (await stat("Gateway adds")).value, micros(median));
  const { routes } = await visit.api("/api/v1/stats?step=minute");
  const { requests: through } = routes.api;
  await page.getByText(`${english(failed)} of ${english(through)} answers in this time`, { exact: false }).waitFor();
});

test("rules", LIMIT, async () => {
  await visit.open("/rules");
  const rules = await metric("portcullis_rules_loaded");
  const { leaders } = await visit.api("/api/v1/stats/top?by=rule&limit=100");
  await page.getByText(`${english(rules)} rules serve.`, { exact: false }).waitFor();
  const table = page.getByRole("table", { name: "Rules" });
  await shows("rows", () => table.getAttribute("aria-rowcount"), `${rules + 1}`);
  const [{ name, requests }] = leaders.filter((leader) => !leader.name.startsWith("behaviour-"));
  await visit.open(`/rules?q=${name}`);
  const row = page.locator(`[data-row="${name}"]`);
  await shows(name, async () => plain(await row.getByRole("cell").last().textContent()), english(requests));
});

test("audit and settings", LIMIT, async () => {
  await visit.open("/audit");
  const { events } = await visit.api("/api/v1/audit?limit=50");
  assert.ok(events.length > 0);
  const noun = events.length === 1 ? "event" : "events";
  await page.getByText(`${english(events.length)} ${noun}`, { exact: true }).waitFor();
  assert.equal(await page.getByRole("table", { name: "Audit trail" }).locator("tbody tr").count(), events.length);
  await visit.open("/settings");
  const { policies } = await visit.api("/api/v1/config");
  const { tag, throttle, deny } = policies[0].thresholds;
  for (const [name, value] of [
    ["Mark from score", tag],
    ["Slow down from score", throttle],
    ["Deny from score", deny],
  ]) {
    assert.equal(
      plain(await page.locator("dt", { hasText: name }).locator("xpath=following-sibling::dd[1]").textContent()),
      `${value}`,
    );
  }
  assert.deepEqual(page.complaints, []);
});
