// Performance: how much goes through, what the gateway adds, how long answers take, and what lies behind.

import { useQuery } from "@tanstack/react-query";
import { Activity, Hourglass, OctagonX, Timer } from "lucide-react";
import { useMemo } from "react";
import { send } from "@/api/client";
import { useLive } from "@/api/live";
import { useApiKept } from "@/api/queries";
import type { Series, StatsAnswer } from "@/api/types";
import { BarChart, LineChart, Sparkline } from "@/charts";
import { count, decimal, micros, percent } from "@/lib/format";
import { type Range, useRange } from "@/lib/range";
import { Card, Empty, ErrorState, Loaded, Page, Skeleton, Stat, TimeRange } from "@/ui";
import { histogram, type Metrics, parse, quantile, stageCosts } from "./performance/metrics";
import { CostlyEndpoints, NewestTimes } from "./performance/newest";
import { shortly, thinned, timeRows } from "./performance/series";
import { Stages } from "./performance/stages";
import { Process, Upstreams } from "./performance/upstreams";

const SPANS = ["15m", "1h", "6h", "24h", "7d"] as const;
const onAxis = (value: number) => shortly(micros(value));
const EVERY = { refetchInterval: 30_000 };

function useMetrics() {
  const query = useQuery({
    queryKey: ["/metrics"],
    queryFn: async ({ signal }) => parse(String(await send("get", "/metrics", { signal }))),
    refetchInterval: 10_000,
    structuralSharing: false,
  });
  return query;
}

export default function Performance() {
  const [range] = useRange("1h");
  const bounds = { since: range.since, ...(range.until ? { until: range.until } : {}), step: range.step };
  const stats = useApiKept("/api/v1/stats", { query: bounds }, EVERY);
  const series = useApiKept("/api/v1/stats/timeseries", { query: bounds }, EVERY);
  const metrics = useMetrics();
  return (
    <Page
      title="Performance"
      hint="How much goes through, and how long it takes"
      actions={<TimeRange fallback="1h" only={SPANS} />}
    >
      <Figures stats={stats.data} metrics={metrics.data} range={range} />
      <div className="grid gap-4 xl:grid-cols-2">
        <Loaded query={series} waiting={<Skeleton className="h-64 w-full" />}>
          {(answer) => <OverTime series={answer} range={range} />}
        </Loaded>
        <Added />
        {metrics.data ? (
          <Stages costs={stageCosts(metrics.data)} />
        ) : (
          <Card title="Where the gateway's time goes">
            {metrics.error ? (
              <ErrorState
                title="The metrics cannot be read from here"
                error={metrics.error}
                retry={() => void metrics.refetch()}
              />
            ) : (
              <Skeleton className="h-40 w-full" />
            )}
          </Card>
        )}
        <NewestTimes />
        <div className="flex flex-col gap-4">
          <Upstreams
            stats={stats.data}
            times={metrics.data ? histogram(metrics.data, "portcullis_upstream_duration_seconds") : null}
          />
          <Process />
        </div>
      </div>
      <CostlyEndpoints />
    </Page>
  );
}

/** A failure in a thousand is weather; one in a hundred is worth a look. */
const toneOf = (share: number) => (share >= 0.05 ? "bad" : share >= 0.01 ? "warn" : "plain");

function Figures({
  stats,
  metrics,
  range,
}: {
  stats: StatsAnswer | undefined;
  metrics: Metrics | undefined;
  range: Range;
}) {
  const now = useLive((feed) => feed.stats);
  const history = useLive((feed) => feed.history);
  const total = stats?.total;
  const inspection = metrics
    ? histogram(metrics, "portcullis_inspection_duration_seconds", { stage: "inspect" })
    : null;
  const failed = total?.classes["5xx"] ?? 0;
  const time = range.label.toLowerCase();
  return (
    <div className="grid grid-cols-2 gap-4 xl:grid-cols-4">
      <Stat
        label="Throughput now"
        icon={Activity}
        value={
          <>
            {now ? decimal(now.requests_per_second) : "–"}
            <span className="text-sm font-normal text-muted"> requests/s</span>
          </>
        }
        chart={<Sparkline values={history.map((one) => one.requests_per_second)} />}
      />
      <Stat
        label="Gateway adds"
        icon={Timer}
        loading={!metrics}
        value={inspection ? micros(quantile(inspection, 0.5) * 1e6) : "–"}
        hint={
          inspection
            ? `median inspection since the start; 99 of 100 within ${micros(quantile(inspection, 0.99) * 1e6)}`
            : "nothing was inspected yet"
        }
      />
      <Stat
        label="Whole answer"
        icon={Hourglass}
        loading={!total}
        value={total && total.requests > 0 ? micros(total.duration_p50_us) : "–"}
        hint={
          total && total.requests > 0
            ? `median of the ${time}, the API included; 99 of 100 within ${micros(total.duration_p99_us)}`
            : "no requests"
        }
      />
      <Stat
        label="Server errors"
        icon={OctagonX}
        loading={!total}
        tone={toneOf(total && total.requests > 0 ? failed / total.requests : 0)}
        value={total && total.requests > 0 ? percent(failed / total.requests) : "–"}
        hint={total && `${count(failed)} of ${count(total.requests)} requests, ${time}`}
      />
    </div>
  );
}

function OverTime({ series, range }: { series: Series; range: Range }) {
  const rows = useMemo(() => timeRows(series.points, range.step), [series.points, range.step]);
  const none = <Empty title="There was no traffic in this time" />;
  const most = Math.max(0, ...rows.map(({ fine, refused, failed }) => fine + refused + failed));
  const slowest = Math.max(0, ...rows.map(({ p99 }) => p99 ?? 0));
  const per = range.step === "hour" ? "hour" : "minute";
  return (
    <>
      <Card title="Throughput" hint="Requests a second">
        {rows.length === 0 ? (
          none
        ) : (
          <BarChart
            rows={thinned(rows)}
            format={decimal}
            series={[
              { key: "fine", label: "Answered", colour: "var(--c-chart-1)" },
              { key: "refused", label: "Refused (4xx)", colour: "var(--c-warn)" },
              { key: "failed", label: "Server errors (5xx)", colour: "var(--c-bad)" },
            ]}
            summary={`Requests a second over the ${range.label.toLowerCase()}; at most ${decimal(most)}.`}
          />
        )}
      </Card>
      <Card title="Time of a whole answer" hint={`The API included, for each ${per}`}>
        {rows.length === 0 ? (
          none
        ) : (
          <LineChart
            rows={rows}
            format={onAxis}
            series={[
              { key: "p50", label: "Half are faster" },
              { key: "p90", label: "90 of 100 are faster" },
              { key: "p99", label: "99 of 100 are faster", colour: "var(--c-chart-7)" },
            ]}
            summary={`Times of whole answers over the ${range.label.toLowerCase()}; 99 of 100 took at most ${micros(slowest)}.`}
          />
        )}
      </Card>
    </>
  );
}

function Added() {
  const history = useLive((feed) => feed.history);
  const rows = useMemo(
    () =>
      history.map((one) => ({
        time: Date.parse(one.time),
        p50: one.inspection_p50_us ?? null,
        p99: one.inspection_p99_us ?? null,
      })),
    [history],
  );
  const known = rows.filter(({ p99 }) => p99 !== null);
  const worst = Math.max(0, ...known.map(({ p99 }) => p99 ?? 0));
  return (
    <Card title="Added by the gateway, live" hint="Time of inspection, second by second, the last five minutes">
      {known.length < 2 ? (
        <Empty title="Waiting for requests">The line begins with the first ones that come by.</Empty>
      ) : (
        <LineChart
          height={280}
          rows={rows}
          format={onAxis}
          series={[
            { key: "p50", label: "Half are faster" },
            { key: "p99", label: "99 of 100 are faster", colour: "var(--c-chart-7)" },
          ]}
          summary={`Time of inspection in the last five minutes; 99 of 100 took at most ${micros(worst)}.`}
        />
      )}
    </Card>
  );
}
