import { expect, describe as group, it } from "vitest";
import type { AuditEvent, Version } from "@/api/types";
import { describe, versionOf } from "./words";

group("an event in words", () => {
  it.each([
    ["login", "", { text: "Log-in" }],
    ["user added", "admin", { text: "Added a user", object: "admin" }],
    ["PATCH /api/v1/users/{name}", "/api/v1/users/nora", { text: "Changed a user", object: "nora" }],
    [
      "DELETE /api/v1/bans/{subject}",
      "/api/v1/bans/address%3A192.0.2.7",
      { text: "Lifted a ban", object: "address:192.0.2.7", href: "/subjects?open=address%3A192.0.2.7" },
    ],
    [
      "POST /api/v1/alerts/{id}/acknowledge",
      "/api/v1/alerts/a1/acknowledge",
      { text: "Acknowledged an alert", href: "/alerts?state=all&open=a1" },
    ],
    ["PUT /api/v1/config", "/api/v1/config", { text: "Changed the settings" }],
    ["something new", "x", { text: "something new", object: "x" }],
    ["DELETE /api/v1/bans/{subject}", "/api/v1/bans/%E0%A4%A", { text: "Lifted a ban", object: "%E0%A4%A" }],
  ])("%s %s", (action, target, expected) => {
    expect(describe({ action, target })).toMatchObject(expected);
  });
});

group("the version that an event made", () => {
  const event = (part: Partial<AuditEvent> = {}): AuditEvent => ({
    id: 1,
    time: "2026-01-31T12:00:01.000Z",
    who: "nora",
    source: "192.0.2.7",
    action: "PUT /api/v1/config",
    target: "/api/v1/config",
    outcome: "done",
    detail: "",
    ...part,
  });
  const made = (version: number, at: string, author = "nora") =>
    ({ version, made: at, author, comment: "", changes: [], overlay: {} }) as unknown as Version;

  it.each([
    ["the latest from just before", event(), 2],
    ["none for what was refused", event({ outcome: "refused" }), undefined],
    ["none for what changes no settings", event({ action: "POST /api/v1/bans" }), undefined],
    ["none of somebody else", event({ who: "eve" }), undefined],
    ["none of long before", event({ time: "2026-01-31T12:01:00.000Z" }), undefined],
    ["one of an exception, too", event({ action: "POST /api/v1/exceptions" }), 2],
  ])("%s", (_, one, expected) => {
    const versions = [
      made(3, "2026-01-31T12:00:02.000Z"),
      made(2, "2026-01-31T12:00:00.900Z"),
      made(1, "2026-01-31T12:00:00.100Z"),
    ];
    expect(versionOf(one, versions)?.version).toBe(expected);
  });
});
