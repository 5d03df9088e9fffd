// Silences a rule where it is wrong: which, where, and why that is harmless.
import { useEffect, useState } from "react";
import { useApi, useSend } from "@/api/queries";
import type { Schemas } from "@/api/types";
import { Button, Dialog, Field, Input, Select, Textarea, toast } from "@/ui";

type NewException = Schemas["NewException"];

/** What is known where the dialog is opened. */
export interface ExceptionDraft {
  policy?: string;
  rule?: string;
  /** Rules to choose from. */
  rules?: readonly string[];
  field?: string;
  /** Where each rule found something, for when another is chosen. */
  fields?: Readonly<Record<string, string>>;
  path?: string;
}

export function ExceptionDialog({ draft, onClose }: { draft: ExceptionDraft | null; onClose: () => void }) {
  const [value, setValue] = useState<NewException>({ policy: "", reason: "" });
  const config = useApi("/api/v1/config", {}, { enabled: draft !== null });
  const make = useSend("post", "/api/v1/exceptions", ["/api/v1/exceptions", "/api/v1/config"]);
  const policies = config.data?.policies.map(({ name }) => name) ?? [];
  // biome-ignore lint/correctness/useExhaustiveDependencies: begins anew each time it is opened
  useEffect(() => {
    if (!draft) return;
    make.reset();
    setValue({
      policy: draft.policy ?? "",
      rule: draft.rule ?? draft.rules?.[0] ?? "",
      field: draft.field ?? "",
      path: draft.path ?? "",
      reason: "",
    });
  }, [draft]);
  const policy = value.policy || policies[0] || "";
  const set = (part: Partial<NewException>) => setValue((old) => ({ ...old, ...part }));
  const ready = policy && value.rule?.trim() && value.reason.trim();
  const submit = () => {
    const { rule, field, path, reason } = value;
    make.mutate(
      {
        body: {
          policy,
          reason: reason.trim(),
          ...(rule?.trim() ? { rule: rule.trim() } : {}),
          ...(field?.trim() ? { field: field.trim() } : {}),
          ...(path?.trim() ? { path: path.trim() } : {}),
        },
      },
      {
        onSuccess: () => {
          toast("The exception holds from now on.");
          onClose();
        },
      },
    );
  };
  const options = draft?.rules ?? [];
  return (
    <Dialog
      open={draft !== null}
      onClose={onClose}
      title="Make an exception"
      description="A rule that is wrong about your API is silenced, as narrowly as possible. The other rules keep looking."
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button variant="primary" busy={make.isPending} disabled={!ready} onClick={submit}>
            Make the exception
          </Button>
        </>
      }
    >
      <form
        className="flex flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          if (ready) submit();
        }}
      >
        <Field label="Rule">
          {options.length > 1 ? (
            <Select
              value={value.rule ?? ""}
              onValue={(rule) => set({ rule, field: draft?.fields?.[rule] ?? "" })}
              options={options}
            />
          ) : (
            <Input
              className="font-mono"
              value={value.rule ?? ""}
              placeholder="sqli-union-select, or sqli-*"
              onChange={(event) => set({ rule: event.target.value })}
            />
          )}
        </Field>
        <Field label="Only in this field" hint="As json:comment or query:q. Empty: in every field.">
          <Input
            className="font-mono"
            value={value.field ?? ""}
            placeholder="every field"
            onChange={(event) => set({ field: event.target.value })}
          />
        </Field>
        <Field label="Only on this path" hint="Ends in * for all that begin like it. Empty: on every path.">
          <Input
            className="font-mono"
            value={value.path ?? ""}
            placeholder="every path"
            onChange={(event) => set({ path: event.target.value })}
          />
        </Field>
        {policies.length > 1 && (
          <Field label="Policy">
            <Select value={policy} onValue={(next) => set({ policy: next })} options={policies} />
          </Field>
        )}
        <Field
          label="Why is it harmless here?"
          error={make.error ? [make.error.message, ...errorsOf(make.error)].join(" ") : null}
        >
          <Textarea
            rows={3}
            value={value.reason}
            placeholder="Comments are free text and stored by prepared statement"
            onChange={(event) => set({ reason: event.target.value })}
          />
        </Field>
        <button type="submit" hidden />
      </form>
    </Dialog>
  );
}

const errorsOf = (error: Error): readonly string[] => (error as { errors?: readonly string[] }).errors ?? [];
