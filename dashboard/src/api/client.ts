// One function per kind of call, typed by the gateway's own description of its API. Errors arrive as problem details
// and leave as `ApiError`, whose message is a sentence that can be shown.
import type { paths } from "./schema.gen";

export type Method = "get" | "post" | "put" | "patch" | "delete";

/** The paths that know a method. */
export type PathFor<M extends Method> = {
  [P in keyof paths]: paths[P] extends Record<M, infer O> ? (O extends { responses: unknown } ? P : never) : never;
}[keyof paths];

type Operation<P extends keyof paths, M extends Method> = paths[P] extends Record<M, infer O> ? O : never;
type JsonOf<T> = T extends { content: { "application/json": infer J } } ? J : never;
type Responses<O> = O extends { responses: infer R } ? R : never;
type Parameters_<O> = O extends { parameters: infer R } ? R : never;

/** What a call answers when it succeeds. */
export type Answer<P extends keyof paths, M extends Method = "get"> = JsonOf<
  Responses<Operation<P, M>>[keyof Responses<Operation<P, M>> & (200 | 201)]
>;
/** What a call takes as its body. */
export type Body<P extends keyof paths, M extends Method> =
  Operation<P, M> extends {
    requestBody?: { content: { "application/json": infer J } };
  }
    ? J
    : never;
/** What a call takes in its query. Arrays are sent with commas, which mean "any of them". */
export type Query<P extends keyof paths, M extends Method = "get"> =
  Parameters_<Operation<P, M>> extends {
    query?: infer Q;
  }
    ? { [K in keyof NonNullable<Q>]: NonNullable<Q>[K] | readonly string[] | undefined }
    : never;

/** What every call may be given. */
export interface Options<P extends keyof paths, M extends Method> {
  /** The parts of the path in braces. */
  path?: Record<string, string | number>;
  query?: Query<P, M>;
  body?: Body<P, M>;
  signal?: AbortSignal;
}

/** A refusal in words, or the network's silence (`status` 0). */
export class ApiError extends Error {
  readonly status: number;
  readonly errors: readonly string[];

  constructor(status: number, message: string, errors: readonly string[] = []) {
    super(message);
    this.name = "ApiError";
    this.status = status;
    this.errors = errors;
  }
}

/** A call that stands beside the typed ones: remedies of an alert bring method and path with them. */
export async function send(
  method: string,
  path: string,
  { body, signal }: { body?: unknown; signal?: AbortSignal } = {},
): Promise<unknown> {
  let response: Response;
  try {
    response = await fetch(path, {
      method: method.toUpperCase(),
      credentials: "same-origin",
      headers: body === undefined ? {} : { "content-type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: signal ?? null,
    });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new ApiError(0, "The gateway does not answer. It may be restarting, or the network is away.");
  }
  if (!response.ok) throw await refusal(response);
  if (response.status === 204) return undefined;
  const type = response.headers.get("content-type") ?? "";
  return type.includes("json") ? response.json() : response.text();
}

/** The typed call. */
export async function call<M extends Method, P extends PathFor<M>>(
  method: M,
  path: P,
  options: Options<P, M> = {},
): Promise<Answer<P, M>> {
  const { body, signal } = options;
  const target = address(path, options.path, options.query as Record<string, unknown> | undefined);
  return (await send(method, target, { body, ...(signal ? { signal } : {}) })) as Answer<P, M>;
}

/** A path with its parts and its query filled in; what is empty is left out. */
export function address(
  path: string,
  parts: Record<string, string | number> = {},
  query: Record<string, unknown> = {},
): string {
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String(parts[name] ?? "")));
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    const text = Array.isArray(value) ? value.join(",") : value === undefined || value === null ? "" : String(value);
    if (text !== "") search.set(name, text);
  }
  const question = search.toString();
  return question ? `${filled}?${question}` : filled;
}

/** Turns a refused response into words. */
async function refusal(response: Response): Promise<ApiError> {
  const usual = USUAL[response.status] ?? `The gateway answered ${response.status}.`;
  try {
    const problem = (await response.json()) as { detail?: string; title?: string; errors?: string[] };
    return new ApiError(response.status, sentence(problem.detail || problem.title || usual), problem.errors ?? []);
  } catch {
    return new ApiError(response.status, usual);
  }
}

function sentence(text: string): string {
  const first = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?…]$/.test(first) ? first : `${first}.`;
}

/** What went wrong, as a sentence. */
export function wordsOf(error: unknown): string {
  return error instanceof Error && error.message ? error.message : "Something went wrong.";
}

const USUAL: Record<number, string> = {
  401: "You are logged out.",
  403: "Your role does not allow this.",
  404: "There is nothing here.",
  409: "Somebody else was quicker. Look again and repeat.",
  413: "That is too much for one request.",
  429: "Too many attempts. Wait a minute.",
  502: "The gateway cannot be reached.",
  503: "The store does not answer right now.",
};
