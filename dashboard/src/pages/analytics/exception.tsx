// Makes an exception out of a stop that was wrong: which rule, how widely, and why.
import { type FormEvent, useId, useState } from "react";
import { ApiError } from "@/api/client";
import { useApi, useSend } from "@/api/queries";
import type { Evidence } from "@/api/types";
import { Button, Dialog, Field, Foreign, Input, Loaded, Select, toast } from "@/ui";
import { type Doubt, exceptionInWords } from "./doubt";

export function ExceptionDialog({ doubt, onClose, onDone }: { doubt: Doubt; onClose: () => void; onDone: () => void }) {
  const detail = useApi("/api/v1/logs/{id}", { path: { id: doubt.example.id } });
  return (
    <Loaded query={detail} waiting={<Dialog open onClose={onClose} title="Make an exception" />}>
      {({ verdict }) => <Form doubt={doubt} evidence={verdict?.evidence ?? []} onClose={onClose} onDone={onDone} />}
    </Loaded>
  );
}

/** The field of a finding as exceptions name it: `json:comment`. */
export const fieldOf = (evidence: Pick<Evidence, "location" | "field"> | undefined): string =>
  evidence?.location ? [evidence.location, evidence.field].filter(Boolean).join(":") : "";

function Form({
  doubt,
  evidence,
  onClose,
  onDone,
}: {
  doubt: Doubt;
  evidence: readonly Evidence[];
  onClose: () => void;
  onDone: () => void;
}) {
  const [rule, setRule] = useState(doubt.rules[0] ?? "");
  const [here, setHere] = useState(true);
  const [only, setOnly] = useState(true);
  const [reason, setReason] = useState("");
  const make = useSend("post", "/api/v1/exceptions", ["/api/v1/exceptions", "/api/v1/config"]);
  const form = useId();
  const field = fieldOf(evidence.find((one) => one.rule === rule));
  const wanted = {
    policy: doubt.policy,
    rule,
    ...(only && field ? { field } : {}),
    ...(here ? { path: doubt.path } : {}),
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    make.mutate(
      { body: { ...wanted, reason } },
      {
        onSuccess: () => {
          toast("The exception holds from now on");
          onDone();
        },
      },
    );
  };
  const problems = make.error instanceof ApiError ? [make.error.message, ...make.error.errors] : [];
  return (
    <Dialog
      open
      onClose={onClose}
      title="Make an exception"
      description="Only what is named is silenced; every other rule goes on looking."
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" form={form} variant="primary" busy={make.isPending} disabled={!reason.trim()}>
            Make the exception
          </Button>
        </>
      }
    >
      <form id={form} onSubmit={submit} className="flex flex-col gap-4">
        {doubt.rules.length > 1 && (
          <Field label="Rule" hint="Several rules found something; the others stay.">
            <Select value={rule} onValue={setRule} options={doubt.rules} />
          </Field>
        )}
        <fieldset className="flex flex-col gap-2">
          <legend className="mb-1 text-xs font-medium text-muted">How widely</legend>
          {field && (
            <Check checked={only} onChange={setOnly}>
              only in the field <Foreign text={field} className="font-mono text-xs" />
            </Check>
          )}
          <Check checked={here} onChange={setHere}>
            only at the path <Foreign text={doubt.path} className="font-mono text-xs break-all" />
          </Check>
        </fieldset>
        <Field label="Why is it harmless here?" hint="Stands beside the exception for as long as it holds.">
          <Input
            required
            autoFocus
            maxLength={1024}
            placeholder="Comments are free text, stored by prepared statement"
            value={reason}
            onChange={(event) => setReason(event.target.value)}
          />
        </Field>
        <p className="rounded-md bg-sunken px-3 py-2 text-sm break-words">
          <Foreign text={exceptionInWords(wanted)} />
        </p>
        {problems.map((problem) => (
          <p key={problem} role="alert" className="text-sm text-bad">
            <Foreign text={problem} />
          </p>
        ))}
      </form>
    </Dialog>
  );
}

function Check({
  checked,
  onChange,
  children,
}: {
  checked: boolean;
  onChange: (checked: boolean) => void;
  children: React.ReactNode;
}) {
  return (
    <label className="flex items-start gap-2">
      <input
        type="checkbox"
        className="mt-0.5 size-4 shrink-0 accent-accent"
        checked={checked}
        onChange={(event) => onChange(event.target.checked)}
      />
      <span className="min-w-0">{children}</span>
    </label>
  );
}
