// What the list of exchanges can be filtered by, and in which words.
import { category } from "@/lib/format";
import type { FilterField } from "@/ui";

/** The kinds of attack that the engine knows. */
export const CATEGORIES = [
  "sqli",
  "xss",
  "command-injection",
  "code-injection",
  "path-traversal",
  "file-inclusion",
  "ssrf",
  "ssti",
  "expression-language",
  "log4shell",
  "nosql",
  "ldap",
  "xpath",
  "xxe",
  "ssi",
  "crlf",
  "smuggling",
  "open-redirect",
  "mass-assignment",
  "prototype-pollution",
  "deserialization",
  "graphql",
  "jwt",
  "upload",
  "webshell",
  "exploit",
  "sensitive-file",
  "scanner",
  "bot",
  "protocol",
  "evasion",
  "denial-of-service",
  "log-forging",
  "data-leak",
] as const;

export const categoryOptions = CATEGORIES.map((value) => ({ value, label: category(value) }));

export const SEARCH: FilterField = {
  name: "q",
  label: "Words",
  placeholder: "Words in path or reason",
};

/** Always in sight. */
export const USUAL: readonly FilterField[] = [
  {
    name: "action",
    label: "Action",
    options: [
      { value: "deny,throttle", label: "Denied or slowed" },
      { value: "deny", label: "Denied" },
      { value: "throttle", label: "Slowed" },
      { value: "tag", label: "Tagged" },
      { value: "allow", label: "Allowed" },
    ],
  },
  {
    name: "level",
    label: "Level",
    options: [
      { value: "MEDIUM,HIGH,CRITICAL", label: "Medium or worse" },
      { value: "HIGH,CRITICAL", label: "High or worse" },
      { value: "CRITICAL", label: "Critical" },
      { value: "LOW", label: "Low" },
    ],
  },
  { name: "category", label: "Attack", placeholder: "Any kind of attack", options: categoryOptions },
];

/** Added when they are wanted, or when a link brings them. */
export const FURTHER: readonly FilterField[] = [
  { name: "address", label: "Address", placeholder: "192.0.2.0/24" },
  { name: "path", label: "Path", placeholder: "/api/ (beginning)" },
  { name: "status", label: "Status", placeholder: "403 or 5xx" },
  { name: "rule", label: "Rule", placeholder: "sqli-union-select" },
  { name: "subject", label: "Subject", placeholder: "user:…" },
  { name: "user", label: "User" },
  { name: "session", label: "Session" },
  { name: "key", label: "API key" },
  { name: "route", label: "Route" },
  { name: "host", label: "Host", placeholder: "*.example.com" },
  { name: "method", label: "Method", placeholder: "POST" },
  { name: "node", label: "Gateway" },
  {
    name: "feedback",
    label: "Looked at",
    options: [
      { value: "confirmed", label: "Confirmed attacks" },
      { value: "false-positive", label: "False alarms" },
      { value: "none", label: "Nobody has looked" },
    ],
  },
  {
    name: "outcome",
    label: "Outcome",
    options: [
      { value: "complete", label: "Complete" },
      { value: "client-gone", label: "Client left" },
      { value: "upstream-error", label: "Upstream failed" },
      { value: "timeout", label: "Timed out" },
      { value: "refused", label: "Malformed request" },
      { value: "internal-error", label: "Gateway failed" },
    ],
  },
];

export const ALL_FIELDS: readonly FilterField[] = [SEARCH, ...USUAL, ...FURTHER];
