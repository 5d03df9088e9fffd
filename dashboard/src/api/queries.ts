// The hooks by which pages ask and change. A query's key begins with its path, so that a change can name the paths
// whose answers it made old.
import {
  keepPreviousData,
  QueryClient,
  type QueryKey,
  type UseQueryOptions,
  useInfiniteQuery,
  useMutation,
  useQuery,
  useQueryClient,
} from "@tanstack/react-query";
import { type Answer, ApiError, type Body, call, type Method, type Options, type PathFor, send } from "./client";
import type { paths } from "./schema.gen";

/** The one cache of the page. */
export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      refetchOnWindowFocus: true,
      // A refusal stays a refusal; silence and 5xx are tried again, with growing pauses.
      retry: (count, error) => count < 2 && !(error instanceof ApiError && error.status >= 400 && error.status < 500),
    },
  },
});

type Extra<T> = Omit<UseQueryOptions<T, Error>, "queryKey" | "queryFn">;
type GetOptions<P extends keyof paths> = Pick<Options<P, "get">, "path" | "query">;

/** Asks once and keeps the answer: `useApi("/api/v1/logs/{id}", { path: { id } })`. */
export function useApi<P extends PathFor<"get">>(path: P, options: GetOptions<P> = {}, extra: Extra<Answer<P>> = {}) {
  return useQuery<Answer<P>, Error>({
    queryKey: keyOf(path, options),
    queryFn: ({ signal }) => call("get", path, { ...options, signal } as Options<P, "get">),
    ...extra,
  });
}

/** The same, showing the answer before while the next one comes: for filters and ranges. */
export function useApiKept<P extends PathFor<"get">>(
  path: P,
  options: GetOptions<P> = {},
  extra: Extra<Answer<P>> = {},
) {
  return useApi(path, options, { placeholderData: keepPreviousData, ...extra } as Extra<Answer<P>>);
}

/**
 * Pages of a list, one after the other. `next` of the answer goes into the parameter `by` ("cursor", or "after"
 * where the API calls it so).
 */
export function usePages<P extends PathFor<"get">>(
  path: P,
  options: GetOptions<P> & { by?: "cursor" | "after" | "before" } = {},
  extra: { enabled?: boolean; refetchInterval?: number | false } = {},
) {
  const { by = "cursor", ...given } = options;
  return useInfiniteQuery({
    queryKey: [...keyOf(path, given as GetOptions<P>), "pages"] as QueryKey,
    initialPageParam: "" as string | number,
    queryFn: ({ pageParam, signal }) => {
      const query = pageParam === "" ? given.query : { ...(given.query as object), [by]: pageParam };
      return call("get", path, { ...given, query, signal } as Options<P, "get">);
    },
    getNextPageParam: (last: Answer<P>) => (last as { next?: string | number | null }).next ?? undefined,
    placeholderData: keepPreviousData,
    ...extra,
  });
}

/** Changes something: `const ban = useSend("post", "/api/v1/bans", ["/api/v1/bans"])`, then `ban.mutate({ body })`. */
export function useSend<M extends Exclude<Method, "get">, P extends PathFor<M>>(
  method: M,
  path: P,
  makesOld: readonly string[] = [],
) {
  const client = useQueryClient();
  return useMutation<Answer<P, M>, Error, { path?: Record<string, string | number>; body?: Body<P, M> }>({
    mutationFn: (options) => call(method, path, options as Options<P, M>),
    onSuccess: () => makeOld(client, makesOld),
  });
}

/** Carries out a remedy, which names its method, path and body itself. */
export function useRemedy(makesOld: readonly string[] = []) {
  const client = useQueryClient();
  return useMutation<unknown, Error, { method: string; path: string; body?: unknown }>({
    mutationFn: ({ method, path, body }) => {
      // Only the API of this gateway: a remedy is data, and data chooses no other host.
      if (!path.startsWith("/api/v1/")) throw new ApiError(0, "This remedy is none of the gateway's.");
      return send(method, path, { body: body ?? undefined });
    },
    onSuccess: () => makeOld(client, makesOld),
  });
}

/** Every query of these paths asks again when it is next seen. */
export async function makeOld(client: QueryClient, roots: readonly string[]): Promise<void> {
  await Promise.all(
    roots.map((root) =>
      client.invalidateQueries({
        predicate: ({ queryKey }) => typeof queryKey[0] === "string" && queryKey[0].startsWith(root),
      }),
    ),
  );
}

/** The key of a question. */
export function keyOf(path: string, options: { path?: unknown; query?: unknown } = {}): QueryKey {
  return [path, options.path ?? null, options.query ?? null];
}

/** How the process is; asked every five seconds. */
export const useHealth = () => useApi("/api/v1/health", {}, { refetchInterval: 5_000 });
/** What runs. */
export const useInfo = () => useApi("/api/v1/info", {}, { staleTime: 60_000 });
