// What comes in now: a sample of the exchanges, newest on top, below it the newest from before the page was opened. It
// stands still while somebody points at it or said so.
import { Pause, Play, Radio } from "lucide-react";
import { useMemo, useRef, useState } from "react";
import { Link } from "wouter";
import { useLive } from "@/api/live";
import { useApi } from "@/api/queries";
import type { LogEntry, Traffic } from "@/api/types";
import { cx } from "@/lib/cx";
import { category, clock, micros } from "@/lib/format";
import { visible } from "@/lib/text";
import { ActionBadge, Button, Card, Empty, Foreign } from "@/ui";

const ROWS = 18;

/** What a row shows: of the feed, or of a record. */
type Passing = Pick<
  Traffic & LogEntry,
  | "id"
  | "time"
  | "client"
  | "method"
  | "host"
  | "path"
  | "status"
  | "action"
  | "would"
  | "level"
  | "category"
  | "why"
  | "duration_us"
>;

/** The feed, and below it what is older than all of it. */
export function behind(fed: readonly Passing[], before: readonly Passing[]): readonly Passing[] {
  const oldest = fed.at(-1);
  const known = new Set(fed.map(({ id }) => id));
  return [...fed, ...before.filter(({ id, time }) => !known.has(id) && (!oldest || time <= oldest.time))];
}

const isThreat = ({ level, action }: Passing) => (level !== "" && level !== "LOW") || action !== "allow";

export function Stream() {
  const fed = useLive((feed) => feed.traffic);
  const before = useApi("/api/v1/logs", { query: { limit: 50 } }, { staleTime: Number.POSITIVE_INFINITY });
  const traffic = useMemo(() => behind(fed, before.data?.logs ?? []), [fed, before.data]);
  const [paused, setPaused] = useState(false);
  const [pointed, setPointed] = useState(false);
  const [only, setOnly] = useState(false);
  const held = useRef<readonly Passing[]>(traffic);
  const still = paused || pointed;
  if (!still) held.current = traffic;
  const rows = held.current.filter((one) => !only || isThreat(one)).slice(0, ROWS);
  return (
    <Card
      flush
      className="flex-1"
      title="Live traffic"
      hint={paused ? "Paused" : pointed ? "Stands still while you point at it" : "A sample of what comes in now"}
      actions={
        <>
          <Button size="sm" variant={only ? "primary" : "secondary"} aria-pressed={only} onClick={() => setOnly(!only)}>
            Only threats
          </Button>
          <Button size="sm" icon={paused ? Play : Pause} aria-pressed={paused} onClick={() => setPaused(!paused)}>
            {paused ? "Go on" : "Pause"}
          </Button>
        </>
      }
    >
      <div
        role="group"
        aria-label="Newest requests"
        className="min-h-[420px] border-t border-line"
        onPointerEnter={(event) => event.pointerType === "mouse" && setPointed(true)}
        onPointerLeave={() => setPointed(false)}
        onFocus={() => setPointed(true)}
        onBlur={() => setPointed(false)}
      >
        {rows.length === 0 ? (
          <Empty icon={Radio} title={only ? "No threat went by lately" : "Nothing has come in yet"}>
            Requests appear here within a second.
          </Empty>
        ) : (
          <ul aria-label="Live traffic" className="text-[13px]">
            {rows.map((one) => (
              <Row key={one.id} one={one} />
            ))}
          </ul>
        )}
      </div>
    </Card>
  );
}

function Row({ one }: { one: Passing }) {
  const threat = isThreat(one);
  return (
    <li className="border-b border-line last:border-0">
      <Link
        href={`/logs?open=${encodeURIComponent(one.id)}`}
        className="flex h-[30px] items-center gap-3 px-4 hover:bg-hover focus-visible:-outline-offset-2"
        title={visible(one.why || `${one.method} ${one.host}${one.path}`)}
      >
        <span className="text-xs text-faint">{clock(one.time)}</span>
        <span className="flex w-34 shrink-0 max-sm:w-auto">
          {threat ? <ActionBadge action={one.action} would={one.would} /> : <Status status={one.status} />}
        </span>
        <span className="min-w-0 flex-1 truncate">
          <span className="text-muted">{visible(one.method)}</span>{" "}
          <Foreign text={one.path} className={cx("font-mono text-xs", threat ? "text-text" : "text-muted")} />
        </span>
        {threat && one.category && (
          <span className="shrink-0 text-xs text-muted max-md:hidden">{category(one.category)}</span>
        )}
        <span className="w-32 shrink-0 truncate text-right font-mono text-xs text-muted max-lg:hidden">
          <Foreign text={one.client} />
        </span>
        <span className="w-16 shrink-0 text-right text-xs text-faint max-sm:hidden">{micros(one.duration_us)}</span>
      </Link>
    </li>
  );
}

function Status({ status }: { status: number }) {
  const bad = status === 0 || status >= 500;
  return <span className={cx("text-xs", bad ? "text-high" : "text-muted")}>{status === 0 ? "no answer" : status}</span>;
}
