// The four figures under the verdict.
import { Activity, Gauge, Hourglass, ListFilter, ShieldAlert, Timer } from "lucide-react";
import { useLive } from "@/api/live";
import { Sparkline } from "@/charts";
import { count, decimal, micros, percent } from "@/lib/format";
import type { Range } from "@/lib/range";
import { Stat } from "@/ui";
import { threatsOf, useSeries, useSums } from "./data";

const SPARK_S = 120;

export function Figures({ range }: { range: Range }) {
  const stats = useLive((feed) => feed.stats);
  const history = useLive((feed) => feed.history);
  // A second without requests has no times: those of the last one with some stand.
  const busy = history.filter((point) => point.inspection_p50_us !== undefined).at(-1);
  const lately = history.slice(-SPARK_S);
  return (
    <div className={ROW}>
      <Stat
        label="Requests/s"
        icon={Activity}
        loading={!stats}
        value={<span data-figure="rate">{decimal(stats?.requests_per_second)}</span>}
        hint={stats && `${count(stats.requests)} since the start`}
        chart={<Sparkline values={lately.map((point) => point.requests_per_second)} />}
      />
      <Threats range={range} />
      <Score range={range} />
      <Stat
        label="Added latency"
        icon={Timer}
        loading={!stats}
        value={
          <>
            <span data-figure="latency">{micros(busy?.inspection_p50_us)}</span>
            <span className="text-sm font-normal text-muted"> p50</span>
          </>
        }
        hint={
          <span title="What inspecting a request takes: half of them less than p50, 99 of 100 less than p99">
            {busy ? `p99 ${micros(busy.inspection_p99_us)}` : "none since this page was opened"}
            {busy && busy !== stats && ", when requests last came"}
          </span>
        }
        chart={<Sparkline values={lately.map((point) => point.inspection_p50_us ?? 0)} />}
      />
    </div>
  );
}

/** The same of one tenant's traffic: what the process does for everybody is not told. */
export function TenantFigures({ range }: { range: Range }) {
  const total = useSums(range).data?.total;
  const series = useSeries(range).data?.points ?? [];
  return (
    <div className={ROW}>
      <Stat
        label="Requests"
        icon={ListFilter}
        loading={!total}
        value={<span data-figure="requests">{count(total?.requests)}</span>}
        hint={range.label}
        chart={<Sparkline values={series.map(({ sums }) => sums.requests)} />}
      />
      <Threats range={range} />
      <Score range={range} />
      <Stat
        label="Whole answer"
        icon={Hourglass}
        loading={!total}
        value={
          <>
            <span data-figure="answer">{total && total.requests > 0 ? micros(total.duration_p50_us) : "–"}</span>
            <span className="text-sm font-normal text-muted"> p50</span>
          </>
        }
        hint={
          <span title="From the request's head to the answer's end, your API included: 99 of 100 take less than p99">
            {total && total.requests > 0 ? `p99 ${micros(total.duration_p99_us)}` : "no requests"}
          </span>
        }
        chart={<Sparkline values={series.map(({ sums }) => sums.duration_p50_us ?? 0)} />}
      />
    </div>
  );
}

const ROW = "grid grid-cols-4 gap-4 max-xl:grid-cols-2 max-sm:gap-3";

function Threats({ range }: { range: Range }) {
  const { data } = useSums(range);
  const series = useSeries(range).data?.points ?? [];
  const threats = data ? threatsOf(data) : 0;
  const stopped = (data?.total.actions.deny ?? 0) + (data?.total.actions.throttle ?? 0);
  return (
    <Stat
      label="Threats"
      icon={ShieldAlert}
      loading={!data}
      tone={threats > 0 ? "bad" : "plain"}
      value={<span data-figure="threats">{count(threats)}</span>}
      hint={data && `${percent(data.total.threat_share)} of requests; ${count(stopped)} stopped`}
      chart={<Sparkline colour="var(--c-bad)" values={series.map(({ sums }) => sums.threat_share * sums.requests)} />}
    />
  );
}

function Score({ range }: { range: Range }) {
  const { data } = useSums(range);
  const series = useSeries(range).data?.points ?? [];
  return (
    <Stat
      label="Mean threat score"
      icon={Gauge}
      loading={!data}
      value={
        <>
          <span data-figure="score">{decimal(data?.total.score_mean ?? 0)}</span>
          <span className="text-sm font-normal text-muted"> of 100</span>
        </>
      }
      hint="Below 40 is low"
      chart={<Sparkline values={series.map(({ sums }) => sums.score_mean)} max={100} />}
    />
  );
}
