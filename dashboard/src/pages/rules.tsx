// What the gateway looks for: the rules, a request to try them on, and where they are told not to look.
import { ShieldQuestion } from "lucide-react";
import { useEffect, useMemo } from "react";
import { useApi, usePages } from "@/api/queries";
import type { Rule } from "@/api/types";
import { category, count, title } from "@/lib/format";
import { useRange } from "@/lib/range";
import { useUrlState, useUrlValue } from "@/lib/url";
import {
  Badge,
  Button,
  type Columns,
  Empty,
  FilterBar,
  type FilterField,
  Foreign,
  Loaded,
  Page,
  Tabs,
  useFilters,
  VirtualTable,
} from "@/ui";
import { categoryOptions } from "./logs/fields";
import { usePhone } from "./logs/table";
import { type Matches, RuleDrawer } from "./rules/drawer";
import { Exceptions } from "./rules/exceptions";
import { TestByHand } from "./rules/test";
import { choose, SEVERITIES, severityTone } from "./rules/words";

const SEARCH: FilterField = { name: "q", label: "Words", placeholder: "Name, id, reason or tag" };
const FIELDS: readonly FilterField[] = [
  { name: "category", label: "Attack", placeholder: "Any kind of attack", options: categoryOptions },
  {
    name: "severity",
    label: "Severity",
    options: [...SEVERITIES].reverse().map((value) => ({ value, label: title(value) })),
  },
  {
    name: "phase",
    label: "Looks at",
    placeholder: "Any message",
    options: [
      { value: "request", label: "Requests" },
      { value: "response", label: "Answers" },
    ],
  },
  {
    name: "paranoia",
    label: "Strictness",
    options: ["1", "2", "3", "4"].map((value) => ({ value, label: `Strictness ${value}` })),
  },
  {
    name: "matched",
    label: "Matches",
    placeholder: "Matched or not",
    options: [{ value: "yes", label: "Matched in 24 hours" }],
  },
];
const ALL = [SEARCH, ...FIELDS];

export default function Rules() {
  const [open, setOpen] = useUrlValue("open");
  const matches = useMatches();
  const exceptions = useApi("/api/v1/exceptions", {}, { refetchInterval: 15_000 });
  const made = exceptions.data && exceptions.data.made.length + exceptions.data.file.length;
  return (
    <Page
      title="Rules"
      hint={<span className="max-sm:hidden">What the gateway looks for in requests and answers, and why.</span>}
    >
      <Tabs
        label="Rules"
        url="tab"
        tabs={[
          { value: "rules", label: "Rules", content: <List matches={matches} open={open} onOpen={setOpen} /> },
          { value: "test", label: "Test a request", content: <TestByHand /> },
          {
            value: "exceptions",
            label: made ? `Exceptions (${count(made)})` : "Exceptions",
            content: <Exceptions />,
          },
        ]}
      />
      <RuleDrawer id={open} onClose={() => setOpen(undefined)} matches={matches} />
    </Page>
  );
}

const LEADERS = 100;
/** How often rules matched of late, as far as the newest records tell. */
function useMatches(): Matches | undefined {
  const [{ since }] = useRange("24h");
  const query = { by: ["rule"], limit: LEADERS, since };
  const { data } = useApi("/api/v1/stats/top", { query }, { staleTime: 60_000, placeholderData: (old) => old });
  return useMemo(
    () =>
      data && {
        by: new Map(data.leaders.map((leader) => [leader.name, leader])),
        counted: data.counted,
        cut: data.leaders.length >= LEADERS,
      },
    [data],
  );
}

function List({ matches, open, onOpen }: { matches: Matches | undefined; open: string; onOpen: (id: string) => void }) {
  const pages = usePages("/api/v1/rules", { query: { limit: 1000 }, by: "after" });
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = pages;
  useEffect(() => {
    if (hasNextPage && !isFetchingNextPage) void fetchNextPage();
  }, [hasNextPage, isFetchingNextPage, fetchNextPage]);
  const filter = useFilters(ALL);
  const [, change] = useUrlState();
  // A phone has room for two; the others show where a link brings them.
  const phone = usePhone();
  const fields = FIELDS.filter(({ name }, index) => !phone || index < 2 || filter[name]);
  const key = JSON.stringify(filter);
  const rules = useMemo(() => pages.data?.pages.flatMap((page) => page.rules) ?? [], [pages.data]);
  const found = useMemo(() => {
    const counts = new Map([...(matches?.by ?? [])].map(([id, { requests }]) => [id, requests]));
    return choose(rules, JSON.parse(key), counts);
  }, [rules, key, matches]);
  const columns = useMemo(() => columnsOf(matches), [matches]);
  return (
    <div className="flex flex-col gap-3">
      <FilterBar search={SEARCH} fields={fields} />
      <div className="card overflow-hidden">
        <Loaded query={pages}>
          {() =>
            found.length === 0 ? (
              <Empty
                icon={ShieldQuestion}
                title="No rule fits this filter"
                action={
                  <Button onClick={() => change(Object.fromEntries(ALL.map(({ name }) => [name, undefined])))}>
                    Clear the filter
                  </Button>
                }
              />
            ) : (
              <VirtualTable
                label="Rules"
                className="h-[calc(100dvh-18.5rem)] min-h-80 max-sm:h-[calc(100dvh-22rem)]"
                columns={columns}
                rows={found}
                id={(rule) => rule.id}
                onOpen={(rule) => onOpen(rule.id)}
                open={open}
              />
            )
          }
        </Loaded>
        <p className="border-t border-line px-4 py-2 text-xs text-muted">
          {found.length === rules.length
            ? `${count(rules.length)} rules serve.`
            : `${count(found.length)} of ${count(rules.length)} rules.`}
          {matches && ` Matches are counted among the newest ${count(matches.counted)} requests of the last 24 hours.`}
        </p>
      </div>
    </div>
  );
}

const columnsOf = (matches: Matches | undefined): Columns<Rule> => [
  {
    id: "name",
    header: "Rule",
    meta: { width: "3fr" },
    cell: ({ row: { original } }) => (
      <span title={original.why}>
        <Foreign text={original.name} />
      </span>
    ),
  },
  {
    id: "id",
    header: "Id",
    meta: { width: "3fr", hide: "narrow" },
    cell: ({ row }) => <Foreign text={row.original.id} className="font-mono text-xs text-muted" />,
  },
  {
    id: "category",
    header: "Attack",
    meta: { width: "2fr", hide: "phone" },
    cell: ({ row }) => category(row.original.category),
  },
  {
    id: "severity",
    header: "Severity",
    meta: { width: "84px" },
    cell: ({ row: { original } }) => <Badge tone={severityTone(original.severity)}>{title(original.severity)}</Badge>,
  },
  {
    id: "weight",
    header: "Weight",
    meta: { width: "60px", right: true, hide: "phone" },
    cell: ({ row }) => row.original.score,
  },
  {
    id: "paranoia",
    header: "Strictness",
    meta: { width: "76px", right: true, hide: "narrow" },
    cell: ({ row }) => row.original.paranoia,
  },
  {
    id: "matched",
    header: "Matched",
    meta: { width: "76px", right: true, hide: "phone" },
    cell: ({ row }) => {
      const times = matches?.by.get(row.original.id)?.requests;
      return times ? count(times) : <span className="text-muted">{matches && !matches.cut ? "0" : "–"}</span>;
    },
  },
];
