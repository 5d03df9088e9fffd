// Requests to look at: what was sent, with the bytes marked that were taken for an attack.
import { ArrowRight, ChevronDown } from "lucide-react";
import { useState } from "react";
import { Link } from "wouter";
import { ApiError } from "@/api/client";
import { useApi } from "@/api/queries";
import type { Alert, LogDetail } from "@/api/types";
import { cx } from "@/lib/cx";
import { clock, fullTime } from "@/lib/format";
import { ActionBadge, Button, ErrorState, Evidence, Foreign, KeyValue, SkeletonRows } from "@/ui";
import { opinionOf, Votes } from "./votes";

type Example = Alert["examples"][number];
const FIRST = 2;

export function Examples({ examples }: { examples: readonly Example[] }) {
  const [open, setOpen] = useState(examples[0]?.id);
  return (
    <ul className="flex flex-col gap-2">
      {examples.map((example) => {
        const isOpen = example.id === open;
        return (
          <li key={example.id} className="rounded-lg border border-line">
            <button
              type="button"
              aria-expanded={isOpen}
              className="flex w-full items-center gap-3 rounded-lg px-3 py-2 text-left hover:bg-hover"
              onClick={() => setOpen(isOpen ? undefined : example.id)}
            >
              <ChevronDown className={cx("size-4 shrink-0 text-muted", !isOpen && "-rotate-90")} aria-hidden />
              <span className="min-w-0 flex-1 truncate font-mono text-xs">
                <Foreign text={example.request} />
              </span>
              <span className="text-xs whitespace-nowrap text-muted" title={fullTime(example.time)}>
                {clock(example.time)}
              </span>
              <span className="text-xs whitespace-nowrap text-muted">score {Math.round(example.score)}</span>
            </button>
            {isOpen && (
              <div className="border-t border-line p-3">
                <Request id={example.id} />
              </div>
            )}
          </li>
        );
      })}
    </ul>
  );
}

function Request({ id }: { id: string }) {
  const query = useApi("/api/v1/logs/{id}", { path: { id } }, { staleTime: Number.POSITIVE_INFINITY });
  if (query.data) return <Found detail={query.data} />;
  if (query.error instanceof ApiError && query.error.status === 404) {
    return <p className="text-[13px] text-muted">The log no longer has this request.</p>;
  }
  if (query.error) return <ErrorState error={query.error} retry={() => void query.refetch()} />;
  return <SkeletonRows rows={3} />;
}

function Found({ detail }: { detail: LogDetail }) {
  const { entry, verdict } = detail;
  const [all, setAll] = useState(false);
  const evidence = verdict?.evidence ?? [];
  const opinion = opinionOf(detail);
  return (
    <div className="flex flex-col gap-3">
      <p className="flex flex-wrap items-baseline gap-x-2 gap-y-1 font-mono text-xs break-all">
        <span className="font-medium">
          <Foreign text={entry.method} />
        </span>
        <Foreign text={`${entry.host}${entry.path}${entry.query ? `?${entry.query}` : ""}`} className="min-w-0" />
      </p>
      <KeyValue
        items={[
          ["From", entry.client],
          ["What was done", <ActionBadge key="action" action={entry.action} would={entry.would} />],
          ["Answered", entry.status ? `status ${entry.status}` : "not at all"],
        ]}
      />
      {evidence.length === 0 && entry.why && <Foreign text={entry.why} />}
      {(all ? evidence : evidence.slice(0, FIRST)).map((one) => (
        <Evidence key={`${one.rule} ${one.location} ${one.field} ${one.form}`} evidence={one} />
      ))}
      {opinion && <Votes opinion={opinion} />}
      <div className="flex flex-wrap items-center gap-3">
        {evidence.length > FIRST && (
          <Button size="sm" aria-expanded={all} onClick={() => setAll(!all)}>
            {all ? "Only the strongest" : `All ${evidence.length} findings`}
          </Button>
        )}
        <Link
          href={`/logs?open=${encodeURIComponent(entry.id)}`}
          className="inline-flex items-center gap-1 text-[13px] font-medium text-accent hover:underline"
        >
          Everything about this request
          <ArrowRight className="size-3.5" aria-hidden />
        </Link>
      </div>
    </div>
  );
}
