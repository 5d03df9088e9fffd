// What happened, in sentences. Pure functions of a record, so that they can be tested without a page.
import type { LogEntry, Schemas } from "@/api/types";
import { decimal, duration, percent, title } from "@/lib/format";

/** What became of the exchange. */
export function sentence(entry: LogEntry): string {
  const who = entry.client || "An unknown client";
  if (entry.ban) return `${who} was refused before anything was read, because ${subjectWords(entry.ban)} is banned.`;
  if (entry.limit && !entry.would) {
    return `${who} was refused because it sent more requests than the limit “${entry.limit}” allows.`;
  }
  if (entry.outcome === "refused") return `The request of ${who} was refused as malformed or ambiguous.`;
  const score = Math.round(entry.score);
  if (entry.would) {
    const done = { deny: "denied", throttle: "slowed down", tag: "tagged" }[entry.would] ?? entry.would;
    return `The request was let through because the policy only observes. Enforced, it would have been ${done} (score ${score} of 100).`;
  }
  switch (entry.action) {
    case "deny":
      return `The request was stopped and never reached your API (score ${score} of 100).`;
    case "throttle":
      return `The request was held back: the client was told to slow down (score ${score} of 100).`;
    case "tag":
      return `The request reached your API with a warning header (score ${score} of 100).`;
    default:
      return allowed(entry, score);
  }
}

function allowed(entry: LogEntry, score: number): string {
  const after = ENDS[entry.outcome];
  if (after) return after;
  if (!entry.level) return "The request was passed on without a look at it: its policy is off.";
  if (entry.rules.length === 0) return "The request was passed on. Nothing suspicious was found.";
  return `The request was passed on. Something was noticed, but it weighs little (score ${score} of 100).`;
}

const ENDS: Record<string, string> = {
  "client-gone": "The request was passed on, but the client left before the answer was complete.",
  "upstream-error": "The request was passed on, but the service behind the gateway failed.",
  timeout: "The request was passed on, but somebody took too long.",
  "internal-error": "The gateway itself failed on this request.",
};

const KINDS: Record<string, string> = {
  address: "the address",
  client: "a program at the address",
  user: "the user",
  session: "the session",
  key: "the API key",
  prefix: "the network",
  system: "the autonomous system",
};

/** `user:ab12` → `the user ab12`. */
export function subjectWords(subject: string): string {
  const at = subject.indexOf(":");
  const kind = KINDS[subject.slice(0, at)];
  return at > 0 && kind ? `${kind} ${subject.slice(at + 1)}` : subject;
}

/** `user:ab12` → ["User", "ab12"]. */
export function subjectParts(subject: string): [string, string] {
  const at = subject.indexOf(":");
  const kind = subject.slice(0, at);
  return at > 0 && KINDS[kind] ? [kind === "key" ? "API key" : title(kind), subject.slice(at + 1)] : ["", subject];
}

/** The subjects of an exchange that pages and bans know. */
export function subjectsOf(entry: LogEntry): string[] {
  return [entry.client && `address:${entry.client}`, entry.user, entry.session, entry.key].filter(Boolean);
}

/** What the behaviour stage wrote; see `docs/BEHAVIOUR.md`. */
export interface Behaviour {
  findings: readonly BehaviourFinding[];
  weight: number;
  risk: {
    subject?: string | null;
    value: number;
    confidence: number;
    factors: readonly ({ kind: string; score: number } | null)[];
  };
  reaction: string | Record<string, Record<string, unknown>>;
}
export interface BehaviourFinding {
  kind: string;
  subject: string;
  score: number;
  confidence: number;
  value: number;
  bound: number;
}

/** What the models wrote. */
export interface Opinion {
  probability: number;
  confidence: number;
  agreeing: number;
  voting: number;
  effect: string;
  category?: string;
  votes: readonly { model: string; probability: number; agrees: boolean; shadow?: boolean }[];
  skipped?: readonly { model: string; why: string }[];
  reasons?: readonly { text: string; contribution: number }[];
}

/** A detector of behaviour: its name, what it means, and what it counts. */
export interface Detector {
  name: string;
  why: string;
  unit: string;
}

export const DETECTORS: Record<string, Detector> = {
  "brute-force": {
    name: "Password guessing",
    why: "One account is tried with one password after another.",
    unit: "failed log-ins",
  },
  "credential-stuffing": {
    name: "Credential stuffing",
    why: "Leaked pairs of user name and password are tried in bulk.",
    unit: "users tried",
  },
  "password-spraying": {
    name: "Password spraying",
    why: "A common password is tried on many accounts.",
    unit: "users tried",
  },
  "account-takeover": {
    name: "Account taken over",
    why: "A user acts from a new place with a new program.",
    unit: "things that are new",
  },
  scraping: { name: "Scraping", why: "A program reads one object after another.", unit: "objects read" },
  "object-enumeration": {
    name: "Object enumeration",
    why: "Identifiers are tried one after another to find what belongs to others.",
    unit: "objects probed",
  },
  "endpoint-enumeration": {
    name: "Endpoint scan",
    why: "Paths are guessed to find what nobody links to.",
    unit: "paths that do not exist",
  },
  "parameter-fuzzing": {
    name: "Parameter fuzzing",
    why: "Parameters are varied until something breaks.",
    unit: "odd variants",
  },
  "resource-exhaustion": {
    name: "Resource exhaustion",
    why: "A few expensive requests keep the servers busy.",
    unit: "seconds of work in a minute",
  },
  flood: { name: "Flood", why: "More requests than others leave room for.", unit: "requests in the window" },
  bot: {
    name: "Undeclared automation",
    why: "A program that claims to be a browser or a known crawler.",
    unit: "signs",
  },
  "session-hijack": {
    name: "Session in two hands",
    why: "Two programs at two places use one session: one of them may have stolen it.",
    unit: "changes of hands",
  },
  "address-spoofing": {
    name: "Forged forwarding headers",
    why: "The client invents addresses to slip past limits.",
    unit: "addresses claimed",
  },
  "broken-authentication": {
    name: "Forged or guessed tokens",
    why: "Tokens that are not genuine, or keys tried one after another.",
    unit: "tokens refused",
  },
  "unusual-sequence": {
    name: "Unusual order of requests",
    why: "The application's own clients do not ask in this order.",
    unit: "unusual steps",
  },
  "repeated-attack": {
    name: "Repeated attacks",
    why: "The same client sends one attack after another.",
    unit: "attacks' worth of score",
  },
  outlier: { name: "Outlier", why: "This client behaves like no group of other clients.", unit: "distance" },
};

/** Its name, whether it is spelt `flood` or `behaviour-flood`. */
export const detectorName = (id: string): string => {
  const kind = id.replace(/^behaviour-/, "");
  return DETECTORS[kind]?.name ?? title(kind);
};

/** “13 users tried, more than the 6 that are tolerated”. */
export function findingWords({ kind, value, bound }: BehaviourFinding): string {
  const unit = DETECTORS[kind]?.unit ?? "counted";
  return `${decimal(value)} ${unit}; the bound is ${decimal(bound)}`;
}

/** What behaviour did about it. */
export function reactionWords(reaction: Behaviour["reaction"]): string {
  if (reaction === "none") return "";
  if (reaction === "deny")
    return "The request was denied for it; nobody was banned, since others share what it came from.";
  if (typeof reaction === "string") return title(reaction);
  const { throttle, ban } = reaction;
  if (throttle) return `The client was told to come back after ${duration(Number(throttle.retry_after))}.`;
  if (ban) {
    const again = Number(ban.offences) > 1 ? `, for the ${ordinal(Number(ban.offences))} time` : "";
    return `${capital(subjectWords(String(ban.subject)))} was banned for ${duration(Number(ban.lasts))}${again}.`;
  }
  return "";
}

const ordinal = (value: number): string => {
  const last = value % 100 > 10 && value % 100 < 14 ? 0 : value % 10;
  return `${value}${["th", "st", "nd", "rd"][last] ?? "th"}`;
};
export const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** What the models said, in a sentence. */
export function opinionWords({ probability, agreeing, voting, effect }: Opinion): string {
  const votes = `${agreeing} of ${voting} models call it an attack (together ${percent(probability)} likely)`;
  const end: Record<string, string> = {
    lowered: ", which lowered the score.",
    raised: ", which raised the score.",
    denied: ", which is enough to deny it.",
  };
  return votes + (end[effect] ?? ", which left the score as it was.");
}

/** Why a model has no vote. */
export const skippedWords = (why: string): string =>
  ({
    deadline: "out of time",
    clear: "not needed: the first two saw nothing",
    "not-grey": "not needed: the quick models were sure",
    "no-history": "nothing was known of the client yet",
    busy: "busy",
    absent: "not loaded",
    failed: "failed",
  })[why] ?? title(why);

/** What was not looked at. */
export function uninspectedWords(part: Schemas["Uninspected"] | null | undefined): string {
  const words = [
    part?.body && "the end of the body, beyond the part that is inspected",
    part?.fields && "some fields, because there were too many",
  ].filter(Boolean);
  return words.length > 0 ? `Not looked at: ${words.join("; ")}.` : "";
}

/** The names of stages, in the order in which they run. */
export const STAGES: readonly (readonly [string, string])[] = [
  ["limit", "Rate limits"],
  ["body", "Waiting for the body"],
  ["inspect", "Inspection"],
  ["decode", "Decoding"],
  ["signature", "Rules"],
  ["behaviour", "Behaviour"],
  ["ensemble", "Models"],
  ["decision", "Decision"],
  ["upstream", "Your API, until it answers"],
  ["hold", "Waiting for the answer"],
  ["answer", "Inspection of the answer"],
];
