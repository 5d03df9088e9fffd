// Who is out there: the riskiest, one of them in full, and who is banned.
import { Ban, Search, UsersRound } from "lucide-react";
import { useMemo, useState } from "react";
import { useApi, useInfo } from "@/api/queries";
import type { Portrait } from "@/api/types";
import { count } from "@/lib/format";
import { levelOf } from "@/lib/levels";
import { useUrlState, useUrlValue } from "@/lib/url";
import { useMay } from "@/shell/session";
import { Ago, Badge, Button, Card, type Columns, Empty, Field, Input, Loaded, Page, Score, Table, Tabs } from "@/ui";
import { detectorName } from "./logs/words";
import { BanDialog } from "./subjects/ban";
import { Bans } from "./subjects/bans";
import { SubjectDrawer } from "./subjects/drawer";
import { SubjectName } from "./subjects/name";
import { canBeSubject } from "./subjects/words";

const MOST = 500;

export default function Subjects() {
  const [open, setOpen] = useUrlValue("open");
  const [banning, setBanning] = useState(false);
  const mayBan = useMay("analyst");
  const bans = useApi("/api/v1/bans", { query: { limit: 1000 } }, { refetchInterval: 10_000 });
  const total = bans.data?.total;
  return (
    <Page
      title="Subjects"
      hint={
        <span className="max-sm:hidden">
          Who sends requests: addresses, users, sessions and API keys, and how much speaks against them.
        </span>
      }
      actions={
        mayBan && (
          <Button icon={Ban} onClick={() => setBanning(true)}>
            Ban somebody
          </Button>
        )
      }
    >
      <Tabs
        label="Subjects"
        url="tab"
        tabs={[
          {
            value: "risk",
            label: "Riskiest",
            content: <Riskiest banned={bans.data?.bans ?? []} onOpen={setOpen} open={open} />,
          },
          {
            value: "bans",
            label: total === undefined ? "Bans" : `Bans (${count(total)})`,
            content: <Bans onOpen={setOpen} />,
          },
        ]}
      />
      <SubjectDrawer id={open} onClose={() => setOpen(undefined)} />
      <BanDialog open={banning} onClose={() => setBanning(false)} subjects={[]} />
    </Page>
  );
}

interface RiskiestProps {
  banned: readonly { subject: string }[];
  onOpen: (subject: string) => void;
  open: string;
}

function Riskiest({ banned, onOpen, open }: RiskiestProps) {
  const list = useApi("/api/v1/subjects", { query: { limit: MOST } }, { refetchInterval: 5_000 });
  const info = useInfo();
  const [values, change] = useUrlState();
  const text = values.get("q") ?? "";
  const wanted = text.trim().toLowerCase();
  const names = useMemo(() => new Set(banned.map(({ subject }) => subject)), [banned]);
  const columns = useMemo(() => columnsOf(names), [names]);
  const lookUp = canBeSubject(text.trim());
  return (
    <Card flush>
      <div className="flex flex-wrap items-center gap-x-4 gap-y-2 border-b border-line px-4 py-3">
        <p className="min-w-0 flex-1 basis-72 text-xs text-muted">
          Highest risk first, as it was when they were last seen. 0: nothing speaks against them; 100: everything does.
        </p>
        <form
          className="flex items-center gap-2 max-sm:w-full"
          onSubmit={(event) => {
            event.preventDefault();
            if (lookUp) onOpen(text.trim());
          }}
        >
          <Field quiet label="Search for a subject" className="max-sm:flex-1">
            <Input
              type="search"
              data-search
              className="sm:w-64!"
              placeholder="Address, user, session or key"
              value={text}
              onChange={(event) => change({ q: event.target.value })}
            />
          </Field>
          {lookUp && (
            <Button type="submit" icon={Search}>
              Look up
            </Button>
          )}
        </form>
      </div>
      <Loaded query={list}>
        {({ subjects }) => {
          const rows = wanted ? subjects.filter((subject) => fits(subject, wanted)) : subjects;
          return (
            <>
              <Table
                sortable
                label="Subjects with the highest risk"
                columns={columns}
                rows={rows}
                id={(subject) => subject.subject}
                onOpen={(subject) => onOpen(subject.subject)}
                open={open}
                empty={<Nobody searched={wanted !== ""} behaviour={info.data?.behaviour} lookUp={lookUp} />}
              />
              {rows.length > 0 && (
                <p className="border-t border-line px-4 py-2 text-xs text-muted">
                  {count(rows.length)} {rows.length === 1 ? "subject" : "subjects"}
                  {subjects.length === MOST && ": the list ends there; search for others by their name"}
                </p>
              )}
            </>
          );
        }}
      </Loaded>
    </Card>
  );
}

const fits = ({ subject, factors }: Portrait, wanted: string) =>
  subject.toLowerCase().includes(wanted) ||
  factors.some(({ detector }) => detectorName(detector).toLowerCase().includes(wanted) || detector.includes(wanted));

function Nobody({
  searched,
  behaviour,
  lookUp,
}: {
  searched: boolean;
  behaviour: boolean | undefined;
  lookUp: boolean;
}) {
  if (searched) {
    return (
      <Empty icon={UsersRound} title="Nobody of the riskiest fits that">
        {lookUp
          ? "Look up shows what is known of this subject all the same."
          : "Write a whole address, or a subject such as user:0123456789abcdef, to look it up."}
      </Empty>
    );
  }
  if (behaviour === false) {
    return (
      <Empty icon={UsersRound} title="Behaviour is switched off">
        Nobody is watched over several requests. Set behaviour.enabled in the configuration file to see who is guessing,
        scanning or scraping.
      </Empty>
    );
  }
  return (
    <Empty icon={UsersRound} title="Nobody stands out">
      Whoever guesses passwords, scans or scrapes appears here within seconds.
    </Empty>
  );
}

const columnsOf = (banned: ReadonlySet<string>): Columns<Portrait> => [
  {
    id: "who",
    header: "Who",
    accessorKey: "subject",
    enableSorting: false,
    cell: ({ row }) => (
      <span className="flex items-center gap-2">
        <SubjectName subject={row.original.subject} />
        {banned.has(row.original.subject) && (
          <Badge tone="bad" icon={Ban}>
            <span className="max-sm:sr-only">Banned</span>
          </Badge>
        )}
      </span>
    ),
  },
  {
    id: "risk",
    header: "Risk",
    accessorKey: "risk",
    cell: ({ row }) => <Score value={row.original.risk} level={levelOf(row.original.risk)} />,
  },
  {
    id: "why",
    header: "Because of",
    enableSorting: false,
    meta: { hide: "phone" },
    cell: ({ row }) => row.original.factors.map(({ detector }) => detectorName(detector)).join(", ") || "–",
  },
  {
    id: "requests",
    header: "Requests",
    accessorKey: "requests",
    meta: { right: true, hide: "narrow" },
    cell: ({ row }) => count(row.original.requests),
  },
  {
    id: "last",
    header: "Last seen",
    accessorKey: "last_seen",
    meta: { right: true, hide: "phone" },
    cell: ({ row }) => <Ago when={row.original.last_seen} />,
  },
];
