// Bans somebody: who, for how long, for what.
import { useEffect, useState } from "react";
import { useSend } from "@/api/queries";
import { Button, Dialog, Field, Input, Select, toast } from "@/ui";
import { capital, subjectWords } from "../logs/words";

export const SPANS = [
  { value: "900", label: "15 minutes" },
  { value: "3600", label: "1 hour" },
  { value: "86400", label: "1 day" },
  { value: "604800", label: "7 days" },
  { value: "", label: "Until somebody lifts it" },
] as const;

export function BanDialog({
  open,
  onClose,
  subjects,
  cause: given = "",
}: {
  open: boolean;
  onClose: () => void;
  /** Whom to choose from; with none, somebody to type. */
  subjects: readonly string[];
  cause?: string;
}) {
  const [subject, setSubject] = useState("");
  const [seconds, setSeconds] = useState<string>("3600");
  const [cause, setCause] = useState("");
  const ban = useSend("post", "/api/v1/bans", ["/api/v1/bans", "/api/v1/subjects"]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: begins anew each time it is opened
  useEffect(() => {
    if (!open) return;
    setSubject(subjects[0] ?? "");
    setCause(given);
    setSeconds("3600");
    ban.reset();
  }, [open]);
  const submit = () =>
    ban.mutate(
      {
        body: {
          subject: subject.trim(),
          cause: cause.trim(),
          ...(seconds === "" ? {} : { seconds: Number(seconds) }),
        },
      },
      {
        onSuccess: ({ subject: who }) => {
          toast(`${capital(subjectWords(who))} is banned.`);
          onClose();
        },
      },
    );
  return (
    <Dialog
      open={open}
      onClose={onClose}
      title="Ban somebody"
      description="Their requests are refused with 403 before anything is read: at once here, within two seconds on every other gateway."
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button variant="danger" busy={ban.isPending} disabled={!subject.trim() || !cause.trim()} onClick={submit}>
            Ban
          </Button>
        </>
      }
    >
      <form
        className="flex flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          if (subject.trim() && cause.trim()) submit();
        }}
      >
        {subjects.length > 0 ? (
          <Field label="Who" hint="An address may be shared by several people; a session or a key belongs to one.">
            <Select
              value={subject}
              onValue={setSubject}
              options={subjects.map((value) => ({ value, label: capital(subjectWords(value)) }))}
            />
          </Field>
        ) : (
          <Field
            label="Who"
            hint="An address, a network such as prefix:192.0.2.0/24, or a user, session or key as records name them."
          >
            <Input value={subject} onChange={(event) => setSubject(event.target.value)} placeholder="192.0.2.7" />
          </Field>
        )}
        <Field label="For how long">
          <Select value={seconds} onValue={setSeconds} options={SPANS} />
        </Field>
        <Field label="Reason" hint="Others read it later, here and in the audit trail." error={ban.error?.message}>
          <Input
            value={cause}
            onChange={(event) => setCause(event.target.value)}
            placeholder="Scanning for admin pages"
          />
        </Field>
        <button type="submit" hidden />
      </form>
    </Dialog>
  );
}
