// Where rules are told not to look, why, by whom, and an end to that.
import { CircleSlash, Plus } from "lucide-react";
import { useMemo, useState } from "react";
import { useApi, useSend } from "@/api/queries";
import type { Version } from "@/api/types";
import { useMay } from "@/shell/session";
import { Ago, Badge, Button, Card, type Columns, Dialog, Empty, Foreign, Loaded, Table, toast } from "@/ui";
import { RuleLink } from "../logs/verdict";
import { ExceptionDialog, type ExceptionDraft } from "./exception";
import { type Exception, madeBy, silencedWords, whereWords } from "./words";

type Row = Exception & { policy: string; id?: string };
const NONE: readonly Version[] = [];

export function Exceptions() {
  const query = useApi("/api/v1/exceptions", {}, { refetchInterval: 15_000 });
  const versions = useApi("/api/v1/config/versions", {}, { staleTime: 10_000 });
  const may = useMay("admin");
  const [draft, setDraft] = useState<ExceptionDraft | null>(null);
  const [going, setGoing] = useState<Row | null>(null);
  const remove = useSend("delete", "/api/v1/exceptions/{id}", ["/api/v1/exceptions", "/api/v1/config"]);
  const known = versions.data?.versions ?? NONE;
  const columns = useMemo(() => columnsOf(known, may ? setGoing : undefined), [known, may]);
  const confirm = () => {
    if (!going?.id) return;
    remove.mutate(
      { path: { id: going.id } },
      {
        onSuccess: () => {
          toast("The rule looks there again.");
          setGoing(null);
        },
        onError: (error) => toast.error(error),
      },
    );
  };
  return (
    <Card flush>
      <div className="flex flex-wrap items-center gap-x-4 gap-y-2 border-b border-line px-4 py-3">
        <p className="min-w-0 flex-1 basis-72 text-xs text-muted">
          Where a rule is wrong about your API, it is told not to look. Each exception is a gap: keep it narrow, and
          remove it when it is no longer needed.
        </p>
        {may && (
          <Button icon={Plus} onClick={() => setDraft({})}>
            Make an exception
          </Button>
        )}
      </div>
      <Loaded query={query}>
        {({ made, file }) => (
          <Table
            label="Exceptions"
            columns={columns}
            rows={[...made, ...file] as Row[]}
            id={(row) => row.id ?? JSON.stringify(row)}
            empty={
              <Empty icon={CircleSlash} title="No exceptions">
                Every rule looks everywhere. Make an exception from a request in the logs that was stopped by mistake.
              </Empty>
            }
          />
        )}
      </Loaded>
      <ExceptionDialog draft={draft} onClose={() => setDraft(null)} />
      <Dialog
        open={going !== null}
        onClose={() => setGoing(null)}
        title="Remove this exception?"
        description="The rule looks there again at once. What it finds may be denied."
        footer={
          <>
            <Button onClick={() => setGoing(null)}>Keep it</Button>
            <Button variant="danger" busy={remove.isPending} onClick={confirm}>
              Remove
            </Button>
          </>
        }
      >
        {going && (
          <p>
            <Foreign text={`${silencedWords(going)}, ${whereWords(going)}`} className="font-medium" />
            <br />
            <Foreign text={going.reason} className="text-muted" />
          </p>
        )}
      </Dialog>
    </Card>
  );
}

const columnsOf = (versions: readonly Version[], onRemove: ((row: Row) => void) | undefined): Columns<Row> => [
  {
    id: "rule",
    header: "Silenced",
    cell: ({ row: { original } }) =>
      original.rule && !original.rule.endsWith("*") ? (
        <RuleLink rule={original.rule} />
      ) : (
        <Foreign text={silencedWords(original)} />
      ),
  },
  {
    id: "where",
    header: "Where",
    cell: ({ row }) => (
      <>
        <Foreign text={whereWords(row.original)} className="break-words" />
        <span className="block text-xs text-muted sm:hidden">
          <Foreign text={row.original.reason} />
        </span>
      </>
    ),
  },
  {
    id: "why",
    header: "Why it is harmless",
    meta: { hide: "phone" },
    cell: ({ row }) => <Foreign text={row.original.reason} />,
  },
  {
    id: "policy",
    header: "Policy",
    meta: { hide: "narrow" },
    cell: ({ row }) => <Foreign text={row.original.policy} />,
  },
  {
    id: "by",
    header: "Made by",
    meta: { hide: "phone" },
    cell: ({ row: { original } }) => {
      if (!original.id) return <Badge>configuration file</Badge>;
      const version = madeBy(original, versions);
      return version ? (
        <span>
          <Foreign text={version.author} />, <Ago when={version.made} />
        </span>
      ) : (
        <span className="text-muted">unknown</span>
      );
    },
  },
  ...(onRemove
    ? [
        {
          id: "remove",
          header: () => <span className="sr-only">Remove</span>,
          meta: { right: true },
          cell: ({ row }: { row: { original: Row } }) =>
            row.original.id ? (
              <Button size="sm" onClick={() => onRemove(row.original)}>
                Remove
              </Button>
            ) : null,
        },
      ]
    : []),
];
