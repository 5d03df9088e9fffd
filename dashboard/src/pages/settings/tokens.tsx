// API tokens: for programs, made by their owner, shown once, and removed here.
import { KeyRound, Plus, Trash2 } from "lucide-react";
import { type FormEvent, useId, useMemo, useState } from "react";
import { wordsOf } from "@/api/client";
import { useApi, useSend } from "@/api/queries";
import type { Role, TokenView } from "@/api/types";
import { useMay, useMe } from "@/shell/session";
import {
  Ago,
  Badge,
  Button,
  Card,
  type Columns,
  Dialog,
  Empty,
  Field,
  Foreign,
  IconButton,
  Input,
  Loaded,
  Select,
  Table,
  toast,
} from "@/ui";
import { familiesOf, tokenState } from "./families";
import { type Secret, SecretDialog } from "./secret";
import { ROLES, roleWord } from "./users";

const OLD = ["/api/v1/tokens"];

export function Tokens() {
  const query = useApi("/api/v1/tokens");
  const everybodys = useMay("admin");
  const [making, setMaking] = useState(false);
  const [removing, setRemoving] = useState<TokenView | null>(null);
  const [secret, setSecret] = useState<Secret | null>(null);
  const remove = useSend("delete", "/api/v1/tokens/{id}", OLD);
  const columns = useMemo<Columns<TokenView>>(
    () => [
      {
        id: "name",
        header: "Name",
        cell: ({ row: { original: token } }) => (
          <span className="flex flex-col">
            <Foreign text={token.name} className="font-medium break-all" />
            {everybodys && (
              <span className="text-xs text-muted">
                of <Foreign text={token.user} />
              </span>
            )}
          </span>
        ),
      },
      { id: "role", header: "May", cell: ({ row }) => roleWord(row.original.role) },
      {
        id: "families",
        header: "For",
        meta: { hide: "phone" },
        cell: ({ row: { original: token } }) =>
          token.families.length === 0 ? (
            "the whole API"
          ) : (
            <span className="flex flex-wrap gap-1">
              {token.families.map((family) => (
                <Badge key={family}>{family}</Badge>
              ))}
            </span>
          ),
      },
      {
        id: "used",
        header: "Last used",
        meta: { hide: "narrow" },
        cell: ({ row: { original: token } }) => (token.last_used ? <Ago when={token.last_used} /> : "never"),
      },
      {
        id: "expires",
        header: "Ends",
        meta: { hide: "phone" },
        cell: ({ row: { original: token } }) => {
          const state = tokenState(token.expires, Date.now());
          if (state === "ended") return <Badge tone="bad">has ended</Badge>;
          if (state === "soon") {
            return (
              <Badge tone="warn">
                <Ago when={token.expires} />
              </Badge>
            );
          }
          return token.expires ? <Ago when={token.expires} /> : "with its owner";
        },
      },
      {
        id: "actions",
        header: () => <span className="sr-only">Actions</span>,
        meta: { right: true },
        cell: ({ row: { original: token } }) => (
          <IconButton icon={Trash2} size="sm" label={`Revoke ${token.name}`} onClick={() => setRemoving(token)} />
        ),
      },
    ],
    [everybodys],
  );
  return (
    <>
      <Card
        flush
        title="API tokens"
        hint="For programs. A token never may more than its owner, and ends with them."
        actions={
          <Button size="sm" variant="primary" icon={Plus} onClick={() => setMaking(true)}>
            Make a token
          </Button>
        }
      >
        <Loaded query={query}>
          {({ tokens }) => (
            <Table
              columns={columns}
              rows={tokens}
              id={({ id }) => id}
              label="Tokens"
              empty={
                <Empty icon={KeyRound} title="There is no token">
                  A token lets a script ask this gateway:{" "}
                  <code className="font-mono text-xs">Authorization: Bearer ptc_…</code>
                </Empty>
              }
            />
          )}
        </Loaded>
      </Card>
      {making && (
        <MakeToken
          onClose={() => setMaking(false)}
          onDone={(name, token) => {
            setMaking(false);
            setSecret({ title: `The token ${name}`, words: "Send it as Authorization: Bearer …", text: token });
          }}
        />
      )}
      <Dialog
        open={removing !== null}
        onClose={() => setRemoving(null)}
        title={`Revoke ${removing?.name ?? ""}?`}
        footer={
          <>
            <Button onClick={() => setRemoving(null)}>Cancel</Button>
            <Button
              variant="danger"
              busy={remove.isPending}
              onClick={() =>
                removing &&
                remove.mutate(
                  { path: { id: removing.id } },
                  {
                    onSuccess: () => toast(`${removing.name} is revoked`),
                    onError: toast.error,
                    onSettled: () => setRemoving(null),
                  },
                )
              }
            >
              Revoke
            </Button>
          </>
        }
      >
        <p>Programs that use it are refused from now on. It cannot be brought back.</p>
      </Dialog>
      <SecretDialog secret={secret} onClose={() => setSecret(null)} />
    </>
  );
}

const DAYS = [
  { value: "7", label: "a week" },
  { value: "30", label: "30 days" },
  { value: "90", label: "90 days" },
  { value: "365", label: "a year" },
  { value: "3650", label: "ten years" },
];

function MakeToken({ onClose, onDone }: { onClose: () => void; onDone: (name: string, token: string) => void }) {
  const me = useMe();
  const document = useApi("/api/v1/openapi.json", {}, { staleTime: Number.POSITIVE_INFINITY });
  const families = useMemo(() => familiesOf(document.data), [document.data]);
  const [name, setName] = useState("");
  const [role, setRole] = useState<Role>("viewer");
  const [days, setDays] = useState("90");
  const [chosen, setChosen] = useState<readonly string[]>([]);
  const make = useSend("post", "/api/v1/tokens", OLD);
  const form = useId();
  const open = ROLES.slice(0, ROLES.findIndex(({ value }) => value === me.role) + 1);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    make.mutate(
      { body: { name, role, days: Number(days), families: [...chosen] } },
      { onSuccess: (made) => onDone(made.name, made.token) },
    );
  };
  return (
    <Dialog
      open
      onClose={onClose}
      title="Make a token"
      description="It is shown next, this once."
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" form={form} variant="primary" busy={make.isPending}>
            Make
          </Button>
        </>
      }
    >
      <form id={form} onSubmit={submit} className="flex flex-col gap-4">
        <Field
          label="Name"
          hint="What will use it, so that you know it again: “grafana”, “nightly export”."
          error={make.error ? wordsOf(make.error) : null}
        >
          <Input required autoFocus maxLength={64} value={name} onChange={(event) => setName(event.target.value)} />
        </Field>
        <div className="grid gap-4 sm:grid-cols-2">
          <Field label="Role" hint={`It ${ROLES.find(({ value }) => value === role)?.may ?? "looks"}.`}>
            <Select
              value={role}
              onValue={(value) => setRole(value as Role)}
              options={open.map(({ value, label }) => ({ value, label }))}
            />
          </Field>
          <Field label="Ends after">
            <Select value={days} onValue={setDays} options={DAYS} />
          </Field>
        </div>
        <fieldset>
          <legend className="text-xs font-medium text-muted">For these parts of the API only</legend>
          <p className="mb-2 text-xs text-muted">None chosen: all that its role may.</p>
          <div className="grid grid-cols-2 gap-x-4 gap-y-1.5 sm:grid-cols-3">
            {families.map((family) => (
              <label key={family} className="flex items-center gap-2">
                <input
                  type="checkbox"
                  className="size-4 accent-accent"
                  checked={chosen.includes(family)}
                  onChange={(event) =>
                    setChosen(event.target.checked ? [...chosen, family] : chosen.filter((other) => other !== family))
                  }
                />
                <span className="font-mono text-xs">{family}</span>
              </label>
            ))}
          </div>
        </fieldset>
      </form>
    </Dialog>
  );
}
