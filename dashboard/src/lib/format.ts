// Numbers, times and names as people read them. Everything is English and local time; the exact time is in a title.

const NONE = "–";
const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const one = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });
const short = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });

type Maybe = number | null | undefined;
const known = (value: Maybe): value is number => typeof value === "number" && Number.isFinite(value);

/** 12,345 */
export const count = (value: Maybe): string => (known(value) ? whole.format(value) : NONE);
/** 12.3K where there is little room */
export const brief = (value: Maybe): string =>
  known(value) ? (Math.abs(value) < 10_000 ? whole.format(value) : short.format(value)) : NONE;
/** 12.3 */
export const decimal = (value: Maybe): string => (known(value) ? one.format(value) : NONE);
/** A share from 0 to 1 as 12.3 % */
export const percent = (share: Maybe): string => {
  if (!known(share)) return NONE;
  const value = share * 100;
  return `${value > 0 && value < 0.1 ? "< 0.1" : one.format(value)} %`;
};
/** 4.2/s */
export const rate = (value: Maybe): string => (known(value) ? `${one.format(value)}/s` : NONE);

/** Microseconds as µs, ms or s. */
export function micros(value: Maybe): string {
  if (!known(value)) return NONE;
  if (value < 1_000) return `${whole.format(value)} µs`;
  if (value < 1_000_000) return `${(value / 1_000).toFixed(value < 10_000 ? 2 : 1)} ms`;
  return `${(value / 1_000_000).toFixed(2)} s`;
}

/** Bytes in powers of 1024. */
export function bytes(value: Maybe): string {
  if (!known(value)) return NONE;
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let amount = value;
  let unit = 0;
  while (amount >= 1024 && unit < units.length - 1) {
    amount /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? whole.format(amount) : one.format(amount)} ${units[unit]}`;
}

/** Seconds as the two largest units: 3 h 20 min. */
export function duration(seconds: Maybe): string {
  if (!known(seconds)) return NONE;
  const parts: [number, string][] = [
    [86_400, "d"],
    [3_600, "h"],
    [60, "min"],
    [1, "s"],
  ];
  let left = Math.max(0, Math.round(seconds));
  const words: string[] = [];
  for (const [size, unit] of parts) {
    const amount = Math.floor(left / size);
    left -= amount * size;
    if (amount > 0) words.push(`${amount} ${unit}`);
    if (words.length === 2) break;
  }
  return words.join(" ") || "0 s";
}

type When = string | number | Date | null | undefined;
const moment = (when: When): Date | null => {
  if (when === null || when === undefined || when === "") return null;
  const date = new Date(when);
  return Number.isNaN(date.getTime()) ? null : date;
};

const clockFormat = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const dayFormat = new Intl.DateTimeFormat("en-GB", {
  day: "2-digit",
  month: "short",
  hour: "2-digit",
  minute: "2-digit",
});
const fullFormat = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "long" });

/** 14:03:22 */
export const clock = (when: When): string => {
  const date = moment(when);
  return date ? clockFormat.format(date) : NONE;
};
/** 21 Nov, 14:03 */
export const dayTime = (when: When): string => {
  const date = moment(when);
  return date ? dayFormat.format(date) : NONE;
};
/** The whole of it, for titles. */
export const fullTime = (when: When): string => {
  const date = moment(when);
  return date ? fullFormat.format(date) : NONE;
};
/** just now, 5 min ago, in 2 h */
export function ago(when: When, now: number = Date.now()): string {
  const date = moment(when);
  if (!date) return NONE;
  const seconds = Math.round((now - date.getTime()) / 1000);
  if (Math.abs(seconds) < 5) return "just now";
  const [amount, unit] = largest(Math.abs(seconds));
  return seconds >= 0 ? `${amount} ${unit} ago` : `in ${amount} ${unit}`;
}
function largest(seconds: number): [number, string] {
  if (seconds < 60) return [seconds, "s"];
  if (seconds < 3_600) return [Math.floor(seconds / 60), "min"];
  if (seconds < 86_400) return [Math.floor(seconds / 3_600), "h"];
  return [Math.floor(seconds / 86_400), "d"];
}

/** `sql-injection` → SQL injection; abbreviations keep their capitals. */
export function title(slug: string | null | undefined): string {
  if (!slug) return NONE;
  const words = slug.split(/[-_\s]+/).filter(Boolean);
  const text = words.map((word) => CAPITALS[word.toLowerCase()] ?? word.toLowerCase()).join(" ");
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** The name of a kind of attack. */
export const category = (slug: string | null | undefined): string => (slug ? (CATEGORIES[slug] ?? title(slug)) : NONE);

/** What was done, in a word that people use. */
export const actionWord = (action: string): string => ACTIONS[action] ?? title(action);

const CAPITALS: Record<string, string> = {
  sql: "SQL",
  sqli: "SQL injection",
  xss: "Cross-site scripting",
  api: "API",
  ip: "IP",
  url: "URL",
  http: "HTTP",
  json: "JSON",
  xml: "XML",
  xxe: "XML external entities",
  ssrf: "Server-side request forgery",
  ssti: "Template injection",
  rce: "Remote code execution",
  nosql: "NoSQL",
  ldap: "LDAP",
  jwt: "JWT",
  graphql: "GraphQL",
  dos: "denial of service",
  lfi: "File inclusion",
  cpu: "CPU",
};
/** As the titles of alerts have them. */
const CATEGORIES: Record<string, string> = {
  sqli: "SQL injection",
  xss: "Cross-site scripting",
  ssti: "Template injection",
  log4shell: "JNDI look-up (Log4Shell)",
  nosql: "NoSQL injection",
  ldap: "LDAP injection",
  xpath: "XPath injection",
  ssi: "Server-side includes",
  crlf: "Header injection",
  smuggling: "Request smuggling",
  deserialization: "Unsafe deserialisation",
  graphql: "GraphQL abuse",
  jwt: "Manipulated tokens",
  upload: "Dangerous upload",
  webshell: "Web shell",
  exploit: "Known exploit",
  "sensitive-file": "Search for sensitive files",
  bot: "Unwanted automation",
  protocol: "Malformed requests",
  evasion: "Evasion of inspection",
  "data-leak": "Data leaving in answers",
  ban: "Banned client keeps trying",
  "rate-limit": "Rate limit exceeded",
  upstream: "Upstream failing",
  traffic: "Unusual traffic",
  silence: "No traffic",
};
const ACTIONS: Record<string, string> = { allow: "Allowed", tag: "Tagged", throttle: "Slowed down", deny: "Denied" };
