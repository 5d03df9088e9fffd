// Alerts: incidents, the last seen first. What is open is shown unless the address says otherwise; one opens beside the list.
import { BellOff, CircleCheck } from "lucide-react";
import { useMemo } from "react";
import { useApi, usePages } from "@/api/queries";
import type { Alert } from "@/api/types";
import { cx } from "@/lib/cx";
import { category, count } from "@/lib/format";
import { useUrlState } from "@/lib/url";
import { useMay } from "@/shell/session";
import { Button, Card, Empty, FilterBar, type FilterField, Loaded, Page, Pagination, useFilters } from "@/ui";
import { DeadLetters } from "./alerts/dead";
import { Detail } from "./alerts/detail";
import { fits, merge } from "./alerts/incident";
import { useNews } from "./alerts/news";
import { Row } from "./alerts/row";

const LEVEL: FilterField = {
  name: "level",
  label: "Level",
  options: [
    { value: "MEDIUM", label: "Medium and worse" },
    { value: "HIGH", label: "High and worse" },
    { value: "CRITICAL", label: "Only critical" },
  ],
};
const SUBJECT: FilterField = { name: "subject", label: "Client", placeholder: "Client: address:192.0.2.1" };

/** Kinds that there are, to choose from. */
function useKinds(): FilterField {
  const { data } = useApi("/api/v1/alerts", { query: { limit: 500 } }, { staleTime: 60_000 });
  return useMemo(() => {
    const kinds = [...new Set(data?.alerts.map((alert) => alert.category) ?? [])];
    const options = kinds.map((kind) => ({ value: kind, label: category(kind) }));
    options.sort((a, b) => a.label.localeCompare(b.label));
    return { name: "category", label: "Kind", options };
  }, [data]);
}

export default function Alerts() {
  const [values, change] = useUrlState();
  const kinds = useKinds();
  const fields = [LEVEL, kinds];
  const chosen = useFilters([...fields, SUBJECT]);
  const state = stateOf(values.get("state"));
  const filters = state === "all" ? chosen : { ...chosen, state };
  const query = usePages("/api/v1/alerts", { query: { ...filters, limit: 50 } as never, by: "after" });
  const news = useNews(query.dataUpdatedAt);
  const pages = query.data?.pages ?? [];
  const listed = pages.flatMap(({ alerts }) => alerts);
  const alerts = merge(
    listed,
    news.filter((alert) => fits(alert, filters)),
  );
  const isAdmin = useMay("admin");
  const open = values.get("open") ?? "";
  const isFiltered = Object.keys(chosen).length > 0;
  return (
    <Page title="Alerts" hint="An alert stands for an incident: what one client did, however many requests it took.">
      {isAdmin && <DeadLetters />}
      <div className="flex flex-col gap-3">
        <States state={state} open={pages[0] && sum(pages[0].open)} />
        <FilterBar fields={fields} search={SUBJECT} />
      </div>
      <Card flush>
        <Loaded query={query}>
          {() =>
            alerts.length === 0 ? (
              <Nothing
                state={state}
                isFiltered={isFiltered}
                clear={() => change({ level: undefined, category: undefined, subject: undefined })}
              />
            ) : (
              <>
                <ul aria-label="Alerts" aria-busy={query.isPlaceholderData}>
                  {alerts.map((alert) => (
                    <Row key={alert.id} alert={alert} isOpen={alert.id === open} />
                  ))}
                </ul>
                <Pagination
                  shown={alerts.length}
                  noun={alerts.length === 1 ? "alert" : "alerts"}
                  more={query.hasNextPage}
                  busy={query.isFetchingNextPage}
                  onMore={() => void query.fetchNextPage()}
                />
              </>
            )
          }
        </Loaded>
      </Card>
      <Detail id={open} known={find(alerts, open)} onClose={() => change({ open: undefined })} />
    </Page>
  );
}

type Shown = "open" | "acknowledged" | "all";
const stateOf = (value: string | null): Shown => (value === "acknowledged" || value === "all" ? value : "open");
const sum = ({ critical, high, medium, low }: { critical: number; high: number; medium: number; low: number }) =>
  critical + high + medium + low;
const find = (alerts: readonly Alert[], id: string) => alerts.find((alert) => alert.id === id);

function States({ state, open }: { state: Shown; open: number | undefined }) {
  const [, change] = useUrlState();
  const choices: readonly [Shown, string][] = [
    ["open", open === undefined ? "Open" : `Open (${count(open)})`],
    ["acknowledged", "Acknowledged"],
    ["all", "All"],
  ];
  return (
    <fieldset className="flex w-fit gap-1 rounded-lg border border-line bg-surface p-1">
      <legend className="sr-only">State</legend>
      {choices.map(([value, label]) => (
        <button
          key={value}
          type="button"
          aria-pressed={value === state}
          onClick={() => change({ state: value })}
          className={cx(
            "h-7 rounded-md px-3 font-medium",
            value === state ? "bg-accent-soft text-accent" : "text-muted hover:bg-hover hover:text-text",
          )}
        >
          {label}
        </button>
      ))}
    </fieldset>
  );
}

function Nothing({ state, isFiltered, clear }: { state: Shown; isFiltered: boolean; clear: () => void }) {
  if (isFiltered) {
    return (
      <Empty icon={BellOff} title="No alert fits" action={<Button onClick={clear}>Clear the filter</Button>}>
        There may be others without it.
      </Empty>
    );
  }
  if (state === "acknowledged") return <Empty icon={BellOff} title="No alert has been acknowledged yet" />;
  return (
    <Empty icon={CircleCheck} title={state === "open" ? "Nothing waits for you" : "No alerts yet"}>
      Attacks and failures show here as soon as they begin.
    </Empty>
  );
}
