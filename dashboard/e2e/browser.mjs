// The browser: Debian's Chromium, nothing downloaded. Whatever a page complains about is kept and must be nothing.
import { existsSync, mkdirSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { PATIENCE } from "./harness.mjs";

const require = createRequire(import.meta.url);
const AXE = require.resolve("axe-core/axe.min.js");
export const SHOTS = process.env.SCREENSHOTS ?? "../target/screenshots";

export async function launch() {
  const executablePath = [process.env.CHROMIUM, "/usr/bin/chromium", "/usr/bin/google-chrome"].find(
    (path) => path && existsSync(path),
  );
  if (!executablePath) throw new Error("no Chromium here: scripts/packages.sh console, or CHROMIUM=/path/to/it");
  mkdirSync(SHOTS, { recursive: true });
  // In a container as root there is no sandbox to be had; only the gateway's own pages are opened.
  return chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-dev-shm-usage"] });
}

/** Expected while nobody is logged in, or while the gateway is away. */
const EXPECTED = [
  /status of 401/,
  /ERR_CONNECTION_REFUSED/,
  /ERR_CONNECTION_RESET/,
  /ERR_EMPTY_RESPONSE/,
  /WebSocket connection to/,
];

/** A page whose complaints are kept in `page.complaints`. */
export async function openPage(context) {
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE);
  page.complaints = [];
  page.on("console", (message) => {
    const text = message.text();
    if (message.type() === "error" && !EXPECTED.some((known) => known.test(text))) page.complaints.push(text);
  });
  page.on("pageerror", (error) => page.complaints.push(String(error)));
  return page;
}

/** Waits until the page has drawn what it has: a heading, nothing on its way, the feed alive. */
export async function settled(page) {
  await page.locator("h1").first().waitFor();
  await page.locator('[data-connection="live"]').waitFor();
  await page.waitForFunction(() => !document.querySelector("main .animate-wait"));
}

export const shoot = (page, name) => page.screenshot({ path: join(SHOTS, `${name}.png`) });

/** The page to its end: the window grows to what scrolls in it, up to what can still be looked at. */
export async function shootWhole(page, name) {
  const size = page.viewportSize();
  const more = await page.evaluate(() => {
    const main = document.querySelector("main");
    return main ? main.scrollHeight - main.clientHeight : 0;
  });
  await page.setViewportSize({ width: size.width, height: Math.min(size.height + more, 6_000) });
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
  await shoot(page, name);
  await page.setViewportSize(size);
}

/** What axe-core finds that keeps people out: serious and critical, each in a line. */
export async function barriers(page) {
  // Evaluated by the debugger, so the page's policy has no say in it.
  await page.evaluate(
    `(() => { const module = undefined, exports = undefined, define = undefined; ${await source()} })()`,
  );
  const { violations } = await page.evaluate(() =>
    window.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }),
  );
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(
      ({ id, nodes }) =>
        `${id}: ${nodes
          .slice(0, 3)
          .map(({ html, failureSummary }) => `${html} (${failureSummary})`)
          .join(" | ")}`,
    );
}

let axe;
async function source() {
  axe ??= (await import("node:fs/promises")).readFile(AXE, "utf8");
  return axe;
}
