// What happened, newest first: filtered, followed live, opened, exported. The filter stands in the address.

import { Download, Plus, RefreshCw, ScrollText } from "lucide-react";
import { useCallback, useEffect, useMemo, useRef, useState, useSyncExternalStore } from "react";
import { address, call } from "@/api/client";
import type { LogEntry } from "@/api/types";
import { count } from "@/lib/format";
import { useRange } from "@/lib/range";
import { useUrlState, useUrlValue } from "@/lib/url";
import {
  Button,
  Empty,
  ErrorState,
  FilterBar,
  type FilterField,
  IconButton,
  Menu,
  Page,
  SkeletonRows,
  Switch,
  TimeRange,
  useFilters,
} from "@/ui";
import { LogDrawer } from "./logs/drawer";
import { ALL_FIELDS, FURTHER, SEARCH, USUAL } from "./logs/fields";
import { LogList, type LogQuery } from "./logs/list";
import { LogTable, usePhone } from "./logs/table";

/** How often is looked for new records. */
const LOOK_MS = 400;

export default function Logs() {
  const [open, setOpen] = useUrlValue("open");
  const [following, setFollowing] = useUrlValue("live");
  const [values, change] = useUrlState();
  const [epoch, setEpoch] = useState(0);
  const query = useQuestion(epoch);
  const fixed = query.until !== undefined;
  const live = following !== "off" && !fixed;
  const [top, setTop] = useState(true);
  const list = useList(query, live, !top || open !== "");
  const state = useSyncExternalStore(list.subscribe, list.snapshot);
  const { rows } = state;
  const box = useRef<HTMLDivElement>(null);
  const onOpen = useCallback((entry: LogEntry) => setOpen(entry.id), [setOpen]);
  const onEnd = useCallback(() => void list.more(), [list]);
  const at = rows.findIndex(({ id }) => id === open);
  const step = (by: 1 | -1) => {
    const next = rows[at + by];
    if (next) setOpen(next.id);
  };
  const filtered = ALL_FIELDS.some(({ name }) => values.get(name));
  const showNew = () => {
    list.release();
    box.current?.scrollTo({ top: 0 });
  };
  return (
    <Page
      fill
      title="Logs"
      hint={<span className="max-sm:hidden">Every request and what became of it. Open one to read why.</span>}
      actions={
        <>
          <Switch
            checked={live}
            disabled={fixed}
            onChange={(on) => setFollowing(on ? undefined : "off")}
            label="Live"
          />
          <IconButton icon={RefreshCw} label="Look again" onClick={() => setEpoch((old) => old + 1)} />
          <Export query={query} />
        </>
      }
    >
      <Filters />
      <div className="card relative flex min-h-0 flex-1 flex-col overflow-hidden">
        {state.waiting > 0 && (
          <button
            type="button"
            onClick={showNew}
            className="absolute top-11 left-1/2 z-20 -translate-x-1/2 rounded-full bg-accent px-3 py-1 text-xs font-medium text-on-accent shadow-pop hover:bg-accent-hover max-sm:top-2"
          >
            {count(state.waiting)} new, show {state.waiting === 1 ? "it" : "them"}
          </button>
        )}
        {rows.length > 0 && (!state.error || !state.asking) ? (
          <LogTable
            rows={rows}
            open={open}
            onOpen={onOpen}
            onEnd={onEnd}
            onTop={setTop}
            box={box}
            faded={state.asking}
          />
        ) : state.asking ? (
          <SkeletonRows rows={12} />
        ) : state.error ? (
          <ErrorState error={state.error} retry={list.again} />
        ) : (
          <Nothing
            filtered={filtered}
            onClear={() => change(Object.fromEntries(ALL_FIELDS.map(({ name }) => [name, undefined])))}
          />
        )}
        <Foot
          shown={rows.length}
          more={state.more}
          adding={state.adding}
          full={state.full}
          live={live}
          held={state.waiting > 0 || !top}
          failed={state.error !== null && rows.length > 0}
          onAgain={list.again}
          {...(state.full && rows.length > 0
            ? { onOn: () => change({ until: rows.at(-1)?.time, since: String(query.since), span: undefined }) }
            : {})}
        />
      </div>
      <LogDrawer id={open} onClose={() => setOpen(undefined)} {...(at >= 0 ? { onStep: step } : {})} />
    </Page>
  );
}

/** The filter as the API wants it. The beginning of the time stays as it was when the span was chosen. */
function useQuestion(epoch: number): LogQuery {
  const [range] = useRange("24h");
  const filters = useFilters(ALL_FIELDS);
  const key = JSON.stringify(filters);
  const { span, until } = range;
  const fixedSince = span ? undefined : range.since;
  // biome-ignore lint/correctness/useExhaustiveDependencies: `since` moves on each minute; the list goes on from where it began
  return useMemo(
    () => ({ ...(JSON.parse(key) as Record<string, string>), since: range.since, ...(until ? { until } : {}) }),
    [key, span, until, fixedSince, epoch],
  );
}

function useList(query: LogQuery, live: boolean, held: boolean): LogList {
  const list = useMemo(() => new LogList((asked, signal) => call("get", "/api/v1/logs", { query: asked, signal })), []);
  useEffect(() => {
    void list.ask(query);
    return () => list.stop();
  }, [list, query]);
  useEffect(() => list.hold(held), [list, held]);
  useEffect(() => {
    if (!live) return;
    const timer = setInterval(() => {
      if (document.visibilityState === "visible") void list.look();
    }, LOOK_MS);
    return () => clearInterval(timer);
  }, [list, live]);
  return list;
}

function Filters() {
  const [values] = useUrlState();
  const [wanted, setWanted] = useState<readonly string[]>([]);
  // A phone has room for one list; the others are added like the rest.
  const phone = usePhone();
  const usual = phone ? USUAL.slice(0, 1) : USUAL;
  const others = phone ? [...USUAL.slice(1), ...FURTHER] : FURTHER;
  const further = others.filter(({ name }) => wanted.includes(name) || values.get(name));
  const left: FilterField[] = others.filter((field) => !further.includes(field));
  return (
    <FilterBar search={SEARCH} fields={[...usual, ...further]}>
      {left.length > 0 && (
        <Menu
          heading="Filter by"
          trigger={
            <Button icon={Plus} variant="ghost">
              Filter
            </Button>
          }
          items={left.map(({ name, label }) => ({ label, onSelect: () => setWanted((old) => [...old, name]) }))}
        />
      )}
      <TimeRange fallback="24h" />
    </FilterBar>
  );
}

function Export({ query }: { query: LogQuery }) {
  const save = (path: "/api/v1/logs.csv" | "/api/v1/logs.ndjson") => {
    const link = document.createElement("a");
    link.href = address(path, {}, query);
    link.download = path.slice(path.lastIndexOf("/") + 1);
    link.click();
  };
  return (
    <Menu
      heading="Everything that fits the filter"
      trigger={<Button icon={Download}>Export</Button>}
      items={[
        { label: "Table (CSV)", onSelect: () => save("/api/v1/logs.csv") },
        { label: "Lines of JSON", onSelect: () => save("/api/v1/logs.ndjson") },
      ]}
    />
  );
}

function Nothing({ filtered, onClear }: { filtered: boolean; onClear: () => void }) {
  return filtered ? (
    <Empty
      icon={ScrollText}
      title="Nothing fits this filter"
      action={<Button onClick={onClear}>Clear the filter</Button>}
    >
      A longer span of time or fewer conditions show more.
    </Empty>
  ) : (
    <Empty icon={ScrollText} title="No requests yet">
      Send one through the gateway; it appears here within a second.
    </Empty>
  );
}

interface FootProps {
  shown: number;
  more: boolean;
  adding: boolean;
  full: boolean;
  live: boolean;
  held: boolean;
  failed: boolean;
  onAgain: () => void;
  onOn?: () => void;
}

function Foot({ shown, more, adding, full, live, held, failed, onAgain, onOn }: FootProps) {
  const words = failed
    ? "The latest question failed."
    : adding
      ? "Fetching older ones…"
      : full
        ? "That is as many as this list holds."
        : more
          ? "Scroll on for older ones."
          : "That is all in this span of time.";
  return (
    <footer className="flex h-9 shrink-0 items-center gap-2 border-t border-line px-4 text-xs text-muted">
      <span>{count(shown)} shown.</span>
      <span className="truncate max-sm:hidden">{shown > 0 && words}</span>
      {onOn && (
        <button type="button" className="font-medium text-accent hover:underline" onClick={onOn}>
          Go on from here
        </button>
      )}
      {failed && (
        <button type="button" className="font-medium text-accent hover:underline" onClick={onAgain}>
          Try again
        </button>
      )}
      <span className="ml-auto whitespace-nowrap">
        {live ? (held ? "Live, held while you read" : "Live: new ones appear on top") : "Not live"}
      </span>
    </footer>
  );
}
