// The counts of an alert: over time, by what was done, by rule, path and address.
import { type ReactNode, useMemo } from "react";
import { useLocation } from "wouter";
import { useApi } from "@/api/queries";
import type { Alert } from "@/api/types";
import { BarChart, RankedBars, ShareBar } from "@/charts";
import { count } from "@/lib/format";
import { actionLook } from "@/lib/levels";
import { Foreign } from "@/ui";
import { buckets, plural, ranked, records } from "./incident";

const MOST_RECORDS = 500;
const PARTS = 40;
const SHOWN = 5;

export function Facts({ alert }: { alert: Alert }) {
  const [, navigate] = useLocation();
  const rule = (id: string) => () => navigate(`/rules?open=${encodeURIComponent(id)}`);
  const subject = (name: string) => () => navigate(`/subjects?open=${encodeURIComponent(`address:${name}`)}`);
  return (
    <div className="flex flex-col gap-5">
      <TimeLine alert={alert} />
      <ShareBar
        label="What was done"
        format={count}
        shares={ranked(alert.actions).map(([action, value]) => ({ ...words(action), value }))}
      />
      <div className="grid grid-cols-2 gap-x-6 gap-y-5 max-sm:grid-cols-1">
        <Top title="Paths" table={alert.paths} />
        <Top title="Rules that spoke" table={alert.rules} onClick={rule} />
        <Top title="Addresses" table={alert.addresses} onClick={subject} />
        {Object.keys(alert.routes).length > 1 && <Top title="Routes" table={alert.routes} />}
      </div>
    </div>
  );
}

/** `would deny` → Would be denied. */
function words(action: string): { label: string; colour: string } {
  const would = action.startsWith("would ");
  const look = actionLook(would ? action.slice(6) : action);
  const label = look?.word ?? action;
  return {
    label: would ? `Would be ${label.toLowerCase()}` : label,
    colour: would ? "var(--c-chart-3)" : (look?.colour ?? "var(--c-line-strong)"),
  };
}

function Top({
  title,
  table,
  onClick,
}: {
  title: string;
  table: Readonly<Record<string, number>>;
  onClick?: (name: string) => () => void;
}): ReactNode {
  const all = ranked(table);
  if (all.length === 0) return null;
  return (
    <div className="min-w-0">
      <h4 className="mb-2 text-xs font-medium text-muted">{title}</h4>
      <RankedBars
        label={title}
        format={count}
        items={all.slice(0, SHOWN).map(([name, value]) => ({
          name,
          value,
          label: <Foreign text={name} className="font-mono text-xs" />,
          ...(onClick && name !== "(others)" ? { onClick: onClick(name) } : {}),
        }))}
      />
      {all.length > SHOWN && <p className="mt-2 text-xs text-muted">and {plural(all.length - SHOWN, "other")}</p>}
    </div>
  );
}

/** When, from the records that the log still has. One request needs no chart. */
function TimeLine({ alert }: { alert: Alert }) {
  const question = records(alert);
  const { data } = useApi(
    "/api/v1/logs",
    { query: { ...question, limit: MOST_RECORDS } },
    { enabled: question !== undefined && alert.requests > 2, staleTime: 30_000 },
  );
  const rows = useMemo(
    () =>
      buckets(
        (data?.logs ?? []).map(({ time }) => Date.parse(time)),
        PARTS,
      ),
    [data],
  );
  if (!data || data.logs.length < 3) return null;
  const span = `${plural(data.logs.length, "request")} of this client and kind in the log`;
  return (
    <div>
      <h4 className="mb-1 text-xs font-medium text-muted">When{data.next && `: the newest ${count(MOST_RECORDS)}`}</h4>
      <BarChart
        rows={rows}
        height={120}
        series={[{ key: "requests", label: "Requests", colour: "var(--c-chart-7)" }]}
        summary={`${span}, over time.`}
      />
    </div>
  );
}
