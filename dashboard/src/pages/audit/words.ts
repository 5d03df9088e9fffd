// An event of the trail in words: what was done, to what, and where to look at it.
import type { AuditEvent, Version } from "@/api/types";

export interface Words {
  text: string;
  /** Whom or what it was done to; foreign text. */
  object?: string;
  /** A page of this console about it. */
  href?: string;
}

/** Actions that the trail knows, and what they are called. */
const ACTIONS: Record<string, string> = {
  login: "Log-in",
  logout: "Log-out",
  "POST /api/v1/login": "Log-in",
  "POST /api/v1/logout": "Log-out",
  "POST /api/v1/password": "Changed their password",
  "user added": "Added a user",
  "user removed": "Removed a user",
  "POST /api/v1/users": "Added a user",
  "PATCH /api/v1/users/{name}": "Changed a user",
  "DELETE /api/v1/users/{name}": "Removed a user",
  "POST /api/v1/tokens": "Made an API token",
  "DELETE /api/v1/tokens/{id}": "Removed an API token",
  "POST /api/v1/bans": "Banned somebody",
  "DELETE /api/v1/bans/{subject}": "Lifted a ban",
  "POST /api/v1/exceptions": "Made an exception",
  "DELETE /api/v1/exceptions/{id}": "Removed an exception",
  "PUT /api/v1/config": "Changed the settings",
  "POST /api/v1/config/rollback": "Went back to earlier settings",
  "POST /api/v1/alerts/{id}/acknowledge": "Acknowledged an alert",
  "POST /api/v1/alerts/{id}/reopen": "Reopened an alert",
  "POST /api/v1/alerts/{id}/comments": "Remarked on an alert",
  "POST /api/v1/alerts/deliveries/{id}/retry": "Tried a message again",
  "POST /api/v1/analyze": "Tried a request",
  "POST /api/v1/analyze/batch": "Tried several requests",
  "POST /api/v1/rules/test": "Tried a request",
};

/** What can be chosen as a filter; the same words stand once. */
export const CHOICES = Object.entries(ACTIONS)
  .filter(([action]) => !/^POST \/api\/v1\/log(in|out)$/.test(action))
  .map(([value, label]) => ({
    value,
    label: value.startsWith("user ") ? `${label} (command line)` : label,
  }));

export function describe({ action, target }: Pick<AuditEvent, "action" | "target">): Words {
  const text = ACTIONS[action] ?? action;
  const name = part(action, target);
  if (action.includes("/alerts/{id}") && name)
    return { text, href: `/alerts?state=all&open=${encodeURIComponent(name)}` };
  if (action.includes("/bans/{subject}") && name) {
    return { text, object: name, href: `/subjects?open=${encodeURIComponent(name)}` };
  }
  if (name) return { text, object: name };
  // A path that only repeats the action says nothing; a name does.
  return target && !target.startsWith("/api/") ? { text, object: target } : { text };
}

/** What stood in the braces of a route. */
function part(route: string, target: string): string | undefined {
  const pattern = route.split(" ")[1]?.split("/") ?? [];
  const index = pattern.findIndex((piece) => piece.startsWith("{"));
  const found = index < 0 ? undefined : target.split("/")[index];
  try {
    return found && decodeURIComponent(found);
  } catch {
    return found;
  }
}

const CHANGES_SETTINGS = /^(PUT|POST|DELETE) \/api\/v1\/(config|exceptions)\b/;
export const changesSettings = ({ action, outcome }: AuditEvent): boolean =>
  outcome === "done" && CHANGES_SETTINGS.test(action);

/** A version is written before its event: the latest one of the same person from just before. */
const LONGEST_MS = 5_000;
export function versionOf(event: AuditEvent, versions: readonly Version[]): Version | undefined {
  if (!changesSettings(event)) return undefined;
  const time = Date.parse(event.time);
  const near = versions.filter(({ made, author }) => {
    const before = time - Date.parse(made);
    return author === event.who && before >= 0 && before < LONGEST_MS;
  });
  return near.sort((a, b) => b.version - a.version)[0];
}
