// The cards of the overview: traffic over time, levels, kinds, addresses, alerts, resources.
import { BellOff, ChartColumn, ShieldCheck } from "lucide-react";
import { useMemo } from "react";
import { Link, useLocation } from "wouter";
import { useLive } from "@/api/live";
import { useApiKept, useInfo } from "@/api/queries";
import type { Series } from "@/api/types";
import { BarChart, RankedBars, ShareBar, Sparkline } from "@/charts";
import { bytes, category, count, decimal, duration } from "@/lib/format";
import { useNow } from "@/lib/hooks";
import { LEVELS, levelLook } from "@/lib/levels";
import type { Range } from "@/lib/range";
import { useMe } from "@/shell/session";
import { Ago, Card, Empty, Foreign, LevelBadge, Loaded, SkeletonRows, Tabs } from "@/ui";
import { questionOf, useAlerts, useSeries, useSums } from "./data";

const THREATS = "MEDIUM,HIGH,CRITICAL";

/** A row for each minute or hour, also for those in which nothing happened. */
export function rowsOf(series: Series) {
  const step = series.step === "hour" ? 3_600_000 : 60_000;
  const known = new Map(series.points.map(({ start, sums }) => [Date.parse(start), sums]));
  const rows = [];
  for (let time = Date.parse(series.since); time < Date.parse(series.until); time += step) {
    const sums = known.get(time);
    const stopped = (sums?.actions.deny ?? 0) + (sums?.actions.throttle ?? 0);
    const would = (sums?.would.deny ?? 0) + (sums?.would.throttle ?? 0);
    rows.push({ time, stopped, would, passed: (sums?.requests ?? 0) - stopped - would });
  }
  return rows;
}

export function TrafficCard({ range }: { range: Range }) {
  const query = useSeries(range);
  const rows = useMemo(() => (query.data ? rowsOf(query.data) : []), [query.data]);
  const sum = (key: "passed" | "stopped" | "would") => rows.reduce((all, row) => all + row[key], 0);
  const would = sum("would");
  const unit = query.data?.step === "hour" ? "hour" : "minute";
  return (
    <Card title="Traffic" hint={`Requests per ${unit}, ${range.label.toLowerCase()}`}>
      <Loaded query={query} waiting={<SkeletonRows rows={5} />}>
        {() =>
          rows.every(({ passed, stopped }) => passed + stopped === 0) && would === 0 ? (
            <Empty icon={ChartColumn} title="No requests in this time" />
          ) : (
            <BarChart
              rows={rows}
              height={220}
              summary={`${range.label}: ${count(sum("passed"))} requests passed, ${count(sum("stopped"))} were stopped.`}
              series={[
                { key: "passed", label: "Passed", colour: "var(--c-chart-1)" },
                ...(would > 0 ? [{ key: "would", label: "Would be stopped", colour: "var(--c-chart-3)" }] : []),
                { key: "stopped", label: "Stopped", colour: "var(--c-bad)" },
              ]}
            />
          )
        }
      </Loaded>
    </Card>
  );
}

export function LevelsCard({ range }: { range: Range }) {
  return (
    <Card title="Threat levels" hint="Inspected requests by how dangerous they look">
      <Loaded query={useSums(range)} waiting={<SkeletonRows rows={2} />}>
        {({ total }) => (
          <ShareBar
            label="Threat levels"
            format={count}
            shares={LEVELS.map((level) => ({
              label: levelLook(level)?.word ?? level,
              value: total.levels[level] ?? 0,
              colour: levelLook(level)?.colour ?? "",
            }))}
          />
        )}
      </Loaded>
    </Card>
  );
}

export function KindsCard({ range }: { range: Range }) {
  const [, navigate] = useLocation();
  return (
    <Card title="Attack types" hint="What was found in requests, also where it weighed little">
      <Loaded query={useSums(range)}>
        {({ total }) => {
          const kinds = Object.entries(total.categories).sort((a, b) => b[1] - a[1]);
          if (kinds.length === 0) return <Empty icon={ShieldCheck} title="Nothing was found in this time" />;
          return (
            <RankedBars
              label="Attack types"
              format={count}
              items={kinds.slice(0, 7).map(([kind, value]) => ({
                name: category(kind),
                value,
                onClick: () => navigate(`/logs?category=${encodeURIComponent(kind)}&span=${range.span ?? "24h"}`),
              }))}
            />
          );
        }}
      </Loaded>
    </Card>
  );
}

export function AddressesCard({ range }: { range: Range }) {
  return (
    <Card title="Top addresses" hint={`Who sends most, ${range.label.toLowerCase()}`}>
      <Tabs
        label="Top addresses"
        tabs={[
          { value: "threats", label: "With threats", content: <Leaders range={range} level={THREATS} /> },
          { value: "all", label: "Busiest", content: <Leaders range={range} /> },
        ]}
      />
    </Card>
  );
}

function Leaders({ range, level }: { range: Range; level?: string }) {
  const [, navigate] = useLocation();
  // Profiles are learned from everybody's traffic; a tenant has its own requests of an address.
  const { tenant } = useMe();
  const pathOf = (name: string) =>
    tenant
      ? `/logs?address=${encodeURIComponent(name)}&span=${range.span ?? "24h"}`
      : `/subjects?open=${encodeURIComponent(`address:${name}`)}`;
  const { since, until } = questionOf(range);
  const query = { by: ["address"], limit: 6, since, until, level };
  const answer = useApiKept("/api/v1/stats/top", { query }, { refetchInterval: 10_000 });
  return (
    <Loaded query={answer}>
      {({ leaders, complete, counted }) =>
        leaders.length === 0 ? (
          <Empty icon={ShieldCheck} title={level ? "No threats in this time" : "No requests in this time"} />
        ) : (
          <>
            <RankedBars
              label={level ? "Addresses with most threats" : "Busiest addresses"}
              format={count}
              items={leaders.map(({ name, requests, stopped }) => ({
                name,
                value: requests,
                label: <Foreign text={name} className="font-mono text-xs" />,
                // The API counts together what was stopped and what would have been.
                note: stopped > 0 ? `${count(stopped)} stopped or would be` : undefined,
                colour: level ? "var(--c-bad)" : "var(--c-accent)",
                onClick: () => navigate(pathOf(name)),
              }))}
            />
            {!complete && (
              <p className="mt-3 text-xs text-muted">Counted among the newest {count(counted)} requests.</p>
            )}
          </>
        )
      }
    </Loaded>
  );
}

export function AlertsCard() {
  const known = useAlerts();
  return (
    <Card
      flush
      title="Recent alerts"
      hint={known && (known.open > 0 ? `${count(known.open)} open` : "None is open")}
      actions={
        <Link href="/alerts" className="text-xs font-medium text-accent hover:underline">
          All alerts
        </Link>
      }
    >
      {!known ? (
        <SkeletonRows rows={5} />
      ) : known.alerts.length === 0 ? (
        <Empty icon={BellOff} title="No alerts">
          Attacks and failures show here as soon as they begin.
        </Empty>
      ) : (
        <ul className="border-t border-line">
          {known.alerts.slice(0, 5).map((alert) => (
            <li key={alert.id} className="border-b border-line last:border-0">
              <Link
                href={`/alerts?open=${alert.id}`}
                className="flex flex-col gap-1 px-4 py-2.5 hover:bg-hover focus-visible:-outline-offset-2"
              >
                <span className="line-clamp-2 text-[13px] font-medium break-words">
                  <Foreign text={alert.title} />
                </span>
                <span className="flex items-center gap-2 text-xs text-muted">
                  <LevelBadge level={alert.level} />
                  <span className="min-w-0 flex-1 truncate">
                    {count(alert.requests)} {alert.requests === 1 ? "request" : "requests"}
                    {alert.state === "acknowledged" && ", acknowledged"}
                  </span>
                  <Ago when={alert.last} />
                </span>
              </Link>
            </li>
          ))}
        </ul>
      )}
    </Card>
  );
}

export function ResourcesCard() {
  const stats = useLive((feed) => feed.stats);
  const history = useLive((feed) => feed.history);
  const { data: info } = useInfo();
  const now = useNow(1_000);
  if (!stats) {
    return (
      <Card title="Resource use">
        <SkeletonRows rows={4} />
      </Card>
    );
  }
  const hint = info && `Running for ${duration((now - Date.parse(info.started)) / 1000)}`;
  return (
    <Card title="Resource use" hint={hint}>
      <div className="flex flex-col gap-4">
        <Use
          name="Processor"
          value={`${decimal(stats.cpu_percent)} % of one core`}
          values={history.map((one) => one.cpu_percent)}
          max={100}
        />
        <Use name="Memory" value={bytes(stats.resident_bytes)} values={history.map((one) => one.resident_bytes)} />
        <dl className="grid grid-cols-3 gap-3 border-t border-line pt-3 text-[13px]">
          <Small name="Connections" value={count(stats.connections)} />
          <Small name="Bans" value={count(stats.bans)} />
          <Small name="Log lines lost" value={count(stats.records_dropped)} />
        </dl>
      </div>
    </Card>
  );
}

function Use(props: { name: string; value: string; values: readonly number[]; max?: number }) {
  const top = Math.max(props.max ?? 0, ...props.values.map((value) => value * 1.2));
  return (
    <div>
      <p className="flex justify-between gap-3 text-[13px]">
        <span className="text-muted">{props.name}</span>
        <span className="font-medium">{props.value}</span>
      </p>
      <Sparkline values={props.values} height={32} max={top} />
    </div>
  );
}

function Small({ name, value }: { name: string; value: string }) {
  return (
    <div>
      <dt className="text-xs text-muted">{name}</dt>
      <dd className="font-medium">{value}</dd>
    </div>
  );
}
