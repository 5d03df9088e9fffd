// The list behind the logs: pages, what arrives meanwhile, and its bounds, with a gateway that is a function.
import { describe, expect, it, vi } from "vitest";
import type { LogEntry } from "@/api/types";
import { entryOf } from "./fixture";
import { type Ask, LogList } from "./list";

const at = (second: number) => new Date(Date.UTC(2026, 0, 31, 12, 0, second)).toISOString();
const record = (second: number, id = `r${second}`): LogEntry => entryOf({ id, time: at(second) });

/** Answers as the API does: newest first, not before `since`, on from `cursor`. */
function gateway(records: LogEntry[]): Ask & { asked: Record<string, unknown>[] } {
  const asked: Record<string, unknown>[] = [];
  const ask = async (query: Record<string, string | number | undefined>) => {
    asked.push(query);
    const all = records
      .filter(({ time }) => !query.since || time >= String(query.since))
      .sort((a, b) => (a.time < b.time ? 1 : -1));
    const from = Number(query.cursor ?? 0);
    const end = from + Number(query.limit);
    return { logs: all.slice(from, end), ...(end < all.length ? { next: String(end) } : {}) };
  };
  return Object.assign(ask, { asked });
}
const idsOf = (list: LogList) => list.snapshot().rows.map(({ id }) => id);

describe("the list of logs", () => {
  it("fetches page after page until there are no more", async () => {
    const list = new LogList(gateway(Array.from({ length: 250 }, (_, second) => record(second))));
    await list.ask({});
    expect(list.snapshot()).toMatchObject({ asking: false, more: true });
    expect(list.snapshot().rows).toHaveLength(100);
    await list.more();
    expect(list.snapshot()).toMatchObject({ adding: false, more: false, full: false });
    expect(list.snapshot().rows).toHaveLength(250);
    expect(new Set(idsOf(list)).size).toBe(250);
  });

  it("shows what arrived in front, each once, also what began earlier and ended later", async () => {
    const records = [record(10), record(20)];
    const list = new LogList(gateway(records));
    await list.ask({});
    records.push(record(30), record(15));
    await list.look();
    await list.look();
    expect(idsOf(list)).toEqual(["r30", "r20", "r15", "r10"]);
  });

  it("holds back what arrives while somebody reads", async () => {
    const records = [record(10)];
    const list = new LogList(gateway(records));
    await list.ask({});
    list.hold(true);
    records.push(record(11), record(12));
    await list.look();
    expect(list.snapshot()).toMatchObject({ waiting: 2 });
    expect(idsOf(list)).toEqual(["r10"]);
    list.hold(false);
    expect(list.snapshot()).toMatchObject({ waiting: 0 });
    expect(idsOf(list)).toEqual(["r12", "r11", "r10"]);
  });

  it("asks anew where more arrived than it can follow", async () => {
    const records = [record(0)];
    const ask = gateway(records);
    const list = new LogList(ask);
    await list.ask({});
    for (let n = 0; n < 600; n += 1) records.push(record(60 + n));
    await list.look();
    await vi.waitFor(() => expect(idsOf(list)[0]).toBe("r659"));
    expect(list.snapshot().rows).toHaveLength(100);
  });

  it("looks no further back than the filter's own beginning", async () => {
    const ask = gateway([record(10)]);
    const list = new LogList(ask);
    await list.ask({ since: at(5) });
    await list.look();
    expect(ask.asked.at(-1)?.since).toBe(at(5));
  });

  it("does not follow a filter that ends in the past", async () => {
    const ask = gateway([record(10)]);
    const list = new LogList(ask);
    await list.ask({ until: at(20) });
    await list.look();
    expect(ask.asked).toHaveLength(1);
  });

  it("stops at its bound and says so", async () => {
    const list = new LogList(gateway(Array.from({ length: 400 }, (_, second) => record(second))), 150);
    await list.ask({});
    await list.more();
    expect(list.snapshot()).toMatchObject({ full: true, more: false });
    expect(list.snapshot().rows).toHaveLength(150);
    await list.more();
    expect(list.snapshot().rows).toHaveLength(150);
  });

  it("keeps what it shows when an answer fails, and takes none of a question before", async () => {
    const slow: ((page: { logs: LogEntry[] }) => void)[] = [];
    const ask: Ask = (query) =>
      query.q === "fails"
        ? Promise.reject(new Error("away"))
        : query.q === "slow"
          ? new Promise((resolve) => slow.push(resolve))
          : Promise.resolve({ logs: [record(1)] });
    const list = new LogList(ask);
    const old = list.ask({ q: "slow" });
    await list.ask({ q: "quick" });
    slow[0]?.({ logs: [record(9)] });
    await old;
    expect(idsOf(list)).toEqual(["r1"]);
    await list.ask({ q: "fails" });
    expect(list.snapshot().error).toBeInstanceOf(Error);
    expect(idsOf(list)).toEqual(["r1"]);
  });
});
