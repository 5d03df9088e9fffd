// An alert in the list: how bad, what and who, why in a sentence, and what became of it.
import { CircleAlert, CircleCheck } from "lucide-react";
import { Link } from "wouter";
import type { Alert } from "@/api/types";
import { cx } from "@/lib/cx";
import { useUrlState } from "@/lib/url";
import { Ago, Badge, Foreign, LevelBadge } from "@/ui";
import { outcome, plural } from "./incident";

export function Row({ alert, isOpen }: { alert: Alert; isOpen: boolean }) {
  const [values] = useUrlState();
  const next = new URLSearchParams(values);
  next.set("open", alert.id);
  return (
    <li className="border-b border-line last:border-0">
      <Link
        href={`/alerts?${next}`}
        data-alert={alert.id}
        className={cx(
          "grid grid-cols-[5.5rem_minmax(0,1fr)_11rem_5rem] items-center gap-x-4 gap-y-1 px-4 py-3 focus-visible:-outline-offset-2 max-md:grid-cols-[auto_minmax(0,1fr)_auto] max-md:gap-x-3",
          isOpen ? "bg-accent-soft" : "hover:bg-hover",
        )}
      >
        <span className="max-md:order-1">
          <LevelBadge level={alert.level} />
        </span>
        <span className="min-w-0 max-md:order-4 max-md:col-span-3">
          <span className="flex items-center gap-2">
            <span className="min-w-0 font-medium break-words">
              <Foreign text={alert.title} />
            </span>
            {alert.state === "acknowledged" && <Badge icon={CircleCheck}>Acknowledged</Badge>}
          </span>
          {alert.why && (
            <span className="line-clamp-1 text-[13px] text-muted max-md:line-clamp-2">
              <Foreign text={alert.why} />
            </span>
          )}
        </span>
        <span className="text-[13px] max-md:order-2 max-md:flex max-md:flex-wrap max-md:gap-x-3 max-md:text-xs">
          <span className="block">{plural(alert.requests, "request")}</span>
          <Fate alert={alert} />
        </span>
        <span className="text-right text-xs text-muted max-md:order-3">
          <Ago when={alert.last} />
        </span>
      </Link>
    </li>
  );
}

/** What became of the requests, in two words. */
export function Fate({ alert }: { alert: Alert }) {
  const { stopped, observed } = outcome([alert]);
  if (observed > 0) {
    return (
      <span className="flex items-center gap-1 text-xs text-high">
        <CircleAlert className="size-3 shrink-0" aria-hidden />
        {stopped > 0 ? `${observed.toLocaleString("en")} reached the API` : "Reached the API"}
      </span>
    );
  }
  if (stopped < alert.requests) return null;
  return (
    <span className="flex items-center gap-1 text-xs text-ok">
      <CircleCheck className="size-3 shrink-0" aria-hidden />
      All stopped
    </span>
  );
}
