// The feed of what happens now, one for the whole page: a WebSocket, or server-sent events where a proxy lets no
// WebSocket through. It says openly whether it is connected, comes back by itself with growing pauses, and rests
// while nobody looks. What arrives is gathered and shown four times a second, however much it is.
import { useSyncExternalStore } from "react";
import type { Alert, Stats, Traffic } from "./types";

/** `live` and `events` (the fallback) are connected; `paused` rests while the page is hidden. */
export type Connection = "connecting" | "live" | "events" | "lost" | "paused" | "off";

/** What is known at a moment. Lists begin with the newest. */
export interface Feed {
  connection: Connection;
  /** When the next attempt is made, in milliseconds since 1970; while `lost`. */
  retryAt: number | null;
  stats: Stats | null;
  /** Stats of the last five minutes, oldest first. */
  history: readonly Stats[];
  traffic: readonly Traffic[];
  alerts: readonly Alert[];
  /** Events that the gateway left out because this page read too slowly. */
  missed: number;
}

export const MOST_HISTORY = 300;
export const MOST_TRAFFIC = 200;
export const MOST_ALERTS = 50;
const FLUSH_MS = 250;
const LONGEST_PAUSE_MS = 15_000;
const HIDDEN_MS = 10_000;
/** Stats come each second; a feed that is silent for so long is dead, whatever the socket says. */
const SILENCE_MS = 8_000;

const EMPTY: Feed = {
  connection: "off",
  retryAt: null,
  stats: null,
  history: [],
  traffic: [],
  alerts: [],
  missed: 0,
};

type Event_ =
  | { type: "stats"; data: Stats }
  | { type: "traffic"; data: Traffic }
  | { type: "alert"; data: Alert }
  | { type: "missed"; data: number };

export class Live {
  private feed: Feed = EMPTY;
  private readonly listeners = new Set<() => void>();
  private readonly alertListeners = new Set<(alert: Alert) => void>();
  private waiting: Event_[] = [];
  private socket: WebSocket | null = null;
  private source: EventSource | null = null;
  private failures = 0;
  private neverOpened = 0;
  private timers: Partial<Record<"flush" | "retry" | "hidden" | "silence", ReturnType<typeof setTimeout>>> = {};
  private running = false;
  private isQuiet = false;
  /** Asked when an attempt fails: a session that has ended must not be retried for ever. */
  onDown: () => void = () => {};
  /** Called when the feed is back after a loss, when what pages hold may be old. */
  onBack: () => void = () => {};

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };
  readonly snapshot = (): Feed => this.feed;

  /** Calls back for each alert that arrives. */
  watchAlerts(listener: (alert: Alert) => void): () => void {
    this.alertListeners.add(listener);
    return () => this.alertListeners.delete(listener);
  }

  /** `isQuiet`: the feed of a tenant has no figures of the process, so that silence says nothing. */
  start(isQuiet = false): void {
    if (this.running) return;
    this.running = true;
    this.isQuiet = isQuiet;
    document.addEventListener("visibilitychange", this.onVisibility);
    window.addEventListener("online", this.retryNow);
    this.connect();
  }

  stop(): void {
    this.running = false;
    document.removeEventListener("visibilitychange", this.onVisibility);
    window.removeEventListener("online", this.retryNow);
    this.close();
    for (const timer of Object.values(this.timers)) clearTimeout(timer);
    this.timers = {};
    this.waiting = [];
    this.failures = 0;
    this.change(EMPTY);
  }

  readonly retryNow = (): void => {
    if (!this.running || this.socket || this.source) return;
    clearTimeout(this.timers.retry);
    this.connect();
  };

  private connect(): void {
    this.change({ connection: "connecting", retryAt: null });
    // Three handshakes that were kept from us: something between lets no WebSocket pass. Every fourth attempt tries again.
    if (this.neverOpened >= 3 && this.neverOpened % 4 !== 0) this.connectEvents();
    else this.connectSocket();
    this.listen();
  }

  private connectSocket(): void {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const socket = new WebSocket(`${scheme}://${location.host}/api/v1/live`);
    this.socket = socket;
    let opened = false;
    socket.onopen = () => {
      opened = true;
      this.neverOpened = 0;
      this.up("live");
    };
    socket.onmessage = (message) => this.take(String(message.data));
    socket.onclose = () => {
      if (this.socket !== socket) return;
      if (!opened) void this.blame();
      this.down();
    };
  }

  /** A handshake that fails while the gateway answers was kept from it by something between; else it is just away. */
  private async blame(): Promise<void> {
    const answers = await fetch("/healthz").then(
      (response) => response.ok,
      () => false,
    );
    if (answers) this.neverOpened += 1;
  }

  private connectEvents(): void {
    const source = new EventSource("/api/v1/live/events");
    this.source = source;
    source.onopen = () => this.up("events");
    for (const name of ["stats", "traffic", "alert", "missed"]) {
      source.addEventListener(name, (event) => this.take(String((event as MessageEvent).data)));
    }
    source.onerror = () => {
      if (this.source !== source) return;
      this.neverOpened += 1;
      this.down();
    };
  }

  private up(connection: "live" | "events"): void {
    const wasLost = this.failures > 0;
    this.failures = 0;
    this.change({ connection, retryAt: null });
    this.listen();
    if (wasLost) this.onBack();
  }

  private down(): void {
    this.close();
    if (!this.running) return;
    this.failures += 1;
    const pause = Math.min(LONGEST_PAUSE_MS, 500 * 2 ** Math.min(this.failures - 1, 6)) * (0.75 + Math.random() / 2);
    this.timers.retry = setTimeout(() => this.connect(), pause);
    this.change({ connection: "lost", retryAt: Date.now() + pause });
    this.onDown();
  }

  private close(): void {
    const { socket, source } = this;
    this.socket = null;
    this.source = null;
    socket?.close();
    source?.close();
    clearTimeout(this.timers.silence);
  }

  private listen(): void {
    clearTimeout(this.timers.silence);
    // Without a beat only the attempt is bounded.
    if (this.isQuiet && this.feed.connection !== "connecting") return;
    this.timers.silence = setTimeout(() => this.down(), SILENCE_MS);
  }

  private readonly onVisibility = (): void => {
    clearTimeout(this.timers.hidden);
    if (document.visibilityState === "hidden") {
      this.timers.hidden = setTimeout(() => {
        this.close();
        clearTimeout(this.timers.retry);
        this.failures = Math.max(this.failures, 1);
        this.change({ connection: "paused", retryAt: null });
      }, HIDDEN_MS);
    } else if (this.feed.connection === "paused") {
      this.connect();
    }
  };

  private take(text: string): void {
    this.listen();
    let event: Event_;
    try {
      event = JSON.parse(text) as Event_;
    } catch {
      return;
    }
    if (event.type === "alert") event = { type: "alert", data: bare(event.data) };
    this.waiting.push(event);
    if (event.type === "alert") for (const listener of this.alertListeners) listener(event.data);
    this.timers.flush ??= setTimeout(() => this.flush(), FLUSH_MS);
  }

  private flush(): void {
    delete this.timers.flush;
    const events = this.waiting;
    this.waiting = [];
    this.change(gather(this.feed, events));
  }

  private change(part: Partial<Feed>): void {
    this.feed = { ...this.feed, ...part };
    for (const listener of this.listeners) listener();
  }
}

/** The feed wraps an alert together with what changed: `{ alert, change }`. */
const bare = (data: Alert | { alert: Alert }): Alert => ("alert" in data ? data.alert : data);

/** What is known after some more events. */
export function gather(feed: Feed, events: readonly Event_[]): Partial<Feed> {
  const history = [...feed.history];
  const traffic: Traffic[] = [];
  let alerts = feed.alerts;
  let { stats, missed } = feed;
  for (const event of events) {
    if (event.type === "stats") {
      stats = event.data;
      history.push(event.data);
    } else if (event.type === "traffic") {
      traffic.unshift(event.data);
    } else if (event.type === "alert") {
      const { data } = event;
      alerts = [data, ...alerts.filter((alert) => alert.id !== data.id)].slice(0, MOST_ALERTS);
    } else if (event.type === "missed") {
      missed += event.data;
    }
  }
  return {
    stats,
    missed,
    alerts,
    history: history.slice(-MOST_HISTORY),
    traffic: traffic.length > 0 ? [...traffic, ...feed.traffic].slice(0, MOST_TRAFFIC) : feed.traffic,
  };
}

/** The feed of this page. */
export const live = new Live();

/** The feed, or one part of it: `useLive((feed) => feed.stats)`. The part must be a value that the feed holds. */
export function useLive(): Feed;
export function useLive<T>(part: (feed: Feed) => T): T;
export function useLive<T>(part?: (feed: Feed) => T): T | Feed {
  const read = () => (part ? part(live.snapshot()) : live.snapshot());
  return useSyncExternalStore(live.subscribe, read);
}
