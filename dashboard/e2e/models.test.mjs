// The page of the models with the models at work: they are up, their votes are counted and shown as the API has them, and
// what each was measured to be stands beside it.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { after, before, test } from "node:test";
import { barriers, settled, shoot, shootWhole } from "./browser.mjs";
import { until } from "./harness.mjs";
import { LIMIT, Visit } from "./visit.mjs";

const library = resolve(process.env.ONNXRUNTIME ?? "../target/lib/libonnxruntime.so");
const manifest = resolve("../models/artifacts/manifest.json");

let visit;
let page;
before(async () => {
  assert.ok(existsSync(library), `${library} is missing: run \`make onnxruntime\` first`);
  visit = await Visit.begin({
    // Time enough on any machine, and everybody is asked.
    config: { ensemble: { enabled: true, manifest, library, deadline: "1s", deep: "always" } },
  });
  page = visit.page;
  await visit.gateway.traffic();
  await visit.gateway.traffic();
  await until("votes", async () => (await list()).some(({ counts }) => counts.votes > 0));
}, LIMIT);
after(() => visit?.end());

const list = async () => (await visit.api("/api/v1/models")).models;
const english = (value) => new Intl.NumberFormat("en").format(value);

test("every model that is switched on is up, and its votes are those of the API", LIMIT, async () => {
  await visit.open("/models");
  const models = await list();
  const down = models.filter(({ state }) => state === "down");
  assert.deepEqual(down, []);
  const up = models.filter(({ state }) => state === "up").length;
  assert.ok(up >= 10, `only ${up} are up`);
  await page.getByText(`${up} of ${models.length}`, { exact: true }).waitFor();
  const table = page.getByRole("table", { name: "Models" });
  for (const { name, counts } of models) {
    const row = table.getByRole("row").filter({ has: page.getByText(name, { exact: true }) });
    assert.equal(await row.getByRole("cell").nth(3).textContent(), english(counts.votes), `votes of ${name}`);
  }
  const deep = models.find(({ name }) => name === "character-cnn");
  assert.ok(deep.counts.votes > 0, "a deep model was asked, too");
  assert.deepEqual(page.complaints, []);
});

for (const scheme of ["dark", "light"]) {
  test(`in ${scheme}: without barriers, wide and on a phone, with one opened`, LIMIT, async () => {
    await page.emulateMedia({ colorScheme: scheme });
    for (const [width, height, name] of [
      [1440, 900, "wide"],
      [390, 844, "phone"],
    ]) {
      await page.setViewportSize({ width, height });
      for (const [path, part] of [
        ["/models", "on"],
        ["/models?open=character-cnn", "open"],
      ]) {
        await visit.open(path);
        if (part === "open") {
          await page.getByRole("tab", { name: "Measured" }).click();
          await page.getByText("Attacks detected, by harmless requests wronged").waitFor();
          await page.getByRole("heading", { name: "What was taken for what" }).waitFor();
        }
        await settled(page);
        await (part === "on" ? shootWhole : shoot)(page, `models-${part}-${scheme}-${name}`);
        const found = await barriers(page);
        assert.deepEqual(found, [], found.join("\n"));
        const over = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
        assert.ok(over <= 0, `${name}: ${over} px wider than the window`);
      }
    }
    await page.setViewportSize({ width: 1440, height: 900 });
    assert.deepEqual(page.complaints, []);
  });
}

test("what people say of verdicts is each model's accuracy, and the CNN stands against the BiLSTM", LIMIT, async () => {
  const stops = await visit.logged("action=deny&category=sqli", 3);
  for (const [number, { id }] of stops.slice(0, 3).entries()) {
    const verdict = number === 0 ? "false-positive" : "confirmed";
    const { status } = await visit.change("put", `/api/v1/logs/${id}/feedback`, { verdict });
    assert.equal(status, 200);
  }
  await visit.open("/models");
  const { total } = await visit.api("/api/v1/stats/feedback?step=minute");
  assert.deepEqual([total.confirmed, total.false_positives], [2, 1]);
  const list = page.getByRole("list", { name: "Accuracy by marks" });
  await list.waitFor();
  for (const [name, { caught, missed, wronged, cleared }] of Object.entries(total.models)) {
    const share = (caught + cleared) / (caught + missed + wronged + cleared);
    const written = `${new Intl.NumberFormat("en", { maximumFractionDigits: 1 }).format(share * 100)} %`;
    const row = list.getByRole("listitem").filter({ has: page.getByText(name, { exact: true }) });
    if ((await row.count()) > 0) assert.match(await row.textContent(), new RegExp(`${written}$`), name);
  }
  assert.ok((await list.getByRole("listitem").count()) >= 8);
  const card = page.getByRole("region", { name: "CNN against BiLSTM" });
  const { counted, both, neither } = await visit.api("/api/v1/models/compare?a=character-cnn&b=bilstm");
  if (counted > 0) await card.getByText(`of ${english(counted)} requests on which both voted`).waitFor();
  else await card.getByText("No request yet on which both voted").waitFor();
  assert.ok(both + neither <= counted);
  await page.getByRole("region", { name: "What they said" }).getByLabel("Model").waitFor();
  await shootWhole(page, "models-marked-dark");
  const found = await barriers(page);
  assert.deepEqual(found, [], found.join("\n"));
  assert.deepEqual(page.complaints, []);
});

test("the record of an attack names who voted", LIMIT, async () => {
  const [entry] = await visit.logged("action=deny&category=sqli");
  await visit.open(`/logs?open=${entry.id}`);
  const drawer = page.getByRole("dialog");
  await drawer.waitFor();
  const { verdict } = await visit.api(`/api/v1/logs/${entry.id}`);
  const { votes } = verdict.ensemble;
  assert.ok(votes.length > 0);
  for (const { model } of votes) await drawer.getByText(model, { exact: true }).first().waitFor();
});
