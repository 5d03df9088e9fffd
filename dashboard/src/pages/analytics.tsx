// Analytics: how threats have developed over a day, a week or a month, who and what leads, and what was perhaps wrong.
import { Gauge, ListFilter, Radar, ShieldBan } from "lucide-react";
import { useMemo } from "react";
import { useApiKept } from "@/api/queries";
import type { Series as SeriesAnswer, StatsAnswer } from "@/api/types";
import { AreaChart, BarChart, LineChart } from "@/charts";
import { category, count, decimal, percent } from "@/lib/format";
import { type Range, useRange } from "@/lib/range";
import { Card, Empty, Loaded, Page, Skeleton, Stat, TimeRange } from "@/ui";
import { BlockedByKind } from "./analytics/kinds";
import { Leading } from "./analytics/leaders";
import {
  against,
  bucketsOf,
  categoryRows,
  leading,
  OTHER,
  stoppedOf,
  threatsOf,
  wouldStopOf,
} from "./analytics/points";
import { Review } from "./analytics/review";

const SPANS = ["24h", "7d", "30d"] as const;
const EVERY = { refetchInterval: 30_000 };

export default function Analytics() {
  const [range] = useRange("24h");
  const bounds = { since: range.since, ...(range.until ? { until: range.until } : {}), step: range.step };
  const stats = useApiKept("/api/v1/stats", { query: bounds }, EVERY);
  const series = useApiKept("/api/v1/stats/timeseries", { query: bounds }, EVERY);
  const before = useApiKept("/api/v1/stats", {
    query: { since: earlier(range), until: range.since, step: range.step },
  });
  return (
    <Page title="Analytics" hint="How threats have developed" actions={<TimeRange only={SPANS} />}>
      <Figures stats={stats.data} before={before.data} range={range} />
      <Loaded query={series} waiting={<Skeleton className="h-64 w-full" />}>
        {(answer) => <Charts series={answer} range={range} />}
      </Loaded>
      <div className="grid items-start gap-4 xl:grid-cols-3">
        <div className="min-w-0 xl:col-span-2">
          <Review range={range} stats={stats.data} />
        </div>
        <Loaded query={stats}>{({ total }) => <BlockedByKind categories={total.categories} range={range} />}</Loaded>
      </div>
      <Leading range={range} />
    </Page>
  );
}

const earlier = ({ since, seconds }: Range) => new Date(Date.parse(since) - seconds * 1000).toISOString();
const SPAN_WORDS: Record<string, string> = { "24h": "24 hours", "7d": "7 days", "30d": "30 days" };

function Figures({
  stats,
  before,
  range,
}: {
  stats: StatsAnswer | undefined;
  before: StatsAnswer | undefined;
  range: Range;
}) {
  const now = stats?.total;
  const past = before?.total && before.total.requests > 0 ? before.total : null;
  const span = SPAN_WORDS[range.span ?? ""] ?? "time";
  const threats = now ? threatsOf(now) : 0;
  const stopped = now ? stoppedOf(now) : 0;
  const would = now ? wouldStopOf(now) : 0;
  const loading = !now;
  const compare = (value: number, earlierValue: number | undefined, write: (value: number) => string) =>
    before && now ? against(value, past ? (earlierValue ?? 0) : null, write, span) : undefined;
  return (
    <div className="grid grid-cols-2 gap-4 xl:grid-cols-4">
      <Stat
        label="Requests"
        icon={ListFilter}
        loading={loading}
        value={count(now?.requests)}
        hint={compare(now?.requests ?? 0, past?.requests, count)}
      />
      <Stat
        label="Mean threat score"
        icon={Gauge}
        loading={loading}
        value={
          <>
            {decimal(now?.score_mean)}
            <span className="text-sm font-normal text-muted"> of 100</span>
          </>
        }
        hint={compare(now?.score_mean ?? 0, past?.score_mean, decimal)}
      />
      <Stat
        label="Detection rate"
        icon={Radar}
        loading={loading}
        value={percent(now?.threat_share)}
        hint={now && `${count(threats)} requests judged a threat`}
      />
      <Stat
        label="Stopped"
        icon={ShieldBan}
        loading={loading}
        value={count(stopped)}
        hint={
          now &&
          (would > 0
            ? `denied or slowed; ${count(would)} more would be`
            : `${count(now.actions.deny ?? 0)} denied, ${count(now.actions.throttle ?? 0)} slowed`)
        }
      />
    </div>
  );
}

function Charts({ series, range }: { series: SeriesAnswer; range: Range }) {
  const buckets = useMemo(() => bucketsOf(series.points, range.step), [series.points, range.step]);
  const sums = useMemo(() => {
    const all: Record<string, number> = {};
    for (const { categories } of buckets) {
      for (const [name, amount] of Object.entries(categories)) all[name] = (all[name] ?? 0) + amount;
    }
    return all;
  }, [buckets]);
  if (buckets.length === 0) {
    return (
      <Card>
        <Empty title="There was no traffic in this time">
          Choose a longer one, or send requests through the gateway.
        </Empty>
      </Card>
    );
  }
  const names = leading(sums, 6);
  const rest = Object.keys(sums).length > names.length;
  const scores = buckets.flatMap(({ score }) => (score === null ? [] : [score]));
  const highest = Math.max(0, ...scores);
  const shares = buckets.map(({ time, requests, threats }) => ({
    time,
    share: requests > 0 ? threats / requests : null,
  }));
  const highestShare = Math.max(0, ...shares.map(({ share }) => share ?? 0));
  return (
    <div className="grid gap-4 xl:grid-cols-3">
      <Card
        title="Kinds of attack"
        hint="Requests in which something was found, whatever became of them"
        className="xl:col-span-2"
      >
        {names.length === 0 ? (
          <Empty title="Nothing was found in this time" />
        ) : (
          <BarChart
            height={336}
            rows={categoryRows(buckets, names)}
            series={[
              ...names.map((name) => ({ key: name, label: category(name) })),
              ...(rest ? [{ key: OTHER, label: "All others", colour: "var(--c-chart-8)" }] : []),
            ]}
            summary={`Kinds of attack over the ${range.label.toLowerCase()}: ${names
              .map((name) => `${category(name)} ${count(sums[name])}`)
              .join(", ")}.`}
          />
        )}
      </Card>
      <div className="flex flex-col gap-4">
        <Card title="Threat score" hint="Mean of all requests, 0 harmless to 100">
          <LineChart
            height={128}
            rows={buckets.map(({ time, score }) => ({ time, score }))}
            series={[{ key: "score", label: "Mean threat score" }]}
            format={decimal}
            summary={`The mean threat score over the ${range.label.toLowerCase()}; its highest was ${decimal(highest)}.`}
          />
        </Card>
        <Card title="Detection rate" hint="Share of requests judged a threat: medium level or above">
          <AreaChart
            height={128}
            rows={shares}
            series={[{ key: "share", label: "Judged a threat", colour: "var(--c-high)" }]}
            format={percent}
            summary={`The share of requests judged a threat; its highest was ${percent(highestShare)}.`}
          />
        </Card>
      </div>
    </div>
  );
}
