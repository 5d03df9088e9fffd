// The threat score from 0 to 100 as a ruler, with what becomes of a request in each part of it.
import { actionLook } from "@/lib/levels";
import { NEVER } from "./draft";

interface Part {
  action: "allow" | "tag" | "throttle" | "deny";
  word: string;
  from: number;
  to: number;
}

/** The parts of the ruler; what can never happen has none. */
export function partsOf(tag: number, throttle: number, deny: number): Part[] {
  const top = (value: number) => Math.min(value, NEVER);
  const parts: Part[] = [
    { action: "allow", word: "Passes", from: 0, to: top(tag) },
    { action: "tag", word: "Passes, marked", from: top(tag), to: top(throttle) },
    { action: "throttle", word: "Slowed down", from: top(throttle), to: top(deny) },
    { action: "deny", word: "Denied", from: top(deny), to: NEVER },
  ];
  return parts.filter((part) => part.to > part.from);
}

const SOFT = { allow: "bg-ok-soft", tag: "bg-info-soft", throttle: "bg-warn-soft", deny: "bg-bad-soft" } as const;

export function ThresholdScale({
  tag,
  throttle,
  deny,
  off = false,
}: {
  tag: number;
  throttle: number;
  deny: number;
  /** Nothing is inspected, so no score is given. */
  off?: boolean;
}) {
  if (off) {
    return <p className="rounded-md bg-sunken px-3 py-4 text-center text-sm text-muted">No score is given.</p>;
  }
  const parts = partsOf(tag, throttle, deny);
  return (
    <div>
      <ol className="flex gap-0.5" aria-label="What becomes of a request, by its threat score">
        {parts.map((part) => {
          const look = actionLook(part.action);
          const Icon = look?.icon;
          const last = part.to - 1;
          return (
            <li
              key={part.action}
              className={`min-w-0 overflow-hidden rounded-md px-2 py-1.5 ${SOFT[part.action]} ${look?.text ?? ""}`}
              style={{ flex: `${part.to - part.from} 1 0` }}
              title={`Score ${part.from} to ${last}: ${part.word.toLowerCase()}`}
            >
              <span className="flex items-center gap-1 text-xs font-medium">
                {Icon && <Icon className="size-3.5 shrink-0" aria-hidden />}
                <span className="truncate max-sm:sr-only">{part.word}</span>
              </span>
              <span className="block truncate text-xs">{part.from === last ? part.from : `${part.from}–${last}`}</span>
            </li>
          );
        })}
      </ol>
      <p className="mt-1.5 hidden flex-wrap gap-x-3 gap-y-0.5 text-xs text-muted max-sm:flex" aria-hidden>
        {parts.map((part) => {
          const look = actionLook(part.action);
          const Icon = look?.icon;
          return (
            <span key={part.action} className="inline-flex items-center gap-1">
              {Icon && <Icon className={`size-3 ${look?.text ?? ""}`} />}
              {part.word}
            </span>
          );
        })}
      </p>
    </div>
  );
}
