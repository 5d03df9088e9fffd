// The four figures under the verdict.
import { Activity, Gauge, ShieldAlert, Timer } from "lucide-react";
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
  const { data } = useSums(range);
  const series = useSeries(range).data?.points ?? [];
  const threats = data ? threatsOf(data) : 0;
  const stopped = (data?.total.actions.deny ?? 0) + (data?.total.actions.throttle ?? 0);
  const mean = data?.total.score_mean ?? 0;
  // A second without requests has no times: those of the last one with some stand.
  const busy = history.filter((point) => point.inspection_p50_us !== undefined).at(-1);
  const lately = history.slice(-SPARK_S);
  return (
    <div className="grid grid-cols-4 gap-4 max-xl:grid-cols-2 max-sm:gap-3">
      <Stat
        label="Requests/s"
        icon={Activity}
        loading={!stats}
        value={<span data-figure="rate">{decimal(stats?.requests_per_second)}</span>}
        hint={stats && `${count(stats.requests)} since the start`}
        chart={<Sparkline values={lately.map((point) => point.requests_per_second)} />}
      />
      <Stat
        label="Threats"
        icon={ShieldAlert}
        loading={!data}
        tone={threats > 0 ? "bad" : "plain"}
        value={<span data-figure="threats">{count(threats)}</span>}
        hint={data && `${percent(data.total.threat_share)} of requests; ${count(stopped)} stopped`}
        chart={<Sparkline colour="var(--c-bad)" values={series.map(({ sums }) => sums.threat_share * sums.requests)} />}
      />
      <Stat
        label="Mean threat score"
        icon={Gauge}
        loading={!data}
        value={
          <>
            <span data-figure="score">{decimal(mean)}</span>
            <span className="text-sm font-normal text-muted"> of 100</span>
          </>
        }
        hint="Below 40 is low"
        chart={<Sparkline values={series.map(({ sums }) => sums.score_mean)} max={100} />}
      />
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
            p99 {micros(busy?.inspection_p99_us)}
            {busy && busy !== stats && ", when requests last came"}
          </span>
        }
        chart={<Sparkline values={lately.map((point) => point.inspection_p50_us ?? 0)} />}
      />
    </div>
  );
}
