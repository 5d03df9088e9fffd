// Short messages about what was done: `toast("Banned for an hour")`, `toast.error(error)`.
import { CircleAlert, CircleCheck, X } from "lucide-react";
import { useSyncExternalStore } from "react";
import { wordsOf } from "@/api/client";
import { IconButton } from "./button";

interface Note {
  id: number;
  text: string;
  tone: "ok" | "bad";
}

let notes: readonly Note[] = [];
let next = 1;
const listeners = new Set<() => void>();
const MOST = 4;

function change(to: readonly Note[]) {
  notes = to;
  for (const listener of listeners) listener();
}
function add(text: string, tone: Note["tone"]) {
  const note = { id: next++, text, tone };
  change([...notes, note].slice(-MOST));
  setTimeout(() => close(note.id), tone === "bad" ? 10_000 : 5_000);
}
const close = (id: number) => change(notes.filter((note) => note.id !== id));

export const toast = Object.assign((text: string) => add(text, "ok"), {
  error: (error: unknown) => add(wordsOf(error), "bad"),
});

export function Toaster() {
  const shown = useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => notes,
  );
  return (
    <section
      aria-label="Messages"
      aria-live="polite"
      className="pointer-events-none fixed right-4 bottom-4 z-70 flex w-80 max-w-[calc(100vw-2rem)] flex-col gap-2 max-md:bottom-20"
    >
      {shown.map((note) => (
        <div
          key={note.id}
          className="pointer-events-auto flex animate-appear items-start gap-2 rounded-lg border border-line bg-raised p-3 shadow-pop"
        >
          {note.tone === "ok" ? (
            <CircleCheck className="mt-0.5 size-4 shrink-0 text-ok" aria-hidden />
          ) : (
            <CircleAlert className="mt-0.5 size-4 shrink-0 text-bad" aria-hidden />
          )}
          <p className="min-w-0 flex-1 break-words">{note.text}</p>
          <IconButton icon={X} label="Dismiss" size="sm" className="-my-1" onClick={() => close(note.id)} />
        </div>
      ))}
    </section>
  );
}
