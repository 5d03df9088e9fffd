// A gateway and a browser that is logged in to it: what a file of tests begins with and ends.
import { launch, openPage, settled } from "./browser.mjs";
import { Gateway, PATIENCE, until } from "./harness.mjs";

const PASSWORD = "a password of one's own";

export class Visit {
  static async begin(options = {}) {
    const visit = new Visit();
    visit.gateway = await Gateway.start({ password: PASSWORD, ...options });
    try {
      visit.browser = await launch();
      visit.context = await visit.newContext();
      visit.page = await openPage(visit.context);
      await visit.page.goto(visit.gateway.url);
      await visit.logIn(visit.page);
    } catch (error) {
      await visit.end();
      throw error;
    }
    return visit;
  }

  async end() {
    await this.browser?.close();
    await this.gateway.stop();
  }

  newContext() {
    return this.browser.newContext({ viewport: { width: 1440, height: 900 }, colorScheme: "dark", locale: "en-GB" });
  }

  /** Fills in the form that stands there. */
  async logIn(page, name = "admin", password = PASSWORD) {
    await page.getByRole("heading", { name: "Log in" }).waitFor();
    await page.getByLabel("Name", { exact: true }).fill(name);
    await page.getByLabel("Password", { exact: true }).fill(password);
    await page.getByRole("button", { name: "Log in" }).click();
    await page.locator('[data-connection="live"]').waitFor();
  }

  async open(path, page = this.page) {
    await page.goto(this.gateway.url + path);
    await settled(page);
  }

  /** Asks the API as the page would, with its session. */
  api(path, page = this.page) {
    return page.evaluate((path) => fetch(path).then((answer) => answer.json()), path);
  }

  /** Changes something by the API; gives status and answer. */
  change(method, path, body, page = this.page) {
    return page.evaluate(
      async ([method, path, body]) => {
        const headers = { "content-type": "application/json" };
        const answer = await fetch(path, { method, headers, body: JSON.stringify(body) });
        return { status: answer.status, answer: await answer.json().catch(() => null) };
      },
      [method, path, body],
    );
  }

  /** Waits until the store has as many records that fit as are asked for; gives them. */
  logged(query, least = 1) {
    return until(`${least} records of ${query}`, async () => {
      const { logs } = await this.api(`/api/v1/logs?limit=1000&${query}`);
      return logs?.length >= least && logs;
    });
  }
}

/** Limits for a whole test: many waits, each of which may be long. */
export const LIMIT = { timeout: 5 * PATIENCE };
