// Who and what leads, among the newest records of the time.
import { useLocation } from "wouter";
import { useApiKept } from "@/api/queries";
import { type Ranked, RankedBars } from "@/charts";
import { count } from "@/lib/format";
import type { Range } from "@/lib/range";
import { useUrlValue } from "@/lib/url";
import { Card, Empty, Loaded, Select } from "@/ui";

type By = "address" | "path" | "rule";
const LISTS: readonly { by: By; title: string; link: (name: string) => string }[] = [
  { by: "address", title: "Addresses", link: (name) => `/subjects?open=${encodeURIComponent(`address:${name}`)}` },
  { by: "path", title: "Paths", link: (name) => `/logs?path=${encodeURIComponent(name)}` },
  { by: "rule", title: "Rules", link: (name) => `/rules?open=${encodeURIComponent(name)}` },
];
const OF = [
  { value: "stopped", label: "Denied or slowed" },
  { value: "threats", label: "Judged a threat" },
  { value: "all", label: "Everything" },
] as const;

const filterOf = (of: string) => {
  if (of === "all") return {};
  return of === "threats" ? { level: "MEDIUM,HIGH,CRITICAL" } : { action: "deny,throttle" };
};

export function Leading({ range }: { range: Range }) {
  const [chosen, choose] = useUrlValue("of");
  const of = OF.some(({ value }) => value === chosen) ? chosen : "stopped";
  return (
    <section aria-label="Who and what leads" className="flex flex-col gap-3">
      <header className="flex flex-wrap items-center gap-x-3 gap-y-1">
        <h2 className="flex-1 font-semibold">Who and what leads</h2>
        <Select
          aria-label="Among which requests"
          className="w-auto!"
          options={OF}
          value={of}
          onValue={(value) => choose(value === "stopped" ? undefined : value)}
        />
      </header>
      <div className="grid gap-4 lg:grid-cols-3">
        {LISTS.map((list) => (
          <List key={list.by} {...list} of={of} range={range} />
        ))}
      </div>
    </section>
  );
}

function List({
  by,
  title,
  link,
  of,
  range,
}: {
  by: By;
  title: string;
  link: (name: string) => string;
  of: string;
  range: Range;
}) {
  const [, navigate] = useLocation();
  const query = useApiKept(
    "/api/v1/stats/top",
    {
      query: {
        by: [by],
        limit: 8,
        since: range.since,
        ...(range.until ? { until: range.until } : {}),
        ...filterOf(of),
      },
    },
    { refetchInterval: 30_000 },
  );
  return (
    <Card title={title} hint={query.data && counted(query.data.counted, query.data.complete)}>
      <Loaded query={query}>
        {({ leaders }) =>
          leaders.length === 0 ? (
            <Empty title="Nothing in this time" />
          ) : (
            <RankedBars
              label={title}
              items={leaders.map(
                ({ name, requests, stopped }): Ranked => ({
                  name,
                  value: requests,
                  ...(of === "stopped" || stopped === 0 ? {} : { note: `${count(stopped)} stopped` }),
                  colour: of === "stopped" ? "var(--c-bad)" : "var(--c-accent)",
                  onClick: () => navigate(link(name)),
                }),
              )}
            />
          )
        }
      </Loaded>
    </Card>
  );
}

const counted = (records: number, complete: boolean): string =>
  complete ? `among all ${count(records)} such requests` : `among the newest ${count(records)} such requests`;
