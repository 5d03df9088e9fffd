// State that belongs into the address: filters, ranges, the row that is open. A link shows somebody else the same.
import { useCallback, useMemo } from "react";
import { useLocation, useSearch } from "wouter";

/** The values of the query, and a function that changes some; what is empty leaves the address. */
export function useUrlState(): [
  URLSearchParams,
  (changes: Record<string, string | undefined>, push?: boolean) => void,
] {
  const search = useSearch();
  const [path, navigate] = useLocation();
  const values = useMemo(() => new URLSearchParams(search), [search]);
  const change = useCallback(
    (changes: Record<string, string | undefined>, push = false) => {
      // Of the address as it is now: two changes in one turn must both hold.
      const next = new URLSearchParams(window.location.search);
      for (const [name, value] of Object.entries(changes)) {
        if (value) next.set(name, value);
        else next.delete(name);
      }
      const question = next.toString();
      navigate(question ? `${path}?${question}` : path, { replace: !push });
    },
    [path, navigate],
  );
  return [values, change];
}

/** One value of the query: `const [open, setOpen] = useUrlValue("open")`. */
export function useUrlValue(name: string, push = false): [string, (value: string | undefined) => void] {
  const [values, change] = useUrlState();
  const set = useCallback((value: string | undefined) => change({ [name]: value }, push), [change, name, push]);
  return [values.get(name) ?? "", set];
}
