// Who is logged in, from where, since when; and the end of it.

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { LogOut, MonitorSmartphone } from "lucide-react";
import { useMemo, useState } from "react";
import { call } from "@/api/client";
import { makeOld, useApi } from "@/api/queries";
import type { Schemas } from "@/api/types";
import { askAgain, useMay, useMe } from "@/shell/session";
import { Ago, Badge, Button, Card, type Columns, Dialog, Empty, Foreign, Loaded, Table, toast } from "@/ui";

type Session = Schemas["SessionView"];

const LIST = "/api/v1/sessions";

function useEnd() {
  const client = useQueryClient();
  return useMutation<unknown, Error, Session>({
    mutationFn: ({ id }) => call("delete", "/api/v1/sessions/{id}", { path: { id } }),
    // One's own end shows the log-in.
    onSuccess: (_, { current }) => (current ? askAgain() : makeOld(client, [LIST])),
  });
}

export function Sessions() {
  const query = useApi(LIST, {}, { refetchInterval: 15_000 });
  const { tenant } = useMe();
  const everybodys = useMay("admin") && !tenant;
  const [ending, setEnding] = useState<Session | null>(null);
  const end = useEnd();
  const columns = useMemo(() => columnsOf(everybodys, setEnding), [everybodys]);
  return (
    <Card
      flush
      title="Sessions"
      hint={
        everybodys
          ? "Everybody who is logged in. One that you do not know: end it, and have its owner choose another password."
          : "Where you are logged in. One that you do not know: end it, and choose another password."
      }
    >
      <Loaded query={query}>
        {({ sessions }) => (
          <Table
            columns={columns}
            rows={sessions}
            id={({ id }) => id}
            label="Sessions"
            empty={<Empty icon={MonitorSmartphone} title="Nobody is logged in by a session" />}
          />
        )}
      </Loaded>
      <Dialog
        open={ending !== null}
        onClose={() => setEnding(null)}
        title={ending?.current ? "Log out here?" : "End this session?"}
        footer={
          <>
            <Button onClick={() => setEnding(null)}>Cancel</Button>
            <Button
              variant="danger"
              busy={end.isPending}
              onClick={() =>
                ending &&
                end.mutate(ending, {
                  onSuccess: () => toast("The session has ended"),
                  onError: toast.error,
                  onSettled: () => setEnding(null),
                })
              }
            >
              End it
            </Button>
          </>
        }
      >
        <p>
          <Foreign text={ending?.user ?? ""} className="font-medium" /> from{" "}
          <Foreign text={ending?.source ?? ""} className="font-mono text-[13px]" /> is logged out with the next request.
        </p>
      </Dialog>
    </Card>
  );
}

const columnsOf = (everybodys: boolean, onEnd: (session: Session) => void): Columns<Session> => [
  ...(everybodys
    ? [
        {
          id: "user",
          header: "Who",
          cell: ({ row }: { row: { original: Session } }) => (
            <span className="flex flex-wrap items-center gap-2">
              <Foreign text={row.original.user} className="font-medium" />
              {row.original.current && <Badge tone="ok">this one</Badge>}
            </span>
          ),
        },
      ]
    : []),
  {
    id: "source",
    header: "From",
    cell: ({ row }) => (
      <span className="flex flex-wrap items-center gap-2">
        <Foreign text={row.original.source} className="font-mono text-xs" />
        {!everybodys && row.original.current && <Badge tone="ok">this one</Badge>}
      </span>
    ),
  },
  { id: "opened", header: "Since", meta: { hide: "phone" }, cell: ({ row }) => <Ago when={row.original.opened} /> },
  { id: "used", header: "Last used", cell: ({ row }) => <Ago when={row.original.last_used} /> },
  {
    id: "end",
    header: () => <span className="sr-only">End</span>,
    meta: { right: true },
    cell: ({ row }) => (
      <Button size="sm" icon={LogOut} onClick={() => onEnd(row.original)}>
        End
      </Button>
    ),
  },
];
