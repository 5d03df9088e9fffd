// The parts of the API that a token can be bound to, as the API's own description has them.

/** For people alone, or open to everybody: a token bound to these does nothing. */
const NO_USE = new Set(["login", "logout", "password", "oidc", "openapi.json", "docs"]);

/** What follows `/api/v1/` in the paths of the document, in order. */
export function familiesOf(document: unknown): string[] {
  const paths = (document as { paths?: Record<string, unknown> } | undefined)?.paths ?? {};
  const found = Object.keys(paths).flatMap((path) => {
    const [, api, version, family] = path.split("/");
    // `logs.csv` belongs to `logs`.
    const name = family === "openapi.json" ? family : family?.split(".")[0];
    return api === "api" && version === "v1" && name && !NO_USE.has(name) ? [name] : [];
  });
  return [...new Set(found)].sort();
}

const SOON_MS = 7 * 86_400_000;
export type TokenState = "good" | "soon" | "ended";

/** Whether a token has ended, or will within a week. */
export function tokenState(expires: string | undefined, now: number): TokenState {
  if (!expires) return "good";
  const left = Date.parse(expires) - now;
  return left <= 0 ? "ended" : left < SOON_MS ? "soon" : "good";
}
