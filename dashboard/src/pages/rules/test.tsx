// A request by hand: described, judged as the gateway would now, forwarded to nobody.
import { FlaskConical, Play } from "lucide-react";
import { type FormEvent, useEffect, useRef, useState } from "react";
import { useApi, useSend } from "@/api/queries";
import type { Analysis, LogDetail, Trial } from "@/api/types";
import { decimal, micros } from "@/lib/format";
import { levelLook } from "@/lib/levels";
import { useUrlValue } from "@/lib/url";
import { useMay } from "@/shell/session";
import {
  ActionBadge,
  Button,
  Card,
  Empty,
  ErrorState,
  Field,
  Foreign,
  Input,
  LevelBadge,
  Select,
  Skeleton,
  Textarea,
} from "@/ui";
import { headersOf, type Side } from "../logs/curl";
import { draftOf } from "../logs/drawer";
import { VerdictView } from "../logs/verdict";
import { ExceptionDialog, type ExceptionDraft } from "./exception";
import { headersFrom, trialSentence } from "./words";

interface Form {
  method: string;
  target: string;
  host: string;
  headers: string;
  body: string;
  client: string;
  policy: string;
}

const EMPTY: Form = { method: "GET", target: "/", host: "", headers: "", body: "", client: "", policy: "" };
const BROWSER = "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\nAccept: text/html";

/** Something to begin with: three attacks, and one that only looks like an attack. */
const EXAMPLES: readonly { name: string; form: Partial<Form> }[] = [
  { name: "SQL injection", form: { target: "/products?id=1%27%20UNION%20SELECT%20name,password%20FROM%20users--" } },
  { name: "Path traversal", form: { target: "/files?name=../../../../etc/passwd" } },
  {
    name: "Script in JSON",
    form: {
      method: "POST",
      target: "/comments",
      headers: `${BROWSER}\nContent-Type: application/json`,
      body: '{"comment": "<img src=x onerror=alert(document.cookie)>"}',
    },
  },
  {
    name: "Harmless comment",
    form: {
      method: "POST",
      target: "/comments",
      headers: `${BROWSER}\nContent-Type: application/json`,
      body: '{"comment": "Please select a union representative from the list."}',
    },
  },
];

const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];

export function TestByHand() {
  const [form, setForm] = useState<Form>({ ...EMPTY, headers: BROWSER });
  const [from, setFrom] = useUrlValue("from");
  const [wrong, setWrong] = useState<string | null>(null);
  const answer = useRef<HTMLDivElement>(null);
  const may = useMay("analyst");
  const config = useApi("/api/v1/config", {}, { staleTime: 60_000 });
  const policies = config.data?.policies ?? [];
  const trial = useSend("post", "/api/v1/analyze");
  const old = useApi("/api/v1/logs/{id}", { path: { id: from } }, { enabled: from !== "", staleTime: 60_000 });
  useEffect(() => {
    if (!old.data) return;
    setForm(formOf(old.data));
    setFrom(undefined);
  }, [old.data, setFrom]);
  const set = (part: Partial<Form>) => setForm((before) => ({ ...before, ...part }));
  const submit = (event?: FormEvent) => {
    event?.preventDefault();
    const { headers, wrong: line } = headersFrom(form.headers);
    setWrong(line ? `“${line}” has no colon: write Name: value.` : null);
    if (line !== undefined || !form.target.trim()) return;
    trial.mutate(
      { body: trialOf(form, headers) },
      { onSettled: () => answer.current?.scrollIntoView?.({ block: "nearest" }) },
    );
  };
  const thresholds = policies.find(({ name }) => name === trial.data?.policy)?.thresholds;
  const methods = METHODS.includes(form.method) ? METHODS : [...METHODS, form.method];
  return (
    <div className="grid items-start gap-4 lg:grid-cols-2">
      <Card
        title="A request"
        hint="It is judged as the gateway would judge it now. Nothing is forwarded, recorded or held against anybody."
      >
        <form
          className="flex flex-col gap-4"
          onSubmit={submit}
          onKeyDown={(event) => {
            if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) submit();
          }}
        >
          <div className="flex flex-wrap items-center gap-1.5 text-xs text-muted">
            Try
            {EXAMPLES.map(({ name, form: example }) => (
              <Button key={name} size="sm" onClick={() => setForm({ ...EMPTY, headers: BROWSER, ...example })}>
                {name}
              </Button>
            ))}
          </div>
          <div className="flex gap-2">
            <Field label="Method" className="w-28 shrink-0">
              <Select value={form.method} onValue={(method) => set({ method })} options={methods} />
            </Field>
            <Field label="Path and query" className="flex-1">
              <Input
                className="font-mono"
                value={form.target}
                placeholder="/search?q=words"
                onChange={(event) => set({ target: event.target.value })}
              />
            </Field>
          </div>
          <Field label="Headers" hint="One a line, as Name: value." error={wrong}>
            <Textarea
              rows={4}
              className="font-mono text-xs"
              value={form.headers}
              onChange={(event) => set({ headers: event.target.value })}
            />
          </Field>
          <Field label="Body">
            <Textarea
              rows={5}
              className="font-mono text-xs"
              value={form.body}
              placeholder="Empty"
              onChange={(event) => set({ body: event.target.value })}
            />
          </Field>
          <div className="grid gap-3 sm:grid-cols-3">
            <Field label="Host" hint="Decides the route.">
              <Input
                value={form.host}
                placeholder="localhost"
                onChange={(event) => set({ host: event.target.value })}
              />
            </Field>
            <Field label="Client address">
              <Input
                value={form.client}
                placeholder="192.0.2.1"
                onChange={(event) => set({ client: event.target.value })}
              />
            </Field>
            <Field label="Policy">
              <Select
                value={form.policy}
                placeholder="that of the route"
                options={policies.map(({ name }) => name)}
                onValue={(policy) => set({ policy })}
              />
            </Field>
          </div>
          <div className="flex items-center gap-3">
            <Button
              type="submit"
              variant="primary"
              icon={Play}
              busy={trial.isPending}
              disabled={!may || !form.target.trim()}
            >
              Judge it
            </Button>
            <span className="text-xs text-muted">
              {may ? (
                <span className="max-sm:hidden">
                  or <kbd>Ctrl</kbd> <kbd>Enter</kbd>
                </span>
              ) : (
                "Your role may look, but not try requests."
              )}
            </span>
          </div>
        </form>
      </Card>
      <div ref={answer} aria-live="polite" className="min-w-0 scroll-mt-16">
        {trial.data ? (
          <Result analysis={trial.data} thresholds={thresholds} path={form.target.split("?")[0] ?? ""} />
        ) : trial.error ? (
          <Card>
            <ErrorState title="This request cannot be judged" error={trial.error} />
          </Card>
        ) : trial.isPending ? (
          <Card>
            <Skeleton className="h-40 w-full" />
          </Card>
        ) : (
          <Card>
            <Empty icon={FlaskConical} title="The verdict appears here">
              With the rules that match, the bytes that they matched, and how the score comes about.
            </Empty>
          </Card>
        )}
      </div>
    </div>
  );
}

type Thresholds = { tag: number; throttle: number; deny: number };

function Result({
  analysis,
  thresholds,
  path,
}: {
  analysis: Analysis;
  thresholds: Thresholds | undefined;
  path: string;
}) {
  const { verdict, enforced, mode } = analysis;
  const [draft, setDraft] = useState<ExceptionDraft | null>(null);
  const mayExcept = useMay("admin");
  const strong = verdict.action !== "allow";
  const look = levelLook(verdict.level);
  const took = Object.values(verdict.stages_us ?? {}).reduce((sum, value) => sum + value, 0);
  return (
    <Card title="The verdict" actions={<span className="text-xs text-muted">judged in {micros(took)}</span>}>
      <div className="flex flex-col gap-6">
        <div className={`flex flex-col gap-2 rounded-lg p-4 ${strong && look ? look.soft : "bg-sunken"}`}>
          <div className="flex flex-wrap items-center gap-2">
            <ActionBadge
              action={enforced}
              {...(mode === "observe" && strong && verdict.action ? { would: verdict.action } : {})}
            />
            <LevelBadge level={verdict.level} />
            <span className="text-xs font-medium text-text">score {decimal(verdict.score)} of 100</span>
          </div>
          <p className="text-[15px] font-medium text-text">
            <Foreign text={trialSentence(analysis)} />
          </p>
        </div>
        <VerdictView
          verdict={verdict}
          thresholds={thresholds}
          links
          onExcept={mayExcept ? (finding) => setDraft(draftOf({ policy: analysis.policy, path }, finding)) : undefined}
        />
      </div>
      <ExceptionDialog draft={draft} onClose={() => setDraft(null)} />
    </Card>
  );
}

function trialOf(form: Form, headers: NonNullable<Trial["headers"]>): Trial {
  const { method, target, host, body, client, policy } = form;
  const told = { method, target: target.trim(), headers, host: host.trim(), client: client.trim(), policy };
  const given = Object.entries(told).filter(([, value]) => value.length > 0);
  return { ...Object.fromEntries(given), ...(body ? { body: { text: body } } : {}) } as Trial;
}

/** The form of a request that was recorded, as far as it was kept. */
export function formOf({ entry, record }: LogDetail): Form {
  const side = (record.capture as { request?: Side } | undefined)?.request;
  const kept = headersOf(side).filter(([name]) => name !== "host" && name !== "content-length");
  return {
    ...EMPTY,
    method: entry.method || "GET",
    target: entry.query ? `${entry.path}?${entry.query}` : entry.path || "/",
    host: entry.host,
    client: entry.client,
    headers: kept.length > 0 ? kept.map(([name, value]) => `${name}: ${value}`).join("\n") : BROWSER,
    body: side?.body ?? "",
  };
}
