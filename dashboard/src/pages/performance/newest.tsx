// What the newest records say: how long answers take over time, and which endpoints cost most.
import { useMemo } from "react";
import { Link } from "wouter";
import { useApi } from "@/api/queries";
import type { LogEntry, LogPage } from "@/api/types";
import { HeatMap } from "@/charts";
import { clock, count, micros, percent } from "@/lib/format";
import { Card, type Columns, Empty, Foreign, Loaded, Table } from "@/ui";
import { type Endpoint, endpointsOf, heatOf } from "./sample";

const NEWEST = 1_000;
const SHOWN = 12;

export const useNewest = () => useApi("/api/v1/logs", { query: { limit: NEWEST } }, { refetchInterval: 30_000 });

export function NewestTimes() {
  return <Loaded query={useNewest()}>{(page) => <Heat page={page} />}</Loaded>;
}

export function CostlyEndpoints() {
  return <Loaded query={useNewest()}>{({ logs }) => <Endpoints entries={logs} />}</Loaded>;
}

const spanOf = (logs: readonly LogEntry[]) =>
  logs.length > 0
    ? `The newest ${count(logs.length)} requests, ${clock(logs.at(-1)?.time)} to ${clock(logs[0]?.time)}`
    : "";

function Heat({ page: { logs } }: { page: LogPage }) {
  const heat = useMemo(() => heatOf(logs), [logs]);
  const columns = heat?.times.map((time) => clock(time)) ?? [];
  return (
    <Card
      title="How long answers take"
      hint={`${spanOf(logs)}. The stronger the colour, the more requests. A band that rises means that it gets slower.`}
    >
      {heat ? (
        <HeatMap
          rows={heat.rows}
          columns={columns}
          cells={heat.cells}
          everyColumn={6}
          cellHeight={36}
          format={(value) => `${count(value)} requests`}
          summary={summaryOf(heat.rows, heat.cells)}
        />
      ) : (
        <Empty title="There was no request yet" />
      )}
    </Card>
  );
}

function summaryOf(rows: readonly string[], cells: readonly (readonly number[])[]): string {
  const sums = cells.map((row) => row.reduce((sum, amount) => sum + amount, 0));
  return `Requests by how long they took: ${rows
    .map((row, index) => `${row} ${count(sums[index])}`)
    .reverse()
    .join(", ")}.`;
}

const columns: Columns<Endpoint> = [
  {
    id: "endpoint",
    header: "Endpoint",
    accessorFn: ({ name }) => name,
    cell: ({ row: { original: one } }) => (
      <Link
        href={one.path.includes("{…}") ? "/logs" : `/logs?path=${encodeURIComponent(one.path)}`}
        className="break-all hover:underline"
      >
        <span className="text-xs text-muted">{one.method}</span>{" "}
        <Foreign text={one.path} className="font-mono text-xs" />
      </Link>
    ),
  },
  {
    id: "requests",
    header: "Requests",
    meta: { right: true, hide: "phone" },
    accessorFn: ({ requests }) => requests,
    cell: ({ row }) => count(row.original.requests),
  },
  {
    id: "p50",
    header: "Median",
    meta: { right: true },
    accessorFn: ({ p50 }) => p50,
    cell: ({ row }) => <span className="whitespace-nowrap">{micros(row.original.p50)}</span>,
  },
  {
    id: "p99",
    header: "99 of 100",
    meta: { right: true, hide: "phone" },
    accessorFn: ({ p99 }) => p99,
    cell: ({ row }) => <span className="whitespace-nowrap">{micros(row.original.p99)}</span>,
  },
  {
    id: "share",
    header: "Time in all",
    meta: { right: true },
    accessorFn: ({ total }) => total,
    cell: ({ row }) => <span className="whitespace-nowrap">{micros(row.original.total)}</span>,
  },
  {
    id: "errors",
    header: "Errors",
    meta: { right: true, hide: "phone" },
    accessorFn: ({ errors }) => errors,
    cell: ({ row: { original: one } }) => (
      <span className="whitespace-nowrap">{one.errors === 0 ? "none" : percent(one.errors / one.requests)}</span>
    ),
  },
];

function Endpoints({ entries }: { entries: readonly LogEntry[] }) {
  const endpoints = useMemo(() => endpointsOf(entries), [entries]);
  return (
    <Card
      flush
      title="Endpoints by what they cost"
      hint={`${spanOf(entries)}, without those that never reached the API. Numbers and ids in paths are taken together.`}
    >
      <Table
        sortable
        columns={columns}
        rows={endpoints.slice(0, SHOWN)}
        id={({ name }) => name}
        label="Endpoints"
        empty={<Empty title="Nothing has reached the API yet" />}
      />
      {endpoints.length > SHOWN && (
        <p className="border-t border-line px-4 py-2 text-xs text-muted">
          The {SHOWN} costliest of {count(endpoints.length)} endpoints
        </p>
      )}
    </Card>
  );
}
