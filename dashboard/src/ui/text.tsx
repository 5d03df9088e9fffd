// Text that others wrote: shown as text, its unseen characters with a sign, never as markup, never as a link.
import { Check, Copy } from "lucide-react";
import { type ReactNode, useState } from "react";
import type { Evidence as EvidenceData } from "@/api/types";
import { cx } from "@/lib/cx";
import { ago, category, fullTime } from "@/lib/format";
import { useNow } from "@/lib/hooks";
import { cut, stretches, visible } from "@/lib/text";
import { Badge } from "./badge";
import { IconButton } from "./button";

/** Foreign text in a line of ours. `bdi` keeps its direction of writing to itself. */
export function Foreign({ text, className }: { text: string; className?: string }) {
  return (
    <bdi className={className} dir="ltr">
      <Signs text={text} />
    </bdi>
  );
}

function Signs({ text }: { text: string }) {
  return stretches(text).map((part, index) =>
    part.sign ? (
      <span key={index} className="rounded-xs bg-warn-soft px-px text-warn" title="a character that cannot be seen">
        {part.text}
      </span>
    ) : (
      part.text
    ),
  );
}

/** Several lines of foreign text, or JSON, with a button that copies them. */
export function CodeBlock({
  text,
  children,
  label,
  className,
}: {
  text: string;
  /** Shown instead of the text: the same with parts marked. */
  children?: ReactNode;
  label: string;
  className?: string;
}) {
  return (
    <div className={cx("relative rounded-md border border-line bg-sunken", className)}>
      <pre
        role="region"
        aria-label={label}
        tabIndex={0}
        className="max-h-80 overflow-auto p-3 pr-11 font-mono text-xs leading-5 break-all whitespace-pre-wrap"
      >
        {children ?? <Foreign text={text} />}
      </pre>
      <CopyButton text={text} className="absolute top-1.5 right-1.5" />
    </div>
  );
}

export function CopyButton({ text, className, label = "Copy" }: { text: string; className?: string; label?: string }) {
  const [done, setDone] = useState(false);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setDone(true);
      setTimeout(() => setDone(false), 1_500);
    } catch {
      // A page without TLS on another host may not copy; the text can still be marked.
    }
  };
  return (
    <IconButton
      icon={done ? Check : Copy}
      label={done ? "Copied" : label}
      size="sm"
      className={className ?? ""}
      onClick={() => void copy()}
    />
  );
}

/** A text with the bytes from `mark[0]` to before `mark[1]` marked; offsets count UTF-8. */
export function Marked({ text, mark }: { text: string; mark?: readonly number[] | null }) {
  const [from, to] = mark ?? [];
  if (from === undefined || to === undefined) return <Foreign text={text} />;
  const [before, within, after] = cut(text, from, to);
  return (
    <bdi dir="ltr">
      <Signs text={before} />
      <mark>
        <Signs text={within} />
      </mark>
      <Signs text={after} />
    </bdi>
  );
}

/** One reason of a verdict: what was found, where, and the bytes that did it. */
export function Evidence({ evidence, actions }: { evidence: Partial<EvidenceData>; actions?: ReactNode }) {
  const { why, rule, category: kind, score, location, field, name, excerpt, mark } = evidence;
  const place = [location, field || name].filter(Boolean).join(" · ");
  return (
    <article className="flex flex-col gap-2 rounded-lg border border-line p-3">
      <header className="flex flex-wrap items-center gap-2">
        <p className="min-w-0 flex-1 basis-60 font-medium">
          <Foreign text={why || rule || "Finding"} />
        </p>
        {kind && <Badge>{category(kind)}</Badge>}
        {score !== undefined && <span className="text-xs text-muted">score {score}</span>}
      </header>
      {place && (
        <p className="text-xs text-muted">
          in <Foreign text={place} className="font-mono" />
        </p>
      )}
      {excerpt && (
        <CodeBlock text={excerpt} label={`Evidence in ${visible(place)}${rule ? `, ${visible(rule)}` : ""}`}>
          <Marked text={excerpt} mark={mark ?? null} />
        </CodeBlock>
      )}
      <footer className="flex flex-wrap items-center gap-2 text-xs text-muted">
        {rule && <Foreign text={rule} className="font-mono" />}
        <span className="flex-1" />
        {actions}
      </footer>
    </article>
  );
}

/** Names and values under each other; what is empty is left out. */
export function KeyValue({ items }: { items: readonly (readonly [string, ReactNode])[] }) {
  const there = items.filter(([, value]) => value !== null && value !== undefined && value !== "" && value !== false);
  return (
    <dl className="grid grid-cols-[minmax(7rem,auto)_1fr] gap-x-4 gap-y-1.5 text-[13px]">
      {there.map(([name, value]) => (
        <div key={name} className="contents">
          <dt className="text-muted">{name}</dt>
          <dd className="min-w-0 break-words">{typeof value === "string" ? <Foreign text={value} /> : value}</dd>
        </div>
      ))}
    </dl>
  );
}

/** "5 min ago", with the exact time as its title. */
export function Ago({ when }: { when: string | null | undefined }) {
  const now = useNow();
  if (!when) return <span>–</span>;
  return (
    <time dateTime={when} title={fullTime(when)} className="whitespace-nowrap">
      {ago(when, now)}
    </time>
  );
}
