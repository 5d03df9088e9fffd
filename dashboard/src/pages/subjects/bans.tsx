// Who is refused, by whom, until when.
import { ShieldCheck } from "lucide-react";
import { useMemo, useState } from "react";
import { usePages, useSend } from "@/api/queries";
import type { Ban } from "@/api/types";
import { useRested } from "@/lib/hooks";
import { useMay } from "@/shell/session";
import {
  Ago,
  Badge,
  Button,
  Card,
  type Columns,
  Empty,
  Field,
  Foreign,
  Input,
  Loaded,
  Pagination,
  Table,
  toast,
} from "@/ui";
import { capital, subjectWords } from "../logs/words";
import { SubjectName } from "./name";
import { byGateway, causeWords } from "./words";

/** Lifts a ban: `const lift = useLift(); lift.mutate(subject)`. */
export function useLift() {
  const send = useSend("delete", "/api/v1/bans/{subject}", ["/api/v1/bans", "/api/v1/subjects"]);
  return {
    busy: send.isPending,
    lift: (subject: string) =>
      send.mutate(
        { path: { subject } },
        {
          onSuccess: () => toast(`${capital(subjectWords(subject))} is free again.`),
          onError: (error) => toast.error(error),
        },
      ),
  };
}

export function Bans({ onOpen }: { onOpen: (subject: string) => void }) {
  const [text, setText] = useState("");
  const q = useRested(text.trim());
  const query = { limit: 100, ...(q ? { q } : {}) };
  const pages = usePages("/api/v1/bans", { query, by: "after" }, { refetchInterval: 10_000 });
  const mayLift = useMay("analyst");
  const { lift, busy } = useLift();
  // biome-ignore lint/correctness/useExhaustiveDependencies: `lift` is the same in all that counts
  const columns = useMemo(() => columnsOf(mayLift, busy, lift), [mayLift, busy]);
  return (
    <Card flush>
      <div className="flex flex-wrap items-center gap-x-4 gap-y-2 border-b border-line px-4 py-3">
        <p className="min-w-0 flex-1 basis-72 text-xs text-muted">
          Their requests are refused before anything is read. A ban ends by itself, or when somebody lifts it.
        </p>
        <Field quiet label="Search in bans" className="max-sm:w-full">
          <Input
            type="search"
            className="sm:w-64!"
            placeholder="Subject or reason"
            value={text}
            onChange={(event) => setText(event.target.value)}
          />
        </Field>
      </div>
      <Loaded query={pages}>
        {({ pages: list }) => {
          const bans = list.flatMap((page) => page.bans);
          return (
            <>
              <Table
                label="Bans"
                columns={columns}
                rows={bans}
                id={(ban) => ban.subject}
                onOpen={(ban) => onOpen(ban.subject)}
                empty={
                  <Empty icon={ShieldCheck} title={q ? "No ban fits that" : "Nobody is banned"}>
                    {q
                      ? "Search for another part of the name or the reason."
                      : "The gateway bans by itself who insists on attacking, and you can ban anybody."}
                  </Empty>
                }
              />
              {bans.length > 0 && (
                <Pagination
                  shown={bans.length}
                  total={list[0]?.total ?? bans.length}
                  noun={bans.length === 1 ? "ban" : "bans"}
                  more={pages.hasNextPage}
                  busy={pages.isFetchingNextPage}
                  onMore={() => void pages.fetchNextPage()}
                />
              )}
            </>
          );
        }}
      </Loaded>
    </Card>
  );
}

const columnsOf = (mayLift: boolean, busy: boolean, lift: (subject: string) => void): Columns<Ban> => [
  { id: "who", header: "Who", cell: ({ row }) => <SubjectName subject={row.original.subject} /> },
  {
    id: "cause",
    header: "For what",
    cell: ({ row }) => <Foreign text={causeWords(row.original.cause)} />,
  },
  {
    id: "by",
    header: "By",
    meta: { hide: "narrow" },
    cell: ({ row }) =>
      byGateway(row.original) ? (
        <span className="text-muted">
          the gateway
          {row.original.offences > 1 && <Badge className="ml-2">{row.original.offences} times</Badge>}
        </span>
      ) : (
        <Foreign text={row.original.author ?? ""} />
      ),
  },
  { id: "since", header: "Since", meta: { hide: "narrow" }, cell: ({ row }) => <Ago when={row.original.since} /> },
  {
    id: "until",
    header: "Ends",
    meta: { hide: "phone" },
    cell: ({ row }) => (row.original.until ? <Ago when={row.original.until} /> : "when lifted"),
  },
  ...(mayLift
    ? [
        {
          id: "lift",
          header: () => <span className="sr-only">Lift</span>,
          meta: { right: true },
          cell: ({ row }: { row: { original: Ban } }) => (
            <Button size="sm" disabled={busy} onClick={() => lift(row.original.subject)}>
              Lift
            </Button>
          ),
        },
      ]
    : []),
];
