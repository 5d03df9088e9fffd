// Who one is here, one's own password, and the end of one's sessions.
import { LogOut } from "lucide-react";
import { type FormEvent, useState } from "react";
import { wordsOf } from "@/api/client";
import { useSend } from "@/api/queries";
import { useLogout, useMe } from "@/shell/session";
import { Button, Card, Field, Input, KeyValue, toast } from "@/ui";
import { ROLES, roleWord } from "./users";

const LEAST = 12;

export function Account() {
  const me = useMe();
  const logout = useLogout();
  const single = me.name.startsWith("sso:");
  const may = ROLES.find(({ value }) => value === me.role)?.may;
  return (
    <div className="grid items-start gap-4 lg:grid-cols-2">
      <Card title="You">
        <KeyValue
          items={[
            ["Name", me.name],
            ["Role", `${roleWord(me.role)}: ${may ?? ""}`],
            ["Sees", me.tenant ? `only the tenant ${me.tenant}` : "everything"],
            ["Logged in by", single ? "single sign-on" : "name and password"],
          ]}
        />
        <div className="mt-4 flex flex-col items-start gap-2 border-t border-line pt-4">
          <p className="text-sm text-muted">
            A session ends by itself some time after its last request. With a new password all your other sessions end
            at once.
          </p>
          <Button icon={LogOut} onClick={() => void logout()}>
            Log out here
          </Button>
        </div>
      </Card>
      {single ? (
        <Card title="Password">
          <p className="text-sm text-muted">You come by single sign-on and have no password here.</p>
        </Card>
      ) : (
        <Password name={me.name} />
      )}
    </div>
  );
}

function Password({ name }: { name: string }) {
  const [current, setCurrent] = useState("");
  const [next, setNext] = useState("");
  const [again, setAgain] = useState("");
  const change = useSend("post", "/api/v1/password");
  const missing = LEAST - [...next].length;
  const ready = missing <= 0 && next === again && current !== "";
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!ready) return;
    change.mutate(
      { body: { current, new: next } },
      {
        onSuccess: () => {
          setCurrent("");
          setNext("");
          setAgain("");
          toast("The new password holds; your other sessions have ended");
        },
      },
    );
  };
  return (
    <Card title="Password" hint={`${LEAST} characters or more. Nothing else is asked of it.`}>
      <form onSubmit={submit} className="flex max-w-sm flex-col gap-4">
        <input type="hidden" name="username" autoComplete="username" value={name} readOnly />
        <Field label="Current password" error={change.error ? wordsOf(change.error) : null}>
          <Input
            type="password"
            autoComplete="current-password"
            value={current}
            onChange={(event) => setCurrent(event.target.value)}
          />
        </Field>
        <Field label="New password" error={next && missing > 0 ? `${missing} more characters` : null}>
          <Input
            type="password"
            autoComplete="new-password"
            value={next}
            onChange={(event) => setNext(event.target.value)}
          />
        </Field>
        <Field label="New password again" error={again && again !== next ? "This is another one." : null}>
          <Input
            type="password"
            autoComplete="new-password"
            value={again}
            onChange={(event) => setAgain(event.target.value)}
          />
        </Field>
        <Button type="submit" variant="primary" className="self-start" busy={change.isPending} disabled={!ready}>
          Change password
        </Button>
      </form>
    </Card>
  );
}
