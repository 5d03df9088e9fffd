// The records of a filter, as far as they have been fetched: older ones at the end, page by page, and those that
// arrive while somebody looks, in front. Bounded, however long it is looked at and however far it is scrolled.
// It knows nothing of React, so that it can be tested with a gateway that is a function.
import type { LogEntry, Schemas } from "@/api/types";

type LogPage = Schemas["LogPage"];
export type LogQuery = Readonly<Record<string, string | number | undefined>>;
export type Ask = (query: LogQuery, signal: AbortSignal) => Promise<LogPage>;

export interface LogState {
  /** Newest first. */
  rows: readonly LogEntry[];
  /** Arrived since, and held back while somebody reads. */
  waiting: number;
  /** The first page of the latest question is on its way; `rows` are those of the question before. */
  asking: boolean;
  /** A further page is on its way. */
  adding: boolean;
  /** There are older ones that can be fetched. */
  more: boolean;
  /** The bound was reached: older ones need a question of their own. */
  full: boolean;
  error: unknown;
}

/** Rows that are held; some 50 MB. */
export const MOST_ROWS = 50_000;
const FIRST = 100;
const PAGE = 500;
/** Rows that wait; beyond, the list is asked for anew when they are to be shown. */
const MOST_WAITING = 2_000;
/** A record is written when its exchange ends, and stands where it began: so far back the tail looks. */
const OVERLAP_MS = 15_000;

const NOTHING: LogState = {
  rows: [],
  waiting: 0,
  asking: true,
  adding: false,
  more: false,
  full: false,
  error: null,
};

export class LogList {
  private state: LogState = NOTHING;
  private query: LogQuery = {};
  private next: string | undefined;
  private ids = new Set<string>();
  private fresh: LogEntry[] = [];
  /** More arrived than the tail could follow. */
  private gap = false;
  private held = false;
  private looking = false;
  private run = new AbortController();
  private readonly listeners = new Set<() => void>();

  private readonly ask_: Ask;
  private readonly most: number;

  constructor(ask: Ask, most = MOST_ROWS) {
    this.ask_ = ask;
    this.most = most;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };
  readonly snapshot = (): LogState => this.state;

  /** Begins anew with a question; what is shown stays until the answer comes. */
  async ask(query: LogQuery): Promise<void> {
    this.run.abort();
    const run = new AbortController();
    this.run = run;
    this.query = query;
    this.looking = false;
    this.change({ asking: true, adding: false, error: null });
    try {
      const page = await this.ask_({ ...query, limit: FIRST }, run.signal);
      if (run.signal.aborted) return;
      this.ids = new Set(page.logs.map(({ id }) => id));
      this.fresh = [];
      this.gap = false;
      this.next = page.next ?? undefined;
      this.change({ ...NOTHING, rows: page.logs, asking: false, more: this.next !== undefined });
    } catch (error) {
      if (!run.signal.aborted) this.change({ asking: false, error });
    }
  }

  readonly again = (): void => void this.ask(this.query);

  stop(): void {
    this.run.abort();
  }

  /** Fetches the next older ones. */
  readonly more = async (): Promise<void> => {
    const { asking, adding, full, rows } = this.state;
    if (asking || adding || full || this.next === undefined) return;
    const { signal } = this.run;
    this.change({ adding: true });
    try {
      const limit = Math.min(PAGE, Math.max(1, this.most - rows.length));
      const page = await this.ask_({ ...this.query, limit, cursor: this.next }, signal);
      if (signal.aborted) return;
      this.next = page.next ?? undefined;
      const added = page.logs.filter(({ id }) => !this.ids.has(id));
      for (const { id } of added) this.ids.add(id);
      this.show(this.state.rows.concat(added), { adding: false });
    } catch (error) {
      if (!signal.aborted) this.change({ adding: false, error });
    }
  };

  /** Whether what arrives waits, because somebody reads. */
  hold(held: boolean): void {
    this.held = held;
    if (!held) this.release();
  }

  /** Shows what waits. */
  readonly release = (): void => {
    if (this.gap) this.again();
    else if (this.fresh.length > 0) {
      const { fresh } = this;
      this.fresh = [];
      this.show(inFront(fresh, this.state.rows), { waiting: 0 });
    }
  };

  /** Looks for what arrived since. Silent when it fails: the next look comes soon. */
  async look(): Promise<void> {
    if (this.looking || this.state.asking || this.state.error || this.gap || this.query.until) return;
    this.looking = true;
    const { signal } = this.run;
    try {
      const page = await this.ask_({ ...this.query, since: this.from(), limit: PAGE }, signal);
      if (!signal.aborted) this.take(page);
    } catch {
      // The shell says that the connection is away.
    } finally {
      if (!signal.aborted) this.looking = false;
    }
  }

  private from(): string | undefined {
    const newest = this.fresh[0]?.time ?? this.state.rows[0]?.time;
    const since = this.query.since === undefined ? undefined : String(this.query.since);
    if (!newest) return since;
    const back = new Date(Date.parse(newest) - OVERLAP_MS).toISOString();
    return since && Date.parse(since) > Date.parse(back) ? since : back;
  }

  private take(page: LogPage): void {
    const fresh = page.logs.filter(({ id }) => !this.ids.has(id));
    const joins = fresh.length < page.logs.length || !page.next || this.state.rows.length === 0;
    if (!joins || this.fresh.length + fresh.length > MOST_WAITING) {
      this.gap = true;
      if (this.held) this.change({ waiting: this.fresh.length + fresh.length });
      else this.again();
      return;
    }
    if (fresh.length === 0) return;
    for (const { id } of fresh) this.ids.add(id);
    this.fresh = inFront(fresh, this.fresh);
    if (this.held) this.change({ waiting: this.fresh.length });
    else this.release();
  }

  private show(rows: readonly LogEntry[], part: Partial<LogState>): void {
    const full = rows.length > this.most || (rows.length === this.most && this.next !== undefined);
    const kept = full ? rows.slice(0, this.most) : rows;
    if (full) for (const { id } of rows.slice(this.most)) this.ids.delete(id);
    this.change({ ...part, rows: kept, full, more: !full && this.next !== undefined });
  }

  private change(part: Partial<LogState>): void {
    this.state = { ...this.state, ...part };
    for (const listener of this.listeners) listener();
  }
}

const HEAD = 1_000;
/** Puts newer rows in front. Some belong between the first ones, since records are written when exchanges end. */
function inFront(newer: readonly LogEntry[], rows: readonly LogEntry[]): LogEntry[] {
  const head = [...newer, ...rows.slice(0, HEAD)].sort((a, b) => (a.time < b.time ? 1 : a.time > b.time ? -1 : 0));
  return head.concat(rows.slice(HEAD));
}
