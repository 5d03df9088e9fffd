// The services behind the gateway: whether they answer, and which of their answers were failures.
import { CircleCheck, TriangleAlert } from "lucide-react";
import { useHealth, useInfo } from "@/api/queries";
import type { Health, Info, StatsAnswer } from "@/api/types";
import { bytes, count, micros, percent, title } from "@/lib/format";
import { Ago, Badge, Card, Empty, Foreign, KeyValue, Loaded } from "@/ui";
import type { Histogram } from "./metrics";
import { quantile } from "./metrics";

export function Upstreams({ stats, times }: { stats: StatsAnswer | undefined; times: Histogram | null }) {
  const info = useInfo();
  const health = useHealth();
  return (
    <Card title="Services behind the gateway" hint="Failures are counted since the gateway's start.">
      <Loaded query={info}>
        {(known) => {
          const names = Object.keys(known.upstreams);
          return (
            <div className="flex flex-col gap-4">
              {names.length === 0 && <Empty title="There is no service behind it" />}
              {names.map((name) => (
                <Upstream key={name} name={name} info={known} health={health.data} stats={stats} />
              ))}
              {times && (
                <p className="border-t border-line pt-3 text-xs text-muted">
                  They begin to answer after {micros(quantile(times, 0.5) * 1e6)} in half of the cases, and 99 of 100
                  times within {micros(quantile(times, 0.99) * 1e6)}.
                </p>
              )}
            </div>
          );
        }}
      </Loaded>
    </Card>
  );
}

function Upstream({
  name,
  info,
  health,
  stats,
}: {
  name: string;
  info: Info;
  health: Health | undefined;
  stats: StatsAnswer | undefined;
}) {
  const failures = Object.entries(health?.upstream_errors[name] ?? {}).filter(([, amount]) => amount > 0);
  const total = failures.reduce((sum, [, amount]) => sum + amount, 0);
  const routes = info.routes.filter(({ upstream }) => upstream === name).map((route) => stats?.routes[route.name]);
  const requests = routes.reduce((sum, sums) => sum + (sums?.requests ?? 0), 0);
  const failed = routes.reduce((sum, sums) => sum + (sums?.classes["5xx"] ?? 0), 0);
  return (
    <div className="flex flex-col gap-1">
      <p className="flex flex-wrap items-center gap-2">
        <Foreign text={name} className="font-medium" />
        {total === 0 ? (
          <Badge tone="ok" icon={CircleCheck}>
            has always answered
          </Badge>
        ) : (
          <Badge tone="warn" icon={TriangleAlert}>
            {count(total)} {total === 1 ? "failure" : "failures"}
          </Badge>
        )}
      </p>
      <p className="text-xs break-all text-muted">
        <Foreign text={info.upstreams[name]?.join(", ") ?? ""} className="font-mono" />
      </p>
      {failures.length > 0 && (
        <p className="text-xs text-muted">
          {failures.map(([reason, amount]) => `${title(reason)}: ${count(amount)}`).join(" · ")}
        </p>
      )}
      <p className="text-xs text-muted">
        {requests === 0
          ? "No requests in this time"
          : `${count(failed)} of ${count(requests)} answers in this time were errors of the server (${percent(failed / requests)})`}
      </p>
    </div>
  );
}

/** The process itself. */
export function Process() {
  const health = useHealth();
  const info = useInfo();
  return (
    <Card title="The gateway itself">
      <Loaded query={health}>
        {(now) => (
          <div className="flex flex-col gap-3">
            {now.remarks.length > 0 && (
              <ul className="flex flex-col gap-1">
                {now.remarks.map((remark) => (
                  <li key={remark} className="flex gap-2 text-sm text-warn">
                    <TriangleAlert className="mt-0.5 size-4 shrink-0" aria-hidden />
                    <Foreign text={remark} />
                  </li>
                ))}
              </ul>
            )}
            <KeyValue
              items={[
                ["State", now.status === "ok" ? "good" : now.status],
                ["Runs since", info.data && <Ago when={info.data.started} />],
                ["Memory", bytes(now.resident_bytes)],
                ["Connections", count(now.connections)],
                ["Open files", `${count(now.open_descriptors)} of ${count(now.most_descriptors)}`],
                ["Workers", info.data && count(info.data.workers)],
                ["Engine failures", <Amount key="engine" value={now.engine_failures} words="see the log" />],
                ["Records lost", <Amount key="records" {...lostOf(now.records_lost)} />],
              ]}
            />
          </div>
        )}
      </Loaded>
    </Card>
  );
}

const PLACES: Record<string, string> = {
  lines: "lines of the log",
  queue: "the store could not keep up",
  spool: "the store was away for too long",
  disk: "the disk was full",
  torn: "torn by a crash",
  refused: "the database cannot hold them",
};

/** All records that were lost, and where: what pages show is short of them. */
export function lostOf(lost: Health["records_lost"] = {}): { value: number; words: string } {
  const places = Object.entries(lost).sort((a, b) => b[1] - a[1]);
  return {
    value: places.reduce((sum, [, amount]) => sum + amount, 0),
    words: places.map(([place]) => PLACES[place] ?? title(place)).join(", "),
  };
}

/** A number that should be none, and what it means where it is not. */
function Amount({ value, words }: { value: number; words: string }) {
  if (value === 0) return "none";
  return (
    <Badge tone="warn" icon={TriangleAlert}>
      {count(value)}: {words}
    </Badge>
  );
}
