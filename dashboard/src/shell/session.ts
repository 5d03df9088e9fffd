// Who is logged in. One query holds it; any 401 makes it ask again, and the login page shows.
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { ApiError, call } from "@/api/client";
import { keyOf, queryClient } from "@/api/queries";
import type { Me, Role } from "@/api/types";

const KEY = keyOf("/api/v1/session");

/** `null` where nobody is logged in. */
export function useSession() {
  return useQuery<Me | null, Error>({
    queryKey: KEY,
    queryFn: async ({ signal }) => {
      try {
        return await call("get", "/api/v1/session", { signal });
      } catch (error) {
        if (error instanceof ApiError && error.status === 401) return null;
        throw error;
      }
    },
    staleTime: 60_000,
  });
}

/** Whoever is logged in; only below the login. */
export function useMe(): Me {
  const { data } = useSession();
  if (!data) throw new Error("nobody is logged in here");
  return data;
}

const RANK: Record<Role, number> = { viewer: 0, analyst: 1, admin: 2 };
/** Whether they may do what needs a role. The gateway decides; this only spares them buttons that would be refused. */
export const may = (me: Me, role: Role): boolean => RANK[me.role] >= RANK[role];

/** `const canBan = useMay("analyst")` */
export const useMay = (role: Role): boolean => may(useMe(), role);

/** Asks again who is logged in. */
export const askAgain = () => queryClient.invalidateQueries({ queryKey: KEY });

export function useLogout(): () => Promise<void> {
  const client = useQueryClient();
  return async () => {
    try {
      await call("post", "/api/v1/logout");
    } finally {
      // The session first, while its observer is still there: the log-in shows. Then nothing of theirs stays in memory.
      client.setQueryData(KEY, null);
      client.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== KEY[0] });
    }
  };
}

/** A session that ended shows itself by a 401 to whatever was asked last. */
export function watchForTheEnd(): () => void {
  const check = (error: unknown) => {
    if (error instanceof ApiError && error.status === 401) void askAgain();
  };
  const queries = queryClient.getQueryCache().subscribe((event) => {
    if (event.type === "updated" && event.action.type === "error" && event.query.queryKey[0] !== KEY[0]) {
      check(event.action.error);
    }
  });
  const mutations = queryClient.getMutationCache().subscribe((event) => {
    if (event.type === "updated" && event.action.type === "error") check(event.action.error);
  });
  return () => {
    queries();
    mutations();
  };
}
