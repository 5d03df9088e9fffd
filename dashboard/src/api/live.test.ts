// The feed over a socket that the test holds: how it says that it is lost, and how it comes back.
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { gather, Live, MOST_TRAFFIC } from "./live";
import type { Traffic } from "./types";

class Socket {
  static all: Socket[] = [];
  onopen: (() => void) | null = null;
  onclose: (() => void) | null = null;
  onmessage: ((message: { data: string }) => void) | null = null;
  constructor(readonly url: string) {
    Socket.all.push(this);
  }
  close() {
    this.onclose?.();
  }
  say(event: unknown) {
    this.onmessage?.({ data: JSON.stringify(event) });
  }
}
class Source {
  static all: Source[] = [];
  onopen: (() => void) | null = null;
  onerror: (() => void) | null = null;
  named = new Map<string, (event: { data: string }) => void>();
  constructor(readonly url: string) {
    Source.all.push(this);
  }
  addEventListener(name: string, listener: (event: { data: string }) => void) {
    this.named.set(name, listener);
  }
  close() {}
}

const last = <T>(all: T[]): T => {
  const one = all.at(-1);
  if (!one) throw new Error("there is none");
  return one;
};
const stats = (requests: number) => ({ type: "stats", data: { requests } });

let live: Live;
/** Whether the gateway answers other questions. */
let answers: boolean;
beforeEach(() => {
  vi.useFakeTimers();
  Socket.all = [];
  Source.all = [];
  vi.stubGlobal("WebSocket", Socket);
  vi.stubGlobal("EventSource", Source);
  answers = true;
  vi.stubGlobal(
    "fetch",
    vi.fn(async () => new Response("{}", { status: answers ? 200 : 502 })),
  );
  live = new Live();
  live.start();
});
afterEach(() => {
  live.stop();
  vi.useRealTimers();
});

describe("the connection", () => {
  it("goes from connecting to live, and shows what arrives within a quarter of a second", () => {
    expect(live.snapshot().connection).toBe("connecting");
    last(Socket.all).onopen?.();
    expect(live.snapshot().connection).toBe("live");
    last(Socket.all).say(stats(7));
    vi.advanceTimersByTime(250);
    expect(live.snapshot().stats?.requests).toBe(7);
  });

  it("is lost openly, asks whether the session still holds, and says when it is back", () => {
    const [down, back] = [vi.fn(), vi.fn()];
    live.onDown = down;
    live.onBack = back;
    last(Socket.all).onopen?.();
    last(Socket.all).onclose?.();
    expect(live.snapshot().connection).toBe("lost");
    expect(live.snapshot().retryAt).toBeGreaterThan(Date.now());
    expect(down).toHaveBeenCalledOnce();
    vi.advanceTimersByTime(1_000);
    expect(Socket.all).toHaveLength(2);
    last(Socket.all).onopen?.();
    expect(live.snapshot().connection).toBe("live");
    expect(back).toHaveBeenCalledOnce();
  });

  it("waits longer each time, but never more than 19 seconds", () => {
    last(Socket.all).onopen?.();
    const waits: number[] = [];
    for (let attempt = 0; attempt < 10; attempt += 1) {
      last(Socket.all).onopen?.();
      // A socket that opened and broke counts as a failure again only after the next one.
      last(Socket.all).onclose?.();
      waits.push((live.snapshot().retryAt ?? 0) - Date.now());
      vi.advanceTimersByTime(20_000);
    }
    expect(Math.max(...waits)).toBeLessThan(19_000);
  });

  it("takes silence for a loss, but not where nothing beats", () => {
    last(Socket.all).onopen?.();
    vi.advanceTimersByTime(8_100);
    expect(live.snapshot().connection).toBe("lost");
    live.stop();
    live.start(true);
    last(Socket.all).onopen?.();
    vi.advanceTimersByTime(60_000);
    expect(live.snapshot().connection).toBe("live");
    last(Socket.all).onclose?.();
    expect(live.snapshot().connection).toBe("lost");
    vi.advanceTimersByTime(1_000);
    expect(live.snapshot().connection).toBe("connecting");
    vi.advanceTimersByTime(9_000);
    expect(live.snapshot().connection, "an attempt that hangs").not.toBe("live");
    expect(Socket.all.length).toBeGreaterThan(3);
  });

  it("keeps to sockets while the gateway is away altogether", async () => {
    answers = false;
    for (let attempt = 0; attempt < 6; attempt += 1) {
      last(Socket.all).onclose?.();
      await vi.advanceTimersByTimeAsync(7_000);
    }
    expect(Source.all).toHaveLength(0);
  });

  it("falls back to server-sent events where no socket opens though the gateway answers", async () => {
    for (let attempt = 0; attempt < 3; attempt += 1) {
      last(Socket.all).onclose?.();
      await vi.advanceTimersByTimeAsync(7_000);
    }
    expect(Source.all).toHaveLength(1);
    const source = last(Source.all);
    source.onopen?.();
    expect(live.snapshot().connection).toBe("events");
    source.named.get("stats")?.({ data: JSON.stringify(stats(3)) });
    vi.advanceTimersByTime(250);
    expect(live.snapshot().stats?.requests).toBe(3);
  });

  it("takes silence for a loss", () => {
    last(Socket.all).onopen?.();
    vi.advanceTimersByTime(8_001);
    expect(live.snapshot().connection).toBe("lost");
  });

  it("survives what is no JSON", () => {
    last(Socket.all).onopen?.();
    last(Socket.all).onmessage?.({ data: "{" });
    vi.advanceTimersByTime(300);
    expect(live.snapshot().connection).toBe("live");
  });
});

describe("gather", () => {
  const traffic = (id: string) => ({ type: "traffic" as const, data: { id } as Traffic });
  it("keeps the newest first and no more than there is room for", () => {
    const events = Array.from({ length: MOST_TRAFFIC + 50 }, (_, index) => traffic(String(index)));
    const after = gather(live.snapshot(), events);
    expect(after.traffic).toHaveLength(MOST_TRAFFIC);
    expect(after.traffic?.[0]?.id).toBe(String(MOST_TRAFFIC + 49));
  });
  it("shows an alert once, in its latest form, and adds up what was missed", () => {
    const alert = (requests: number) => ({ type: "alert" as const, data: { id: "a", requests } as never });
    const after = gather(live.snapshot(), [
      alert(1),
      alert(2),
      { type: "missed", data: 3 },
      { type: "missed", data: 4 },
    ]);
    expect(after.alerts).toEqual([{ id: "a", requests: 2 }]);
    expect(after.missed).toBe(7);
  });
});
