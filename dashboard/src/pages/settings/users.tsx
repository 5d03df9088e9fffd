// Who may use this console, for admins: add, change the role, reset the password, shut out, remove.
import { Ellipsis, KeyRound, LogIn, ShieldBan, Trash2, UserPlus, UserRoundCog } from "lucide-react";
import { type FormEvent, useId, useMemo, useState } from "react";
import { wordsOf } from "@/api/client";
import { useApi, useSend } from "@/api/queries";
import type { Account, Role, Schemas } from "@/api/types";
import { useMe } from "@/shell/session";
import {
  Ago,
  Badge,
  Button,
  Card,
  type Columns,
  Dialog,
  Field,
  Foreign,
  IconButton,
  Input,
  Loaded,
  Menu,
  type MenuItem,
  Select,
  Table,
  toast,
} from "@/ui";
import { useSettings } from "./policies";
import { type Secret, SecretDialog } from "./secret";

export const ROLES: readonly { value: Role; label: string; may: string }[] = [
  { value: "viewer", label: "Viewer", may: "looks" },
  { value: "analyst", label: "Analyst", may: "also acknowledges alerts, bans, and tries requests" },
  { value: "admin", label: "Admin", may: "also changes users, settings, models and exceptions" },
];
export const roleWord = (role: string) => ROLES.find(({ value }) => value === role)?.label ?? role;
type UserChange = Schemas["UserChange"];
/** What is absent stays; the API refuses null, which its description allows. */
const only = (part: Partial<UserChange>) => part as UserChange;
const OLD = ["/api/v1/users", "/api/v1/tokens"];

type Tenants = Record<string, { hosts?: string[]; routes?: string[] }>;
function useTenants(): Tenants {
  const settings = useSettings();
  return ((settings.data?.settings as { tenants?: Tenants } | undefined)?.tenants ?? {}) as Tenants;
}

export function Users() {
  const query = useApi("/api/v1/users");
  const me = useMe();
  const tenants = useTenants();
  const [adding, setAdding] = useState(false);
  const [changing, setChanging] = useState<Account | null>(null);
  const [removing, setRemoving] = useState<Account | null>(null);
  const [resetting, setResetting] = useState<Account | null>(null);
  const [secret, setSecret] = useState<Secret | null>(null);
  const change = useSend("patch", "/api/v1/users/{name}", OLD);
  const remove = useSend("delete", "/api/v1/users/{name}", OLD);

  const shut = change.mutate;
  const columns = useMemo<Columns<Account>>(() => {
    const disable = (user: Account) =>
      shut(
        { path: { name: user.name }, body: only({ disabled: !user.disabled }) },
        {
          onSuccess: () => toast(user.disabled ? `${user.name} may log in again` : `${user.name} is shut out`),
          onError: toast.error,
        },
      );
    const actions = (user: Account): MenuItem[] => [
      { label: "Change role or tenant", icon: UserRoundCog, onSelect: () => setChanging(user) },
      ...(user.single_sign_on ? [] : [{ label: "Reset password", icon: KeyRound, onSelect: () => setResetting(user) }]),
      {
        label: user.disabled ? "Let in again" : "Shut out",
        icon: user.disabled ? LogIn : ShieldBan,
        onSelect: () => disable(user),
      },
      { label: "Remove", icon: Trash2, onSelect: () => setRemoving(user) },
    ];
    return [
      {
        id: "name",
        header: "Name",
        cell: ({ row: { original: user } }) => (
          <span className="flex flex-wrap items-center gap-2">
            <Foreign text={user.name} className="font-medium break-all" />
            {user.name === me.name && <Badge tone="accent">you</Badge>}
            {user.single_sign_on && <Badge>single sign-on</Badge>}
          </span>
        ),
      },
      { id: "role", header: "Role", cell: ({ row }) => roleWord(row.original.role) },
      {
        id: "tenant",
        header: "Sees",
        meta: { hide: "phone" },
        cell: ({ row: { original: user } }) => (user.tenant ? <Foreign text={user.tenant} /> : "everything"),
      },
      {
        id: "state",
        header: "State",
        meta: { hide: "phone" },
        cell: ({ row: { original: user } }) =>
          user.disabled ? (
            <Badge tone="bad" icon={ShieldBan}>
              shut out
            </Badge>
          ) : user.must_change_password ? (
            <Badge tone="warn">has a one-time password</Badge>
          ) : (
            <Badge tone="ok">active</Badge>
          ),
      },
      {
        id: "last",
        header: "Last log-in",
        meta: { hide: "narrow" },
        cell: ({ row: { original: user } }) => (user.last_login ? <Ago when={user.last_login} /> : "never"),
      },
      {
        id: "actions",
        header: () => <span className="sr-only">Actions</span>,
        meta: { right: true },
        cell: ({ row: { original: user } }) => (
          <Menu
            trigger={<IconButton icon={Ellipsis} label={`What to do with ${user.name}`} size="sm" />}
            items={actions(user)}
          />
        ),
      },
    ];
  }, [me.name, shut]);

  const issued = (title: string) => (answer: Schemas["Issued"]) => {
    if (!answer.one_time_password) return;
    setSecret({
      title,
      words: `Give it to ${answer.user.name}. At their next log-in they choose their own.`,
      text: answer.one_time_password,
    });
  };
  const reset = (user: Account) => {
    setResetting(null);
    change.mutate(
      { path: { name: user.name }, body: only({ reset_password: true }) },
      { onSuccess: issued("One-time password"), onError: toast.error },
    );
  };
  const removed = (user: Account) =>
    remove.mutate(
      { path: { name: user.name } },
      {
        onSuccess: () => toast(`${user.name} is gone`),
        onError: toast.error,
        onSettled: () => setRemoving(null),
      },
    );
  return (
    <div className="flex flex-col gap-4">
      <Card
        flush
        title="Users"
        hint="Viewers look. Analysts also act on what happens. Admins also change users and settings."
        actions={
          <Button size="sm" variant="primary" icon={UserPlus} onClick={() => setAdding(true)}>
            Add a user
          </Button>
        }
      >
        <Loaded query={query}>
          {({ users }) => <Table columns={columns} rows={users} id={({ name }) => name} label="All users" />}
        </Loaded>
      </Card>
      <TenantList tenants={tenants} />
      {adding && (
        <AddUser
          tenants={Object.keys(tenants)}
          onClose={() => setAdding(false)}
          onDone={(answer) => {
            setAdding(false);
            issued(`${answer.user.name} was added`)(answer);
          }}
        />
      )}
      {changing && <ChangeUser user={changing} tenants={Object.keys(tenants)} onClose={() => setChanging(null)} />}
      <Confirm
        user={resetting}
        title="Reset the password of"
        words="Their sessions end and their tokens rest until they have chosen a new password."
        verb="Reset password"
        onClose={() => setResetting(null)}
        onYes={reset}
      />
      <Confirm
        user={removing}
        title="Remove"
        words="Their sessions and tokens go with them. What they did stays in the audit trail."
        verb="Remove"
        busy={remove.isPending}
        onClose={() => setRemoving(null)}
        onYes={removed}
      />
      <SecretDialog secret={secret} onClose={() => setSecret(null)} />
    </div>
  );
}

function Confirm({
  user,
  title,
  words,
  verb,
  busy = false,
  onClose,
  onYes,
}: {
  user: Account | null;
  title: string;
  words: string;
  verb: string;
  busy?: boolean;
  onClose: () => void;
  onYes: (user: Account) => void;
}) {
  return (
    <Dialog
      open={user !== null}
      onClose={onClose}
      title={`${title} ${user?.name ?? ""}?`}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button variant="danger" busy={busy} onClick={() => user && onYes(user)}>
            {verb}
          </Button>
        </>
      }
    >
      <p>{words}</p>
    </Dialog>
  );
}

function RoleField({ role, tenant, onRole }: { role: Role; tenant: string; onRole: (role: Role) => void }) {
  // Who belongs to a tenant is an analyst at most: what an admin changes holds for everybody.
  const open = tenant ? ROLES.filter(({ value }) => value !== "admin") : ROLES;
  const chosen = ROLES.find(({ value }) => value === role);
  return (
    <Field label="Role" hint={chosen && `A ${chosen.label.toLowerCase()} ${chosen.may}.`}>
      <Select
        value={role}
        onValue={(value) => onRole(value as Role)}
        options={open.map(({ value, label }) => ({ value, label }))}
      />
    </Field>
  );
}

function TenantField({
  tenants,
  tenant,
  onTenant,
}: {
  tenants: readonly string[];
  tenant: string;
  onTenant: (tenant: string) => void;
}) {
  if (tenants.length === 0 && !tenant) return null;
  const known = tenant && !tenants.includes(tenant) ? [...tenants, tenant] : tenants;
  return (
    <Field label="Tenant" hint="Sees only the traffic of this tenant's hosts and routes.">
      <Select value={tenant} onValue={onTenant} placeholder="None: sees everything" options={known} />
    </Field>
  );
}

function AddUser({
  tenants,
  onClose,
  onDone,
}: {
  tenants: readonly string[];
  onClose: () => void;
  onDone: (answer: Schemas["Issued"]) => void;
}) {
  const [name, setName] = useState("");
  const [role, setRole] = useState<Role>("viewer");
  const [tenant, setTenant] = useState("");
  const add = useSend("post", "/api/v1/users", OLD);
  const form = useId();
  const submit = (event: FormEvent) => {
    event.preventDefault();
    add.mutate({ body: { name, role, ...(tenant ? { tenant } : {}) } }, { onSuccess: onDone });
  };
  return (
    <Dialog
      open
      onClose={onClose}
      title="Add a user"
      description="They get a one-time password, which is shown to you next."
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" form={form} variant="primary" busy={add.isPending}>
            Add
          </Button>
        </>
      }
    >
      <form id={form} onSubmit={submit} className="flex flex-col gap-4">
        <Field
          label="Name"
          hint="What they log in with: letters, digits and . _ @ -"
          error={add.error ? wordsOf(add.error) : null}
        >
          <Input
            required
            autoFocus
            maxLength={64}
            pattern="[A-Za-z0-9][A-Za-z0-9._@\-]*"
            autoCapitalize="none"
            value={name}
            onChange={(event) => setName(event.target.value)}
          />
        </Field>
        <RoleField role={role} tenant={tenant} onRole={setRole} />
        <TenantField
          tenants={tenants}
          tenant={tenant}
          onTenant={(value) => {
            setTenant(value);
            if (value && role === "admin") setRole("analyst");
          }}
        />
      </form>
    </Dialog>
  );
}

function ChangeUser({ user, tenants, onClose }: { user: Account; tenants: readonly string[]; onClose: () => void }) {
  const [role, setRole] = useState<Role>(user.role);
  const [tenant, setTenant] = useState(user.tenant ?? "");
  const change = useSend("patch", "/api/v1/users/{name}", OLD);
  const form = useId();
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const body = only({
      ...(role === user.role ? {} : { role }),
      ...(tenant === (user.tenant ?? "") ? {} : { tenant }),
    });
    change.mutate(
      { path: { name: user.name }, body },
      {
        onSuccess: () => {
          toast(`${user.name} is ${roleWord(role).toLowerCase()} from their next request on`);
          onClose();
        },
      },
    );
  };
  const same = role === user.role && tenant === (user.tenant ?? "");
  return (
    <Dialog
      open
      onClose={onClose}
      title={`Change ${user.name}`}
      description="It holds from their next request on."
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" form={form} variant="primary" busy={change.isPending} disabled={same}>
            Save
          </Button>
        </>
      }
    >
      <form id={form} onSubmit={submit} className="flex flex-col gap-4">
        <RoleField role={role} tenant={tenant} onRole={setRole} />
        <TenantField
          tenants={tenants}
          tenant={tenant}
          onTenant={(value) => {
            setTenant(value);
            if (value && role === "admin") setRole("analyst");
          }}
        />
        {change.error && (
          <p role="alert" className="text-sm text-bad">
            {wordsOf(change.error)}
          </p>
        )}
      </form>
    </Dialog>
  );
}

function TenantList({ tenants }: { tenants: Tenants }) {
  const names = Object.entries(tenants);
  if (names.length === 0) return null;
  return (
    <Card title="Tenants" hint="From the configuration file. A user of a tenant sees only its hosts and routes.">
      <dl className="flex flex-col gap-3">
        {names.map(([name, { hosts = [], routes = [] }]) => (
          <div key={name}>
            <dt className="font-medium">
              <Foreign text={name} />
            </dt>
            <dd className="text-sm text-muted">
              {hosts.length > 0 && `Hosts ${hosts.join(", ")}. `}
              {routes.length > 0 && `Routes ${routes.join(", ")}.`}
              {hosts.length + routes.length === 0 && "Owns nothing."}
            </dd>
          </div>
        ))}
      </dl>
    </Card>
  );
}
