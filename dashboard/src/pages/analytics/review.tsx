// Stops that may have been false alarms, for somebody to look at, and what became of those that somebody looked at. Marks
// are kept by the gateway: everybody sees them, and the accuracy of rules and models is counted from them.
import { Check, Scale, ShieldMinus, Undo2, X } from "lucide-react";
import { useMemo, useState } from "react";
import { Link } from "wouter";
import { type FeedbackSums, type Mark, useMarking } from "@/api/feedback";
import { useApi, useApiKept } from "@/api/queries";
import type { LogEntry, StatsAnswer } from "@/api/types";
import { category, count, percent } from "@/lib/format";
import type { Range } from "@/lib/range";
import { useMay, useMe } from "@/shell/session";
import {
  ActionBadge,
  Ago,
  Badge,
  Button,
  Card,
  Empty,
  Foreign,
  Loaded,
  Pagination,
  SkeletonRows,
  Tabs,
  toast,
} from "@/ui";
import { CLOSE, type Doubt, doubtsOf, joined } from "./doubt";
import { ExceptionDialog } from "./exception";

/** How many of the newest stops are looked through. */
const LOOKED_THROUGH = 1_000;
const AT_FIRST = 6;
/** How many requests of a kind are marked at once, the newest first. */
const MOST_MARKED = 50;

export function Review({ range, stats }: { range: Range; stats: StatsAnswer | undefined }) {
  const bounds = { since: range.since, ...(range.until ? { until: range.until } : {}), limit: LOOKED_THROUGH };
  const stops = useApiKept("/api/v1/logs", { query: { ...bounds, action: "deny,throttle" } }, { staleTime: 30_000 });
  const marked = useApiKept(
    "/api/v1/logs",
    { query: { ...bounds, feedback: "false-positive,confirmed" } },
    { staleTime: 30_000 },
  );
  return (
    <Card
      flush
      title="Worth a second look"
      hint={
        <>
          Stops that may be false alarms: one rule alone decided, or the score was less than {CLOSE} points over its
          bound. Bans, limits and clients with a bad history are left out. What hit most clients comes first, since
          attackers are few.
        </>
      }
    >
      <Precision sums={stats?.feedback} />
      <Loaded query={stops} waiting={<SkeletonRows rows={5} />}>
        {(page) => <Kinds stops={page.logs} isMore={page.next !== undefined} marked={marked.data?.logs ?? []} />}
      </Loaded>
    </Card>
  );
}

/** How often it was right, as far as somebody looked. */
export function Precision({ sums }: { sums: FeedbackSums | undefined }) {
  if (!sums || sums.precision === undefined) return null;
  const stopped = Object.entries(sums.actions).filter(([action]) => action !== "allow");
  const looked = stopped.reduce((all, [, marks]) => all + marks.confirmed + marks.false_positives, 0);
  const right = stopped.reduce((all, [, marks]) => all + marks.confirmed, 0);
  return (
    <p className="border-t border-line px-4 py-2.5 text-[13px]">
      Of {count(looked)} stopped or tagged {looked === 1 ? "request" : "requests"} that somebody looked at,{" "}
      {right === 0 ? "none" : count(right)} {right > 1 ? "were attacks" : "was an attack"}:{" "}
      <span className="font-medium">{percent(sums.precision)}</span> right.
    </p>
  );
}

function Kinds({
  stops,
  isMore,
  marked,
}: {
  stops: readonly LogEntry[];
  isMore: boolean;
  marked: readonly LogEntry[];
}) {
  const { tenant } = useMe();
  const settings = useApi("/api/v1/config", {}, { enabled: !tenant, staleTime: 30_000 });
  const [excepted, setExcepted] = useState<Doubt | null>(null);
  const policies = settings.data?.policies;
  const all = useMemo(() => doubtsOf(joined(stops, marked), policies ?? []), [stops, marked, policies]);
  const of = (mark: Mark | "") => all.filter((doubt) => doubt.mark === mark);
  const through = `${count(stops.length)} ${isMore ? "newest " : ""}stops looked through`;
  const [open, wrong, right] = [of(""), of("false-positive"), of("confirmed")];
  const tab = (value: string, label: string, doubts: Doubt[], empty: string, hint: string) => ({
    value,
    label: `${label} (${count(doubts.length)})`,
    content: <Queue doubts={doubts} empty={empty} hint={hint} noun={through} onExcept={setExcepted} />,
  });
  return (
    <>
      <Tabs
        label="Stops"
        tabs={[
          tab(
            "open",
            "To look at",
            open,
            all.length > 0 ? "You have looked at all of them" : "No stop looks doubtful",
            stops.length === 0 ? "Nothing was stopped in this time." : `${through}.`,
          ),
          tab("wrong", "False alarms", wrong, "No false alarm", "What is marked as one stands here."),
          tab("right", "Confirmed", right, "Nothing was confirmed", "Attacks that somebody confirmed stand here."),
        ]}
      />
      {excepted && (
        <ExceptionDialog doubt={excepted} onClose={() => setExcepted(null)} onDone={() => setExcepted(null)} />
      )}
    </>
  );
}

function Queue({
  doubts,
  empty,
  hint,
  noun,
  onExcept,
}: {
  doubts: readonly Doubt[];
  empty: string;
  hint: string;
  noun: string;
  onExcept: (doubt: Doubt) => void;
}) {
  const [shown, setShown] = useState(AT_FIRST);
  if (doubts.length === 0) {
    return (
      <Empty icon={Scale} title={empty}>
        {hint}
      </Empty>
    );
  }
  return (
    <>
      <ul className="-mt-4">
        {doubts.slice(0, shown).map((doubt) => (
          <Item key={doubt.key} doubt={doubt} onExcept={() => onExcept(doubt)} />
        ))}
      </ul>
      <Pagination
        shown={Math.min(shown, doubts.length)}
        total={doubts.length}
        noun={`kinds of stops · ${noun}`}
        more={doubts.length > shown}
        onMore={() => setShown(shown + 12)}
      />
    </>
  );
}

function Item({ doubt, onExcept }: { doubt: Doubt; onExcept: () => void }) {
  const { example, margin } = doubt;
  return (
    <li className="flex flex-wrap items-start gap-x-4 gap-y-2 border-t border-line px-4 py-3 first:border-0">
      <div className="min-w-0 flex-1 basis-80">
        <p className="font-medium">
          <Foreign text={doubt.why || category(example.category)} />
        </p>
        <p className="mt-0.5 text-[13px] break-words text-muted">
          <Foreign text={`${doubt.method} ${doubt.path}`} className="font-mono text-xs break-all text-text" /> ·{" "}
          {doubt.rules.map((rule, index) => (
            <span key={rule}>
              {index > 0 && ", "}
              <RuleName rule={rule} />
            </span>
          ))}
        </p>
        <p className="mt-1.5 flex flex-wrap items-center gap-1.5">
          <ActionBadge action={example.action} would={example.would} />
          {doubt.alone && <Badge>one rule alone</Badge>}
          {margin !== null && margin < CLOSE && (
            <Badge>{margin <= 0 ? "exactly at its bound" : `${Math.round(margin)} over its bound`}</Badge>
          )}
          <span className="text-xs text-muted">
            {count(doubt.requests)} {doubt.requests === 1 ? "request" : "requests"} from {count(doubt.clients)}{" "}
            {doubt.clients === 1 ? "client" : "clients"}, last <Ago when={example.time} />
            {doubt.mark && `; ${count(doubt.marked.length)} marked`}
          </span>
        </p>
      </div>
      <Choices doubt={doubt} onExcept={onExcept} />
    </li>
  );
}

function RuleName({ rule }: { rule: string }) {
  const name = <Foreign text={rule} className="font-mono text-xs" />;
  return useMe().tenant ? (
    name
  ) : (
    <Link href={`/rules?open=${encodeURIComponent(rule)}`} className="hover:underline">
      {name}
    </Link>
  );
}

function Choices({ doubt, onExcept }: { doubt: Doubt; onExcept: () => void }) {
  const mayMark = useMay("analyst");
  const { tenant } = useMe();
  const mayExcept = useMay("admin") && !tenant;
  const marking = useMarking();
  const busy = marking.isPending;
  const mark = (to: Mark | null) => {
    const ids = (to ? doubt.unmarked : doubt.marked).slice(0, MOST_MARKED);
    const requests = `${count(ids.length)} ${ids.length === 1 ? "request" : "requests"}`;
    const words =
      to === null
        ? `The mark of ${requests} is taken back`
        : `${requests} marked as ${to === "confirmed" ? "an attack" : "a false alarm"}`;
    marking.mutate({ ids, mark: to }, { onSuccess: () => toast(words), onError: toast.error });
  };
  return (
    <div className="flex flex-wrap items-center gap-2">
      <Link
        href={`/logs?open=${encodeURIComponent(doubt.example.id)}`}
        className="px-1 text-[13px] font-medium text-accent hover:underline"
      >
        Look at it
      </Link>
      {mayMark && !doubt.mark && (
        <>
          <Button size="sm" icon={Check} disabled={busy} onClick={() => mark("confirmed")}>
            It was an attack
          </Button>
          <Button size="sm" icon={X} disabled={busy} onClick={() => mark("false-positive")}>
            False alarm
          </Button>
        </>
      )}
      {mayMark && doubt.mark && (
        <Button size="sm" icon={Undo2} busy={busy} onClick={() => mark(null)}>
          Take back
        </Button>
      )}
      {mayExcept && doubt.mark !== "confirmed" && (
        <Button size="sm" icon={ShieldMinus} onClick={onExcept}>
          Make an exception
        </Button>
      )}
    </div>
  );
}
