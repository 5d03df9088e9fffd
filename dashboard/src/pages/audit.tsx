// The audit trail: who did what, when, from where, and how it went. Changes of settings show what they changed.
import { CircleCheck, CircleSlash, CircleX, ScrollText } from "lucide-react";
import { useMemo } from "react";
import { Link } from "wouter";
import { useApi, usePages } from "@/api/queries";
import type { AuditEvent, Version } from "@/api/types";
import { dayTime, fullTime } from "@/lib/format";
import { SPANS } from "@/lib/range";
import { useUrlState } from "@/lib/url";
import {
  Badge,
  Button,
  Card,
  type Columns,
  Drawer,
  Empty,
  FilterBar,
  type FilterField,
  Foreign,
  KeyValue,
  Loaded,
  Page,
  Pagination,
  Table,
  useFilters,
} from "@/ui";
import { Diff } from "./audit/diff";
import { CHOICES, changesSettings, describe, versionOf } from "./audit/words";

const WHO: FilterField = { name: "who", label: "Who", placeholder: "Who: the exact name" };
const FIELDS: readonly FilterField[] = [
  { name: "action", label: "Action", placeholder: "Anything done", options: CHOICES },
  {
    name: "outcome",
    label: "Outcome",
    options: [
      { value: "done", label: "Done" },
      { value: "refused", label: "Refused" },
      { value: "failed", label: "Failed" },
    ],
  },
  {
    name: "span",
    label: "Time",
    placeholder: "Any time",
    options: SPANS.map(({ value, label }) => ({ value, label })),
  },
];

/** When a span begins. It stays while the question stays, since a cursor belongs to one question. */
function useFrom(span: string | undefined): string | undefined {
  return useMemo(() => {
    const seconds = SPANS.find(({ value }) => value === span)?.seconds;
    return seconds ? new Date(Date.now() - seconds * 1000).toISOString() : undefined;
  }, [span]);
}

export default function Audit() {
  const [values, change] = useUrlState();
  const { span, ...chosen } = useFilters([WHO, ...FIELDS]);
  const from = useFrom(span);
  const query = usePages("/api/v1/audit", { query: { ...chosen, from, limit: 50 } }, { refetchInterval: 15_000 });
  const events = useMemo(() => query.data?.pages.flatMap((page) => page.events) ?? [], [query.data]);
  const versions = useVersions(events);
  const columns = useMemo(() => columnsOf(versions), [versions]);
  const open = values.get("open") ?? "";
  const shown = events.find(({ id }) => String(id) === open);
  const isFiltered = span !== undefined || Object.keys(chosen).length > 0;
  return (
    <Page title="Audit" hint="Who did what here, and how it went. Kept for 400 days.">
      <FilterBar fields={FIELDS} search={WHO} />
      <Card flush>
        <Loaded query={query}>
          {() => (
            <>
              <Table
                label="Audit trail"
                columns={columns}
                rows={events}
                id={idOf}
                open={open}
                onOpen={({ id }) => change({ open: String(id) })}
                empty={
                  <Empty
                    icon={ScrollText}
                    title={isFiltered ? "Nothing of this kind was done" : "Nothing has been done yet"}
                    action={
                      isFiltered && (
                        <Button
                          onClick={() =>
                            change({ who: undefined, action: undefined, outcome: undefined, span: undefined })
                          }
                        >
                          Clear the filter
                        </Button>
                      )
                    }
                  />
                }
              />
              {events.length > 0 && (
                <Pagination
                  shown={events.length}
                  noun={events.length === 1 ? "event" : "events"}
                  more={query.hasNextPage}
                  busy={query.isFetchingNextPage}
                  onMore={() => void query.fetchNextPage()}
                />
              )}
            </>
          )}
        </Loaded>
      </Card>
      <EventDrawer
        event={shown}
        version={shown && versionOf(shown, versions)}
        onClose={() => change({ open: undefined })}
      />
    </Page>
  );
}

const idOf = ({ id }: AuditEvent) => String(id);
const NONE: readonly Version[] = [];

/** The versions of the settings, where the trail shows a change of them. */
function useVersions(events: readonly AuditEvent[]): readonly Version[] {
  const { data } = useApi(
    "/api/v1/config/versions",
    { query: { limit: 100 } },
    { enabled: events.some(changesSettings) },
  );
  return data?.versions ?? NONE;
}

const columnsOf = (versions: readonly Version[]): Columns<AuditEvent> => [
  {
    id: "time",
    header: "When",
    meta: { hide: "phone" },
    cell: ({ row }) => (
      <time dateTime={row.original.time} title={fullTime(row.original.time)} className="whitespace-nowrap text-muted">
        {dayTime(row.original.time)}
      </time>
    ),
  },
  {
    id: "who",
    header: "Who",
    meta: { hide: "phone" },
    cell: ({ row }) => <Foreign text={row.original.who || "nobody known"} className="font-medium break-words" />,
  },
  {
    id: "what",
    header: "What",
    cell: ({ row }) => <What event={row.original} version={versionOf(row.original, versions)} />,
  },
  {
    id: "source",
    header: "From",
    meta: { hide: "narrow" },
    cell: ({ row }) => <Source source={row.original.source} />,
  },
  {
    id: "outcome",
    header: "Outcome",
    meta: { right: true },
    cell: ({ row }) => <Outcome outcome={row.original.outcome} />,
  },
];

function What({ event, version }: { event: AuditEvent; version: Version | undefined }) {
  const { text, object } = describe(event);
  const more = version ? `version ${version.version}: ${version.comment || "no comment"}` : event.detail;
  const isSaid = object !== undefined && more.startsWith(object);
  return (
    <span className="flex min-w-0 flex-wrap gap-x-2">
      <span className="w-full text-xs text-muted sm:hidden">
        <Foreign text={event.who || "nobody known"} />, {dayTime(event.time)}
      </span>
      <span>{text}</span>
      {object && !isSaid && <Foreign text={object} className="font-mono text-xs leading-5 break-all text-muted" />}
      {more && <Foreign text={more} className="min-w-0 break-words text-muted" />}
    </span>
  );
}

const OUTCOMES = {
  done: { tone: "ok", icon: CircleCheck, word: "Done" },
  refused: { tone: "warn", icon: CircleSlash, word: "Refused" },
  failed: { tone: "bad", icon: CircleX, word: "Failed" },
} as const;

function Outcome({ outcome }: { outcome: string }) {
  const look = OUTCOMES[outcome as keyof typeof OUTCOMES];
  if (!look) return <Badge>{outcome}</Badge>;
  return (
    <Badge tone={look.tone} icon={look.icon}>
      {look.word}
    </Badge>
  );
}

function Source({ source }: { source: string }) {
  if (source === "local") return <span className="text-muted">this machine</span>;
  return <Foreign text={source} className="font-mono text-xs" />;
}

function EventDrawer({
  event,
  version,
  onClose,
}: {
  event: AuditEvent | undefined;
  version: Version | undefined;
  onClose: () => void;
}) {
  const { text, object, href } = event ? describe(event) : { text: "Event" };
  return (
    <Drawer
      open={event !== undefined}
      onClose={onClose}
      title={text}
      description={event && `${event.who || "Nobody known"}, ${fullTime(event.time)}`}
    >
      {event && (
        <div className="flex flex-col gap-6">
          <KeyValue
            items={[
              ["Who", event.who],
              ["From", <Source key="source" source={event.source} />],
              ["What", event.action],
              ["To", object ?? (event.action.endsWith(` ${event.target}`) ? "" : event.target)],
              ["Outcome", <Outcome key="outcome" outcome={event.outcome} />],
              ["Detail", event.detail],
              ["Number", String(event.id)],
            ]}
          />
          {href && (
            <Link href={href} className="w-fit font-medium text-accent hover:underline">
              Look at it
            </Link>
          )}
          {version && (
            <section className="flex flex-col gap-3">
              <div>
                <h3 className="text-[13px] font-semibold">What changed</h3>
                <p className="text-muted">
                  Version {version.version}
                  {version.comment && (
                    <>
                      : <Foreign text={version.comment} />
                    </>
                  )}
                </p>
              </div>
              <Diff changes={version.changes} />
            </section>
          )}
        </div>
      )}
    </Drawer>
  );
}
