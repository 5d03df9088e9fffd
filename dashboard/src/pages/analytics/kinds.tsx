// How many requests of each kind of attack were seen, and how many of them were stopped.
import { useQueries } from "@tanstack/react-query";
import { Link } from "wouter";
import { call } from "@/api/client";
import { keyOf } from "@/api/queries";
import { category, count, percent } from "@/lib/format";
import type { Range } from "@/lib/range";
import { Card, Empty, Skeleton } from "@/ui";
import { leading } from "./points";

const MOST = 8;

export function BlockedByKind({ categories, range }: { categories: Record<string, number>; range: Range }) {
  const names = leading(categories, MOST);
  // The roll-ups know kinds and actions, but not both together; the leaders of a filter say how many records it has.
  const answers = useQueries({
    queries: names.map((name) => {
      const query = {
        by: ["host"],
        limit: 1,
        category: name,
        action: "deny,throttle",
        since: range.since,
        ...(range.until ? { until: range.until } : {}),
      };
      return {
        queryKey: keyOf("/api/v1/stats/top", { query }),
        queryFn: ({ signal }: { signal: AbortSignal }) => call("get", "/api/v1/stats/top", { query, signal }),
        staleTime: 30_000,
        placeholderData: (before: Awaited<ReturnType<typeof call<"get", "/api/v1/stats/top">>> | undefined) => before,
      };
    }),
  });
  return (
    <Card
      title="Stopped, by kind"
      hint="Of the requests in which something was found, those denied or slowed; where a policy only watches, those that would have been."
    >
      {names.length === 0 ? (
        <Empty title="Nothing was found in this time" />
      ) : (
        <ul className="flex flex-col gap-2.5">
          {names.map((name, index) => {
            const seen = categories[name] ?? 0;
            const answer = answers[index]?.data;
            const stopped = Math.min(answer?.counted ?? 0, seen);
            return (
              <li key={name} className="flex flex-col gap-1 text-[13px]">
                <span className="flex items-baseline gap-3">
                  <Link
                    href={`/logs?category=${encodeURIComponent(name)}`}
                    className="min-w-0 flex-1 truncate hover:underline"
                  >
                    {category(name)}
                  </Link>
                  {answer ? (
                    <>
                      <span className="text-xs text-muted">
                        {!answer.complete && "at least "}
                        {count(stopped)} of {count(seen)}
                      </span>
                      <span className="w-14 text-right font-medium">{percent(seen > 0 ? stopped / seen : 0)}</span>
                    </>
                  ) : (
                    <Skeleton className="h-4 w-20" />
                  )}
                </span>
                <svg
                  viewBox="0 0 100 4"
                  preserveAspectRatio="none"
                  className="h-1 w-full"
                  aria-hidden
                  focusable="false"
                >
                  <rect width="100" height="4" fill="var(--c-sunken)" />
                  <rect width={seen > 0 ? (stopped / seen) * 100 : 0} height="4" fill="var(--c-bad)" />
                </svg>
              </li>
            );
          })}
        </ul>
      )}
    </Card>
  );
}
