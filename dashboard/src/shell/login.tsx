// Before the console: log in, and choose a password of one's own after a one-time one.
import { useQueryClient } from "@tanstack/react-query";
import { type FormEvent, type ReactNode, useState } from "react";
import { ApiError, call, wordsOf } from "@/api/client";
import { keyOf } from "@/api/queries";
import type { Me } from "@/api/types";
import { useTitle } from "@/lib/hooks";
import { Button, Field, Input } from "@/ui";
import { Logo } from "./logo";
import { askAgain, useLogout } from "./session";

const LEAST = 12;

function Gate({ title, hint, children }: { title: string; hint: ReactNode; children: ReactNode }) {
  useTitle(title);
  return (
    <main className="flex min-h-dvh items-center justify-center p-4">
      <div className="w-full max-w-sm">
        <div className="mb-6 flex items-center gap-3">
          <Logo className="size-9" />
          <span className="text-lg font-semibold tracking-tight">Portcullis</span>
        </div>
        <div className="card p-6">
          <h1 className="text-base font-semibold">{title}</h1>
          <p className="mt-1 mb-5 text-muted">{hint}</p>
          {children}
        </div>
      </div>
    </main>
  );
}

export function Login() {
  const client = useQueryClient();
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setError(null);
    try {
      const me = await call("post", "/api/v1/login", { body: { name, password } });
      client.setQueryData(keyOf("/api/v1/session"), me);
    } catch (failure) {
      setError(
        failure instanceof ApiError && failure.status === 401
          ? "Name and password do not go together."
          : wordsOf(failure),
      );
    } finally {
      setBusy(false);
    }
  };
  return (
    <Gate title="Log in" hint="At the first start the gateway printed a one-time password for admin.">
      <form onSubmit={(event) => void submit(event)} className="flex flex-col gap-4">
        <Field label="Name">
          <Input
            name="name"
            autoComplete="username"
            autoCapitalize="none"
            required
            autoFocus
            value={name}
            onChange={(event) => setName(event.target.value)}
          />
        </Field>
        <Field label="Password" error={error}>
          <Input
            name="password"
            type="password"
            autoComplete="current-password"
            required
            value={password}
            onChange={(event) => setPassword(event.target.value)}
          />
        </Field>
        <Button type="submit" variant="primary" busy={busy}>
          Log in
        </Button>
      </form>
    </Gate>
  );
}

export function ChoosePassword({ me }: { me: Me }) {
  const [current, setCurrent] = useState("");
  const [next, setNext] = useState("");
  const [again, setAgain] = useState("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const logout = useLogout();
  const short = next.length > 0 && next.length < LEAST;
  const differs = again.length > 0 && again !== next;
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (next.length < LEAST || again !== next) return;
    setBusy(true);
    setError(null);
    try {
      await call("post", "/api/v1/password", { body: { current, new: next } });
      await askAgain();
    } catch (failure) {
      setError(wordsOf(failure));
    } finally {
      setBusy(false);
    }
  };
  return (
    <Gate title="Choose a password" hint={`You are logged in as ${me.name} with a one-time password. Choose your own.`}>
      <form onSubmit={(event) => void submit(event)} className="flex flex-col gap-4">
        <input type="hidden" name="username" autoComplete="username" value={me.name} readOnly />
        <Field label="One-time password" error={error}>
          <Input
            name="current"
            type="password"
            autoComplete="current-password"
            required
            autoFocus
            value={current}
            onChange={(event) => setCurrent(event.target.value)}
          />
        </Field>
        <Field
          label="New password"
          hint={`${LEAST} characters or more. Nothing else is asked of it.`}
          error={short ? `${LEAST - next.length} more characters` : null}
        >
          <Input
            name="new"
            type="password"
            autoComplete="new-password"
            required
            value={next}
            onChange={(event) => setNext(event.target.value)}
          />
        </Field>
        <Field label="New password again" error={differs ? "This is another one." : null}>
          <Input
            name="again"
            type="password"
            autoComplete="new-password"
            required
            value={again}
            onChange={(event) => setAgain(event.target.value)}
          />
        </Field>
        <Button type="submit" variant="primary" busy={busy} disabled={next.length < LEAST || again !== next}>
          Save and go on
        </Button>
        <Button variant="ghost" onClick={() => void logout()}>
          Log out
        </Button>
      </form>
    </Gate>
  );
}
