// The list of exchanges: only the rows in sight exist. On a phone a row has two lines.
import {
  type KeyboardEvent,
  memo,
  type ReactNode,
  type RefObject,
  useCallback,
  useEffect,
  useLayoutEffect,
  useRef,
  useState,
  useSyncExternalStore,
} from "react";
import type { LogEntry } from "@/api/types";
import { cx } from "@/lib/cx";
import { category, clock, dayTime, fullTime, micros } from "@/lib/format";
import { levelLook } from "@/lib/levels";
import { visible } from "@/lib/text";
import { ActionBadge, Foreign, Score } from "@/ui";
import { detectorName, subjectWords } from "./words";

const NARROW = "(max-width: 639px)";
export function usePhone(): boolean {
  return useSyncExternalStore(
    (listener) => {
      const media = window.matchMedia(NARROW);
      media.addEventListener("change", listener);
      return () => media.removeEventListener("change", listener);
    },
    () => window.matchMedia(NARROW).matches,
  );
}

const LINE = "flex w-full items-center gap-3 px-4";
const CELLS = {
  time: "w-24 shrink-0",
  action: "w-24 shrink-0",
  score: "w-20 shrink-0 max-md:hidden",
  request: "min-w-0 flex-[3_1_0]",
  why: "min-w-0 flex-[3_1_0] max-lg:hidden",
  client: "w-36 shrink-0 max-md:hidden",
  status: "w-12 shrink-0 text-right",
  took: "w-20 shrink-0 text-right max-xl:hidden",
};

export interface LogTableProps {
  rows: readonly LogEntry[];
  open: string;
  onOpen: (entry: LogEntry) => void;
  onEnd: () => void;
  /** Called with whether the list stands at its top. */
  onTop: (top: boolean) => void;
  box: RefObject<HTMLDivElement | null>;
  faded?: boolean;
}

/** Rows drawn beyond those in sight, above and below. */
const BEYOND = 16;

/** Rows are of one height, so which are in sight is a division, however many there are. */
function useWindow(box: RefObject<HTMLDivElement | null>, height: number, total: number) {
  const [from, setFrom] = useState(0);
  const [room, setRoom] = useState(50);
  const look = useCallback(() => {
    const top = box.current?.scrollTop ?? 0;
    // In steps of eight rows: most scrolling draws nothing new.
    setFrom(Math.max(0, Math.floor(top / height / 8) * 8 - BEYOND));
  }, [box, height]);
  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    const measure = () => {
      setRoom(Math.ceil((element.clientHeight || 900) / height));
      look();
    };
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, [box, height, look]);
  const first = Math.min(from, Math.max(0, total - 1));
  return { first, end: Math.min(total, from + room + 2 * BEYOND + 8), look };
}

export function LogTable({ rows, open, onOpen, onEnd, onTop, box, faded }: LogTableProps) {
  const phone = usePhone();
  const height = phone ? 58 : 36;
  const { first, end, look } = useWindow(box, height, rows.length);
  useEffect(() => {
    if (rows.length > 0 && end >= rows.length - 60) onEnd();
  }, [end, rows.length, onEnd]);
  const top = useRef(true);
  const onScroll = () => {
    look();
    const now = (box.current?.scrollTop ?? 0) < height / 2;
    if (now !== top.current) {
      top.current = now;
      onTop(now);
    }
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1 }[event.key];
    const row = (event.target as Element).closest<HTMLElement>("[data-index]");
    if (!step || !row) return;
    event.preventDefault();
    const index = Math.max(0, Math.min(rows.length - 1, Number(row.dataset.index) + step));
    const next = box.current?.querySelector<HTMLElement>(`[data-index="${index}"]`);
    next?.focus({ preventScroll: true });
    next?.scrollIntoView({ block: "nearest" });
  };
  return (
    <div
      ref={box}
      onScroll={onScroll}
      onKeyDown={onKeyDown}
      className={cx("min-h-0 flex-1 scroll-pt-9 overflow-auto transition-opacity", faded && "opacity-60")}
      tabIndex={0}
      role="region"
      aria-label="Exchanges, newest first"
    >
      <div role="table" aria-label="Exchanges" aria-rowcount={rows.length + 1} className="text-[13px]">
        <div role="rowgroup" className="sticky top-0 z-10 border-b border-line bg-surface max-sm:sr-only">
          <div role="row" aria-rowindex={1} tabIndex={-1} className={cx(LINE, "h-9 text-xs font-medium text-muted")}>
            <Head className={CELLS.time}>Time</Head>
            <Head className={CELLS.action}>Action</Head>
            <Head className={CELLS.score}>Score</Head>
            <Head className={CELLS.request}>Request</Head>
            <Head className={CELLS.why}>What was found</Head>
            <Head className={CELLS.client}>Client</Head>
            <Head className={CELLS.status}>Status</Head>
            <Head className={CELLS.took}>Took</Head>
          </div>
        </div>
        <div role="rowgroup" className="relative" style={{ height: rows.length * height }}>
          {rows.slice(first, end).map((entry, at) => (
            <Row
              key={entry.id}
              entry={entry}
              index={first + at}
              height={height}
              phone={phone}
              open={entry.id === open}
              onOpen={onOpen}
            />
          ))}
        </div>
      </div>
    </div>
  );
}

interface RowProps {
  entry: LogEntry;
  index: number;
  height: number;
  phone: boolean;
  open: boolean;
  onOpen: (entry: LogEntry) => void;
}

const Row = memo(function Row({ entry, index, height, phone, open, onOpen }: RowProps) {
  return (
    <div
      role="row"
      aria-rowindex={index + 2}
      data-row={entry.id}
      data-index={index}
      tabIndex={0}
      onClick={() => {
        // Marking text opens nothing.
        if (!window.getSelection()?.toString()) onOpen(entry);
      }}
      onKeyDown={(event) => {
        if (event.key !== "Enter" && event.key !== " ") return;
        event.preventDefault();
        onOpen(entry);
      }}
      className={cx(
        "absolute top-0 left-0 w-full cursor-pointer border-b border-line hover:bg-hover focus-visible:-outline-offset-2",
        open && "bg-accent-soft",
      )}
      style={{ height, transform: `translateY(${index * height}px)` }}
    >
      {phone ? <PhoneRow entry={entry} /> : <WideRow entry={entry} />}
    </div>
  );
});

function Head({ className, children }: { className: string; children: ReactNode }) {
  return (
    <div role="columnheader" tabIndex={-1} className={cx("truncate", className)}>
      {children}
    </div>
  );
}

function WideRow({ entry }: { entry: LogEntry }) {
  return (
    <div className={cx(LINE, "h-full")}>
      <Cell className={cx(CELLS.time, "text-muted")} title={fullTime(entry.time)}>
        {when(entry.time)}
      </Cell>
      <Cell className={CELLS.action}>
        <Done entry={entry} />
      </Cell>
      <Cell className={CELLS.score}>
        {entry.score >= 1 ? (
          <Score value={entry.score} level={entry.level} />
        ) : (
          <span className="inline-block w-6 text-right text-muted">{entry.level ? "0" : "–"}</span>
        )}
      </Cell>
      <Cell className={CELLS.request} title={visible(`${entry.method} ${request(entry)}`)}>
        <Foreign text={entry.method} className="mr-2 text-muted" />
        <Foreign text={request(entry)} />
      </Cell>
      <Cell className={cx(CELLS.why, "text-muted")} title={visible(found(entry))}>
        <Foreign text={found(entry)} />
      </Cell>
      <Cell className={CELLS.client} title={entry.client}>
        <Foreign text={entry.client} />
      </Cell>
      <Cell className={cx(CELLS.status, entry.status >= 500 && "text-bad")}>{entry.status || "none"}</Cell>
      <Cell className={cx(CELLS.took, "text-muted")}>{micros(entry.duration_us)}</Cell>
    </div>
  );
}

function PhoneRow({ entry }: { entry: LogEntry }) {
  const about = found(entry);
  return (
    <div role="cell" className="flex h-full flex-col justify-center gap-0.5 px-4">
      <div className="flex items-center gap-2">
        <span className="min-w-0 flex-1 truncate">
          <Foreign text={entry.method} className="mr-1.5 text-muted" />
          <Foreign text={request(entry)} />
        </span>
        <Done entry={entry} />
      </div>
      <div className="flex items-center gap-2 text-xs text-muted">
        <span className="min-w-0 flex-1 truncate">
          <Foreign text={about || entry.client} />
        </span>
        {entry.score >= 1 && <span className={levelLook(entry.level)?.text}>{Math.round(entry.score)}</span>}
        <span>{entry.status || "none"}</span>
        <span>{when(entry.time)}</span>
      </div>
    </div>
  );
}

function Cell({ className, title, children }: { className: string; title?: string; children: ReactNode }) {
  return (
    <div role="cell" className={cx("truncate", className)} title={title}>
      {children}
    </div>
  );
}

/** What was done; what is usual is quiet. */
function Done({ entry }: { entry: LogEntry }) {
  if (entry.action === "allow" && !entry.would) return <span className="pl-2 text-xs text-muted">Allowed</span>;
  return <ActionBadge action={entry.action} would={entry.would} />;
}

const request = (entry: LogEntry) => (entry.query ? `${entry.path}?${entry.query}` : entry.path) || "(no request)";

/** What was found, in few words. */
export function found(entry: LogEntry): string {
  if (entry.ban) return `Banned: ${subjectWords(entry.ban)}`;
  if (entry.limit) return `Over the limit ${entry.limit}`;
  if (entry.why) {
    const kind = entry.rules[0]?.startsWith("behaviour-") ? detectorName(entry.rules[0]) : category(entry.category);
    return entry.category ? `${kind} · ${entry.why}` : entry.why;
  }
  return entry.reason;
}

const today = () => new Date().toDateString();
/** The clock; of other days the day, too. */
const when = (time: string) => (new Date(time).toDateString() === today() ? clock(time) : dayTime(time));
