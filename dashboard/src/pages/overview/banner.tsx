// The first thing that is read: is the API under attack, and what to do.
import { CircleAlert, CircleDashed, type LucideIcon, OctagonAlert, ShieldCheck, TriangleAlert } from "lucide-react";
import { Link } from "wouter";
import { useLive } from "@/api/live";
import { useHealth, useInfo } from "@/api/queries";
import { cx } from "@/lib/cx";
import { count } from "@/lib/format";
import { useNow } from "@/lib/hooks";
import type { Range } from "@/lib/range";
import { useMe } from "@/shell/session";
import { Foreign, Skeleton } from "@/ui";
import { useAlerts, useSums } from "./data";
import { judge, type Mood } from "./verdict";

const LOOKS: Record<Mood, { icon: LucideIcon; soft: string; edge: string }> = {
  attack: { icon: OctagonAlert, soft: "bg-bad-soft text-bad", edge: "border-bad/50" },
  failing: { icon: TriangleAlert, soft: "bg-high-soft text-high", edge: "border-high/50" },
  unusual: { icon: CircleAlert, soft: "bg-warn-soft text-warn", edge: "border-warn/50" },
  waiting: { icon: ShieldCheck, soft: "bg-ok-soft text-ok", edge: "border-line" },
  calm: { icon: ShieldCheck, soft: "bg-ok-soft text-ok", edge: "border-line" },
  silent: { icon: CircleDashed, soft: "bg-info-soft text-info", edge: "border-line" },
};

export function Banner({ range }: { range: Range }) {
  const { tenant } = useMe();
  const now = useNow(1_000);
  const known = useAlerts();
  const all = useLive((feed) => feed.stats?.requests);
  const own = useSums(range).data?.total.requests;
  const requests = tenant ? own : all;
  if (!known) return <Skeleton className="h-24 w-full rounded-xl" />;
  const verdict = judge({ now, ...known, requests: requests ?? 1 });
  const { icon: Icon, soft, edge } = LOOKS[verdict.mood];
  const [worst, ...rest] = verdict.alerts;
  const one = worst && rest.length === 0;
  return (
    <section
      aria-label="How it is"
      data-mood={verdict.mood}
      className={cx("card flex flex-wrap items-center gap-x-5 gap-y-4 p-5 max-sm:gap-x-3 max-sm:p-4", edge)}
    >
      <span
        className={cx(
          "flex size-12 shrink-0 max-sm:size-10 max-sm:self-start items-center justify-center rounded-full",
          soft,
        )}
      >
        <Icon className="size-6" aria-hidden />
      </span>
      <div className="min-w-0 flex-1 basis-48">
        <div role="status">
          <h2 className="text-xl leading-7 font-semibold tracking-tight">
            <Foreign text={one ? `${verdict.title.split(":")[0]}: ${worst.title}` : verdict.title} />
          </h2>
        </div>
        <p className="text-muted">{verdict.text}</p>
        {verdict.mood === "silent" && !tenant && <WhereTo />}
      </div>
      {(verdict.alerts.length > 0 || known.open > 0) && (
        <Link
          href={one ? `/alerts?open=${worst.id}` : "/alerts?state=open"}
          className="inline-flex h-9 items-center rounded-md bg-accent px-4 font-medium text-on-accent hover:bg-accent-hover max-sm:w-full max-sm:justify-center"
        >
          {one ? "Why, and what to do" : verdict.alerts.length > 0 ? "See who and what to do" : "Look at them"}
        </Link>
      )}
      {!tenant && <Remarks />}
    </section>
  );
}

function WhereTo() {
  const { data } = useInfo();
  const [listener] = data?.listeners ?? [];
  if (!listener) return null;
  return (
    <p className="text-muted">
      Point your clients to{" "}
      <code className="font-mono text-[13px] text-text">
        {listener.tls ? "https" : "http"}://{listener.address}
      </code>
      , and they appear here at once.
    </p>
  );
}

/** What is wrong with the gateway itself; also that it loses sight, which makes a calm verdict worth less. */
function Remarks() {
  const { data } = useHealth();
  const lost = useLive((feed) => (feed.stats?.records_dropped ?? 0) - (feed.history[0]?.records_dropped ?? 0));
  const remarks = [
    ...(data?.remarks ?? []),
    ...(lost > 0
      ? [`${count(lost)} requests of the last minutes could not be recorded: alerts and figures lack them.`]
      : []),
  ];
  if (remarks.length === 0) return null;
  return (
    <ul className="w-full border-t border-line pt-3" aria-label="What is wrong with the gateway">
      {remarks.map((remark) => (
        <li key={remark} className="flex items-start gap-2">
          <TriangleAlert className="mt-0.5 size-4 shrink-0 text-warn" aria-hidden />
          <Foreign text={remark} className="min-w-0" />
        </li>
      ))}
    </ul>
  );
}
