// What somebody does in the console must act on the very next requests, and be as easily taken back.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { openPage, settled, shoot } from "./browser.mjs";
import { until } from "./harness.mjs";
import { LIMIT, Visit } from "./visit.mjs";

let visit;
let page;
before(async () => {
  visit = await Visit.begin();
  page = visit.page;
});
after(() => visit?.end());

test("a ban made in the console holds at the proxy, stands in the list, and is lifted there", LIMIT, async () => {
  const [client, other] = ["203.0.113.50", "203.0.113.51"];
  const ask = (from) => visit.gateway.request("/api/products/1", { client: from });
  assert.equal(await ask(client), 200);

  await visit.open(`/subjects?open=${encodeURIComponent(`address:${client}`)}`);
  await page.getByRole("dialog").getByRole("button", { name: "Ban", exact: true }).click();
  const form = page.getByRole("dialog", { name: "Ban somebody" });
  await form.getByLabel("Reason").fill("<b>Scanning</b>");
  await shoot(page, "ban-dark");
  await form.getByRole("button", { name: "Ban", exact: true }).click();
  await form.waitFor({ state: "detached" });
  assert.equal(await ask(client), 403, "banned as soon as the page says so");
  assert.equal(await ask(other), 200, "and nobody else");

  await visit.open("/subjects?tab=bans");
  const row = page.getByRole("row").filter({ hasText: client });
  await row.getByText("<b>Scanning</b>").waitFor();
  await row.getByText("admin", { exact: true }).waitFor();
  const { bans } = await visit.api("/api/v1/bans");
  assert.deepEqual(
    bans.map(({ subject, cause, author }) => [subject, cause, author]),
    [[`address:${client}`, "<b>Scanning</b>", "admin"]],
  );
  await page.getByRole("tab", { name: "Bans (1)" }).waitFor();
  const [refused] = await visit.logged(`address=${client}&status=403`);
  await visit.open(`/logs?address=${client}`);
  await page.locator(`[data-row="${refused.id}"]`).getByText("Banned", { exact: false }).first().waitFor();

  await visit.open("/subjects?tab=bans");
  await row.getByRole("button", { name: "Lift" }).click();
  await page.getByText("Nobody is banned").waitFor();
  assert.equal(await ask(client), 200, "free again");
  assert.deepEqual(page.complaints, []);
});

/** The cells of a CSV file (RFC 4180). */
function cellsOf(text) {
  const rows = [[]];
  const pattern = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n|$)/gy;
  while (pattern.lastIndex < text.length) {
    const [, quoted, plain, end] = pattern.exec(text);
    rows.at(-1).push(quoted === undefined ? plain : quoted.replaceAll('""', '"'));
    if (end === "\r\n") rows.push([]);
  }
  return rows.filter((row) => row.length > 0);
}

test("an exported table is what the API says, and runs in no spreadsheet", LIMIT, async () => {
  const formulas = ["=1+1", "+1", "-1", "@SUM(A1)", '=HYPERLINK("http://203.0.113.9","x")', "a,b;c", "plain"];
  for (const formula of formulas) {
    await visit.gateway.request(`/export?${formula.replaceAll('"', "%22")}`, { client: "192.0.2.150" });
  }
  const logs = await visit.logged("path=/export", formulas.length);
  await visit.open("/logs?path=/export");
  await page.getByRole("button", { name: "Export", exact: true }).click();
  const coming = page.waitForEvent("download");
  await page.getByRole("menuitem", { name: "Table (CSV)" }).click();
  const download = await coming;
  assert.equal(download.suggestedFilename(), "portcullis-logs.csv");
  const [header, ...rows] = cellsOf(await readFile(await download.path(), "utf8"));
  assert.equal(rows.length, logs.length);
  const defused = (text) => (/^[=+\-@\t\r\n]/.test(text) ? `'${text}` : text);
  const columns = ["time", "id", "client", "method", "path", "query", "status", "action", "score", "level", "why"];
  for (const [number, entry] of logs.entries()) {
    for (const column of columns) {
      const at = header.indexOf(column);
      assert.ok(at >= 0, `no column ${column} in ${header}`);
      assert.equal(rows[number][at], defused(String(entry[column])), `${column} of ${entry.id}`);
    }
  }
  const queries = rows.map((row) => row[header.indexOf("query")]);
  for (const sign of ["'=", "'+", "'-", "'@"]) {
    assert.ok(
      queries.some((query) => query.startsWith(sign)),
      `nothing begins with ${sign}: ${queries}`,
    );
  }
  assert.ok(!rows.flat().some((cell) => /^[=+\-@]/.test(cell)), "a cell would be run");
  assert.deepEqual(page.complaints, []);
});

test("a threshold changed in the settings denies what passed before, until it is taken back", LIMIT, async () => {
  const ask = (host) => visit.gateway.request("/fetch?u=http://127.0.0.1/", { client: `192.0.2.${host}` });
  assert.equal(await ask(201), 200);
  const [{ score }] = await visit.logged("path=/fetch");
  assert.ok(score >= 4 && score < 80, `nothing between: ${score}`);
  const deny = Math.floor(score);

  await visit.open("/settings");
  await page.getByRole("button", { name: "Change", exact: true }).click();
  const form = page.getByRole("dialog");
  await form.getByLabel("Mark from score").fill(String(deny - 2));
  await form.getByLabel("Slow down from score").fill(String(deny - 1));
  await form.getByLabel("Deny from score").fill(String(deny));
  await form.getByRole("button", { name: "Show what changes" }).click();
  const lines = await form.getByRole("list", { name: "What changes" }).getByRole("listitem").allTextContents();
  assert.equal(lines.length, 3, lines.join(" | "));
  assert.match(lines.join("\n"), new RegExp(`Deny from score.*80.*${deny}`));
  await form.getByLabel("Why").fill("a trial");
  await shoot(page, "threshold-dark");
  await form.getByRole("button", { name: "Save", exact: true }).click();
  await form.waitFor({ state: "detached" });
  assert.equal(await ask(202), 403, "the next request is judged by it");
  const [denied] = await visit.logged("path=/fetch&action=deny");
  assert.equal(denied.client, "192.0.2.202");

  await visit.open("/settings?tab=history");
  await page.getByText("a trial").waitFor();
  await page.getByRole("button", { name: "Go back to the file" }).click();
  await page.getByText("serves again", { exact: false }).waitFor();
  assert.equal(await ask(203), 200, "as before");
  const { policies, version } = await visit.api("/api/v1/config");
  assert.deepEqual([policies[0].thresholds.deny, version], [80, 2]);
  assert.deepEqual(page.complaints, []);
});

test("a filter's address shows somebody else the same, once they have logged in", LIMIT, async () => {
  await visit.gateway.traffic();
  await visit.logged("action=deny&category=sqli");
  await visit.open("/logs?action=deny&category=sqli");
  await page.locator("[data-row]").first().waitFor();
  const shown = (on) => on.locator("[data-row]").evaluateAll((rows) => rows.map((row) => row.dataset.row));
  const mine = await shown(page);
  const stranger = await visit.newContext();
  const theirs = await openPage(stranger);
  await theirs.goto(page.url());
  await visit.logIn(theirs);
  await settled(theirs);
  assert.equal(theirs.url(), page.url(), "the log-in leads to where the address points");
  await until("the same rows", async () => (await shown(theirs)).join() === mine.join());
  const all = await visit.logged("action=deny&category=sqli");
  assert.deepEqual(
    mine,
    all.map(({ id }) => id),
  );
  assert.ok(await theirs.getByRole("list", { name: "Active filters" }).getByText("Denied", { exact: false }).count());
  assert.deepEqual(theirs.complaints, []);
  await stranger.close();
});
