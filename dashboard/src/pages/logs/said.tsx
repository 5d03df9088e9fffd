// What people say of a verdict: a mark for everybody to see, from which accuracy is counted. It changes nothing of what
// the gateway does; an exception or a ban does.
import { Check, Undo2, X } from "lucide-react";
import { useState } from "react";
import { type Mark, useMarking } from "@/api/feedback";
import type { LogDetail, LogEntry } from "@/api/types";
import { useMay } from "@/shell/session";
import { Ago, Badge, Button, Field, Foreign, Input, toast } from "@/ui";
import { Section } from "./verdict";

/** Whether something was done, or would have been, that can be wrong. */
const isStop = ({ action, would }: Pick<LogEntry, "action" | "would">) => action !== "allow" || would !== "";

/** A mark in words, which differ by what was done. */
export function markWords(mark: Mark, entry: Pick<LogEntry, "action" | "would">): string {
  if (mark === "confirmed") return isStop(entry) ? "Confirmed as an attack" : "An attack that was missed";
  return isStop(entry) ? "A false alarm" : "Harmless";
}

export function Said({ detail }: { detail: LogDetail }) {
  const { entry } = detail;
  const said = detail.feedback;
  const mayMark = useMay("analyst");
  const marking = useMarking();
  const [comment, setComment] = useState("");
  const mark = (to: Mark | null) =>
    marking.mutate(
      { ids: [entry.id], mark: to, comment: comment.trim() },
      {
        onSuccess: () => {
          setComment("");
          toast(to === null ? "The mark is taken back" : `Marked: ${markWords(to, entry).toLowerCase()}`);
        },
        onError: toast.error,
      },
    );
  if (!said && !mayMark) return null;
  return (
    <Section
      title={isStop(entry) ? "Was that right?" : "Was it harmless?"}
      hint="Marks are seen by everybody and say how accurate the gateway is. They change nothing of what it does."
    >
      {said ? (
        <div className="flex flex-wrap items-center gap-x-3 gap-y-2">
          <Badge tone={said.verdict === "confirmed" ? "bad" : "info"} icon={said.verdict === "confirmed" ? Check : X}>
            {markWords(said.verdict, entry)}
          </Badge>
          <span className="min-w-0 flex-1 text-[13px] text-muted">
            <Foreign text={said.author} className="text-text" />, <Ago when={said.at} />
            {said.comment && (
              <>
                : <Foreign text={said.comment} className="break-words text-text" />
              </>
            )}
          </span>
          {mayMark && (
            <Button size="sm" icon={Undo2} busy={marking.isPending} onClick={() => mark(null)}>
              Take back
            </Button>
          )}
        </div>
      ) : (
        <div className="flex flex-wrap items-end gap-2">
          <Field quiet label="What you know of it" className="min-w-48 flex-1">
            <Input
              maxLength={1024}
              placeholder="What you know of it; may stay empty"
              value={comment}
              onChange={(event) => setComment(event.target.value)}
            />
          </Field>
          <Button icon={Check} disabled={marking.isPending} onClick={() => mark("confirmed")}>
            It was an attack
          </Button>
          {isStop(entry) && (
            <Button icon={X} disabled={marking.isPending} onClick={() => mark("false-positive")}>
              False alarm
            </Button>
          )}
        </div>
      )}
    </Section>
  );
}
