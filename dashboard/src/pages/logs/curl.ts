// An exchange as a curl command to read or keep. It is text: quoted for a shell, without control characters, and with
// a comment sign in front, so that nothing happens where it is pasted by mistake.
import type { LogDetail } from "@/api/types";
import { visible } from "@/lib/text";

export interface Side {
  headers?: readonly (readonly [string, string])[];
  body?: string;
  /** The body could not be searched for secrets, so it was not kept. */
  withheld?: boolean;
  /** There was more of the body. */
  cut?: boolean;
}

export function curlLike({ entry, record }: LogDetail): string {
  const capture = (record.capture as { request?: Side } | undefined)?.request;
  const scheme = record.scheme === "https" ? "https" : "http";
  const url = `${scheme}://${entry.host || "host.invalid"}${entry.path || "/"}${entry.query ? `?${entry.query}` : ""}`;
  const parts = [`curl --path-as-is -X ${quoted(entry.method || "GET")}`];
  for (const [name, value] of headersOf(capture)) parts.push(`-H ${quoted(`${name}: ${value}`)}`);
  if (capture?.body) parts.push(`--data-binary ${quoted(capture.body)}`);
  parts.push(quoted(url));
  return `# ${parts.join(" ")}`;
}

/** The headers that were kept, as pairs. */
export function headersOf(side: Side | undefined): [string, string][] {
  return (side?.headers ?? []).map(([name, value]) => [String(name), String(value)]);
}

/** In single quotes, where nothing but a single quote means anything. One line, whatever the text. */
export const quoted = (text: string): string => `'${visible(text).replaceAll("'", `'\\''`)}'`;
