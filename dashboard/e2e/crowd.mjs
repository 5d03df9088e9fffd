// Very many records in a gateway's own store. They are laid into its spool, as if the database had been away, and the
// gateway itself writes them into its tables when it starts: real rows, real terms, real roll-ups.
import { closeSync, mkdirSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";

/** Numbers that look like chance and are the same in every run (Marsaglia's xorshift). */
function dice(seed) {
  let state = seed;
  return (sides) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % sides;
  };
}

const WORDS = ["checkout", "orders", "users", "cart", "search", "items", "reviews", "prices"];
const KINDS = ["sqli", "xss", "path-traversal"];
const HARMLESS = { score: 0, level: "LOW", action: "allow" };

const attack = (roll) => ({
  score: 80 + roll(20),
  level: roll(2) ? "CRITICAL" : "HIGH",
  category: KINDS[roll(3)],
  action: "deny",
  evidence: [
    {
      rule: `rule-${roll(200)}`,
      name: "a query is put together",
      why: "UNION joins a second SELECT to the query of the application",
      category: "sqli",
      severity: "critical",
      score: 90,
      location: "query",
      field: "q",
      excerpt: "1 UNION SELECT password FROM users",
      range: [2, 36],
    },
  ],
});

/** The record of a shop's exchange; one in twenty is an attack, the newest of all is not. */
function line(number, time, roll, calm) {
  const hostile = !calm && roll(20) === 0;
  const word = () => WORDS[roll(8)];
  return JSON.stringify({
    id: number.toString(16).padStart(32, "0"),
    time: new Date(time).toISOString(),
    client: `10.0.${roll(64)}.${roll(250)}`,
    protocol: "HTTP/1.1",
    scheme: "https",
    method: roll(3) ? "GET" : "POST",
    host: "shop.example.com",
    path: `/api/v1/${word()}/${roll(100_000)}`,
    query: `page=${roll(40)}&sort=${word()}`,
    status: hostile ? 403 : roll(50) ? 200 : 404,
    route: "api",
    policy: "default",
    mode: "enforce",
    action: hostile ? "deny" : "allow",
    verdict: hostile ? attack(roll) : HARMLESS,
    upstream: "api",
    bytes_in: roll(2000),
    bytes_out: roll(20_000),
    duration_us: 500 + roll(9000),
    outcome: "complete",
  });
}

const FILE_BYTES = 4 << 20;

/** Lays `count` records of the last 20 hours into the spool below `state`. */
export function lay(state, count) {
  const folder = join(state, "spool");
  mkdirSync(folder, { recursive: true });
  const roll = dice(20_261_121);
  const [end, span] = [Date.now() - 60_000, 20 * 3_600_000];
  for (let number = 0, file = 0; number < count; file += 1) {
    const lines = [];
    for (let bytes = 0; number < count && bytes < FILE_BYTES; number += 1) {
      const text = line(number, end - Math.floor((span * (count - 1 - number)) / count), roll, number === count - 1);
      lines.push(text, "\n");
      bytes += text.length + 1;
    }
    const to = openSync(join(folder, `${String(file).padStart(12, "0")}.ndjson`), "wx", 0o600);
    writeSync(to, lines.join(""));
    closeSync(to);
  }
}
