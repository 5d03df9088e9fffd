// The console as a person meets it: the real binary, a real browser, real traffic. One story, told in order; each part
// leaves the console logged in. Parts about a page are told once that page stands in the table of pages.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { barriers, launch, openPage, settled, shoot, shootWhole } from "./browser.mjs";
import { Gateway, PATIENCE, pages, until } from "./harness.mjs";

const PASSWORD = "a password of one's own";
const has = (path) => pages.includes(path);
const story = (name, run) => test(name, { timeout: 5 * PATIENCE }, run);
const onPage = (path, name, run) => has(path) && story(name, run);

let gateway;
let browser;
let context;
let page;

before(async () => {
  gateway = await Gateway.start();
  browser = await launch();
  context = await browser.newContext({ viewport: { width: 1440, height: 900 }, colorScheme: "dark", locale: "en-GB" });
  page = await openPage(context);
});
after(async () => {
  await browser?.close();
  await gateway?.stop();
});

/** Asks the API as the page would, with its session. */
const api = (path) => page.evaluate((path) => fetch(path).then((answer) => answer.json()), path);
const fill = (label, text) => page.getByLabel(label, { exact: true }).fill(text);
const visit = async (path) => {
  await page.goto(gateway.url + path);
  await settled(page);
};

story("a stranger logs in with the one-time password and has to choose another", async () => {
  await page.goto(gateway.url);
  await page.getByRole("heading", { name: "Log in" }).waitFor();
  await shoot(page, "login-dark");
  assert.deepEqual(await barriers(page), []);
  await fill("Name", "admin");
  await fill("Password", "certainly not this one");
  await page.getByRole("button", { name: "Log in" }).click();
  await page.getByText("Name and password do not go together.").waitFor();
  await fill("Password", gateway.oneTimePassword());
  await page.getByRole("button", { name: "Log in" }).click();
  await page.getByRole("heading", { name: "Choose a password" }).waitFor();
  await shoot(page, "choose-password-dark");
  assert.deepEqual(await barriers(page), []);
  await fill("One-time password", gateway.oneTimePassword());
  await fill("New password", PASSWORD);
  await fill("New password again", PASSWORD);
  await page.getByRole("button", { name: "Save and go on" }).click();
  await page.locator('[data-connection="live"]').waitFor();
});

story("the policy lets nothing run that is written into the page", async () => {
  const { status, headers } = await page.evaluate(async () => {
    const answer = await fetch("/", { headers: { accept: "text/html" } });
    return { status: answer.status, headers: Object.fromEntries(answer.headers) };
  });
  assert.equal(status, 200);
  assert.match(headers["content-security-policy"], /script-src 'self';/);
  assert.doesNotMatch(headers["content-security-policy"], /unsafe|\*|data:|https?:/);
  // A mistake of the server's, made on purpose: a script, a style and a handler within the page itself.
  const planted = await openPage(context);
  await planted.route(`${gateway.url}/`, async (route) => {
    const response = await route.fetch();
    const nasty =
      "<style>body{display:none}</style><script>window.pwned='script'</script><img src=x onerror=window.pwned=1>";
    await route.fulfill({ response, body: (await response.text()).replace("</body>", `${nasty}</body>`) });
  });
  await planted.goto(gateway.url);
  // To newer Chromium a document from the test's hand has no place on the network and may open no socket: the fallback
  // does it then.
  await planted.locator('[data-connection="live"], [data-connection="events"]').waitFor();
  await until("the refusals", () => planted.complaints.length >= 3);
  const refused = planted.complaints.join("\n");
  assert.match(refused, /inline script.*script-src 'self'/s);
  assert.match(refused, /inline style.*style-src 'self'/s);
  assert.match(refused, /event handler.*script-src 'self'/s);
  assert.equal(await planted.evaluate(() => window.pwned), undefined);
  assert.notEqual(await planted.evaluate(() => getComputedStyle(document.body).display), "none");
  await planted.close();
  // A mistake of the page's: text that is taken for markup, a call to elsewhere.
  const seen = await page.evaluate(async () => {
    const directives = [];
    document.addEventListener("securitypolicyviolation", (event) => directives.push(event.effectiveDirective));
    let thrown = "nothing";
    try {
      document.createElement("div").innerHTML = "<img src=x onerror=window.pwned=1>";
    } catch (error) {
      thrown = error.name;
    }
    new Image().src = "http://127.0.0.2:9/pixel";
    await fetch("http://127.0.0.2:9/leak").catch(() => {});
    for (let turn = 0; directives.length < 3 && turn < 100; turn += 1)
      await new Promise((done) => setTimeout(done, 50));
    return { directives: directives.sort(), thrown, pwned: window.pwned ?? null };
  });
  assert.deepEqual(seen, {
    directives: ["connect-src", "img-src", "require-trusted-types-for"],
    thrown: "TypeError",
    pwned: null,
  });
  page.complaints.length = 0;
});

story("what is nothing stays nothing: the API's 404 is JSON, an unknown page says so", async () => {
  const answer = await page.evaluate(async () => {
    const got = await fetch("/api/v1/none", { headers: { accept: "text/html" } });
    return [got.status, got.headers.get("content-type")];
  });
  assert.deepEqual(answer, [404, "application/problem+json"]);
  await page.goto(`${gateway.url}/no-such-page`);
  await page.getByText("There is no such page").waitFor();
});

story("keys: help opens and closes, the first stop of Tab is the way past the navigation", async () => {
  await page.goto(gateway.url);
  await page.locator('[data-connection="live"]').waitFor();
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement?.textContent), "Skip to the page");
  await page.keyboard.press("?");
  await page.getByRole("dialog", { name: "Keys" }).waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("dialog", { name: "Keys" }).waitFor({ state: "detached" });
});

onPage("/overview", "an attack is on the overview within a second", async () => {
  await visit("/overview");
  const status = await gateway.request("/live/4711?id=1%27%20UNION%20SELECT%20password%20FROM%20users--", {
    client: "198.51.100.200",
  });
  const from = Date.now();
  assert.equal(status, 403);
  const row = page.locator("main").getByText("/live/4711").first();
  await row.waitFor();
  const took = Date.now() - from;
  // The page promises a second; a machine that is busy with other tests gets three.
  assert.ok(took <= (process.env.CI ? 3_000 : 1_000), `it took ${took} ms`);
  await row.click();
  await page.waitForURL(/\/logs\?.*open=/);
  await page.getByRole("dialog").getByText("UNION", { exact: false }).first().waitFor();
  assert.ok((await page.getByRole("dialog").locator("mark").count()) > 0, "the evidence is marked");
});

story("traffic of all kinds goes through", async () => {
  await gateway.traffic();
  await until(
    "all requests are in the store",
    async () => (await api("/api/v1/stats?step=minute")).total.requests >= 60,
  );
});

for (const scheme of ["dark", "light"]) {
  for (const path of pages) {
    story(`${path} in ${scheme}: without barriers, complaints or a run payload, wide and on a phone`, async () => {
      await page.emulateMedia({ colorScheme: scheme });
      page.complaints.length = 0;
      for (const [width, height, name] of [
        [1440, 900, "wide"],
        [390, 844, "phone"],
      ]) {
        await page.setViewportSize({ width, height });
        await visit(path);
        await shootWhole(page, `${path.slice(1)}-${scheme}-${name}`);
        const found = await barriers(page);
        assert.deepEqual(found, [], found.join("\n"));
        const { over, pwned, planted } = await page.evaluate(() => ({
          over: document.documentElement.scrollWidth - window.innerWidth,
          pwned: window.pwned,
          planted: document.querySelectorAll(
            "main script, main img, main iframe, [onerror], [onload], a[href^='javascript']",
          ).length,
        }));
        assert.ok(over <= 0, `${name}: ${over} px wider than the window`);
        assert.equal(pwned, undefined, "a stored payload ran");
        assert.equal(planted, 0, "a stored payload became an element");
      }
      assert.equal(await page.locator("html").getAttribute("data-theme"), scheme);
      await page.setViewportSize({ width: 1440, height: 900 });
      assert.deepEqual(page.complaints, []);
    });
  }
}

onPage("/logs", "a filter can be shared by its address, and opened from it", async () => {
  await visit("/logs?action=deny");
  await page.locator("main").getByText("Denied", { exact: true }).filter({ visible: true }).first().waitFor();
  const other = await openPage(context);
  await other.goto(page.url());
  await settled(other);
  await other.getByRole("list", { name: "Active filters" }).getByText("Denied", { exact: false }).waitFor();
  const { logs } = await api("/api/v1/logs?action=deny&limit=1");
  await other.goto(`${gateway.url}/logs?open=${logs[0].id}`);
  const drawer = other.getByRole("dialog");
  await drawer.waitFor();
  await drawer.getByText(logs[0].id, { exact: false }).first().waitFor();
  await shoot(other, "logs-open-dark");
  const found = await barriers(other);
  assert.deepEqual(found, [], found.join("\n"));
  assert.deepEqual(other.complaints, []);
  await other.close();
});

onPage("/alerts", "an alert is opened, says why and what to do, and is acknowledged", async () => {
  const { alerts } = await until("an alert", async () => {
    const list = await api("/api/v1/alerts?state=open");
    return list.alerts.length > 0 && list;
  });
  await visit(`/alerts?open=${encodeURIComponent(alerts[0].id)}`);
  const button = page.getByRole("button", { name: /^Acknowledge/ }).first();
  await button.waitFor();
  await shoot(page, "alert-open-light");
  const found = await barriers(page);
  assert.deepEqual(found, [], found.join("\n"));
  await button.click();
  await until("the acknowledgement", async () => {
    const { alert } = await api(`/api/v1/alerts/${encodeURIComponent(alerts[0].id)}`);
    return alert.state === "acknowledged" && alert.acknowledged_by === "admin";
  });
});

story("the connection is lost, says so, and comes back by itself", async () => {
  await page.goto(gateway.url);
  await page.locator('[data-connection="live"]').waitFor();
  await page.waitForFunction(() => !document.querySelector("main .animate-wait"));
  await gateway.down();
  await page.locator('[data-connection="lost"]').waitFor();
  await page.getByText("The connection to the gateway is lost.", { exact: false }).waitFor();
  await shoot(page, "connection-lost-light");
  await gateway.up();
  await page.locator('[data-connection="live"]').waitFor();
  await page.getByText("The connection to the gateway is lost.", { exact: false }).waitFor({ state: "detached" });
});

story("logging out ends the session", async () => {
  await page.getByRole("button", { name: /^Account of/ }).click();
  await page.getByRole("menuitem", { name: "Log out" }).click();
  await page.getByRole("heading", { name: "Log in" }).waitFor();
  const status = await page.evaluate(() => fetch("/api/v1/session").then((answer) => answer.status));
  assert.equal(status, 401);
});
