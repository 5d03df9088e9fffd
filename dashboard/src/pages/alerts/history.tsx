// Who was told of an alert and what people remarked, in the order of time.
import { CircleAlert, CircleCheck, Clock, MessageSquare } from "lucide-react";
import { type FormEvent, useState } from "react";
import { useSend } from "@/api/queries";
import type { AlertDetails, Delivery, Schemas } from "@/api/types";
import { fullTime } from "@/lib/format";
import { useMay } from "@/shell/session";
import { Ago, Button, Field, Foreign, Textarea, toast } from "@/ui";
import { plural } from "./incident";

const LONGEST = 1_024;
type Remark = Schemas["Comment"];
type Entry = { at: string } & ({ remark: Remark } | { delivery: Delivery });

export function History({ details: { alert, comments, deliveries } }: { details: AlertDetails }) {
  const entries: Entry[] = [
    ...comments.map((remark) => ({ at: remark.at, remark })),
    ...deliveries.map((delivery) => ({ at: delivery.made, delivery })),
  ].sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
  return (
    <div className="flex flex-col gap-4">
      {entries.length === 0 ? (
        <p className="text-[13px] text-muted">Nobody was told, and nobody has said anything about it.</p>
      ) : (
        <ol className="flex flex-col gap-3">
          {entries.map((entry, index) => (
            <li key={index} className="flex gap-3 text-[13px]">
              {"remark" in entry ? <Said remark={entry.remark} /> : <Told delivery={entry.delivery} />}
              <span className="ml-auto text-xs text-muted" title={fullTime(entry.at)}>
                <Ago when={entry.at} />
              </span>
            </li>
          ))}
        </ol>
      )}
      <Write id={alert.id} />
    </div>
  );
}

function Said({ remark }: { remark: Remark }) {
  return (
    <>
      <MessageSquare className="mt-0.5 size-4 shrink-0 text-muted" aria-hidden />
      <div className="min-w-0">
        <p className="font-medium">
          <Foreign text={remark.author} />
        </p>
        <p className="break-words whitespace-pre-wrap">
          <Foreign text={remark.text} />
        </p>
      </div>
    </>
  );
}

const STATES = {
  delivered: { icon: CircleCheck, className: "text-ok", word: "was told" },
  waiting: { icon: Clock, className: "text-muted", word: "is to be told" },
  dead: { icon: CircleAlert, className: "text-bad", word: "could not be told" },
};

export function Told({ delivery }: { delivery: Delivery }) {
  const { receiver, state, why, attempts, error } = delivery;
  const { icon: Icon, className, word } = STATES[state as keyof typeof STATES] ?? STATES.waiting;
  const reason = why === "raised" ? "that it got worse" : "that it began";
  return (
    <>
      <Icon className={`mt-0.5 size-4 shrink-0 ${className}`} aria-hidden />
      <div className="min-w-0">
        <p>
          <span className="font-medium">
            <Foreign text={receiver} />
          </span>{" "}
          {word} {reason}
        </p>
        {error && (
          <p className="text-xs break-words text-muted">
            <Foreign text={error} /> ({plural(attempts, "attempt")})
          </p>
        )}
      </div>
    </>
  );
}

function Write({ id }: { id: string }) {
  const may = useMay("analyst");
  const [text, setText] = useState("");
  const send = useSend("post", "/api/v1/alerts/{id}/comments", ["/api/v1/alerts"]);
  if (!may) return null;
  const submit = (event?: FormEvent) => {
    event?.preventDefault();
    if (!text.trim() || send.isPending) return;
    send.mutate({ path: { id }, body: { text: text.trim() } }, { onSuccess: () => setText(""), onError: toast.error });
  };
  return (
    <form onSubmit={submit} className="flex flex-col items-start gap-2">
      <Field label="Add a remark" className="w-full">
        <Textarea
          value={text}
          maxLength={LONGEST}
          className="min-h-16!"
          placeholder="What you found, or what you did"
          onChange={(event) => setText(event.target.value)}
          onKeyDown={(event) => {
            if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) submit();
          }}
        />
      </Field>
      <Button type="submit" size="sm" busy={send.isPending} disabled={!text.trim()}>
        Add
      </Button>
    </form>
  );
}
