// One rule: why it matters, how much it weighs, how often it matched, and how it is written.
import { CircleSlash, ScrollText } from "lucide-react";
import { useState } from "react";
import { Link } from "wouter";
import { ApiError } from "@/api/client";
import { useApi } from "@/api/queries";
import type { Leader, Rule } from "@/api/types";
import { category, count, title } from "@/lib/format";
import { useMay } from "@/shell/session";
import { Badge, Button, CodeBlock, Drawer, Empty, Foreign, KeyValue, Loaded } from "@/ui";
import { Section } from "../logs/verdict";
import { DETECTORS } from "../logs/words";
import { ExceptionDialog, type ExceptionDraft } from "./exception";
import { paranoiaWords, severityTone, tagBook, weightWords, yaml } from "./words";

export interface Matches {
  by: ReadonlyMap<string, Leader>;
  /** Records that were counted. */
  counted: number;
  /** Rules below the listed ones are unknown, not zero. */
  cut: boolean;
}

export function RuleDrawer({
  id,
  onClose,
  matches,
}: {
  id: string;
  onClose: () => void;
  matches: Matches | undefined;
}) {
  const detector = id.startsWith("behaviour-") ? DETECTORS[id.slice(10)] : undefined;
  const query = useApi("/api/v1/rules/{id}", { path: { id } }, { enabled: id !== "" && !detector, staleTime: 60_000 });
  const [draft, setDraft] = useState<ExceptionDraft | null>(null);
  const mayExcept = useMay("admin");
  const missing = query.error instanceof ApiError && query.error.status === 404;
  return (
    <Drawer
      open={id !== ""}
      onClose={onClose}
      title={<Foreign text={detector?.name ?? query.data?.name ?? id} />}
      description={<Foreign text={id} className="font-mono text-xs" />}
      footer={
        <>
          <Link
            href={`/logs?rule=${encodeURIComponent(id)}`}
            className="mr-auto inline-flex h-8 items-center gap-1.5 font-medium text-accent hover:underline"
          >
            <ScrollText className="size-4" aria-hidden />
            Its findings in the logs
          </Link>
          {mayExcept && (query.data || detector) && (
            <Button icon={CircleSlash} onClick={() => setDraft({ rule: id })}>
              Make an exception
            </Button>
          )}
        </>
      }
    >
      {detector ? (
        <div className="flex flex-col gap-4">
          <p className="text-[15px] font-medium">{detector.why}</p>
          <p className="text-muted">
            A detector of behaviour: it looks at what a client does over time, not at one request. It counts{" "}
            {detector.unit}.
          </p>
          <MatchWords id={id} matches={matches} />
        </div>
      ) : missing ? (
        <Empty title="No rule of this name serves">
          It may have been taken out since, or belong to a part that is no rule, such as a model.
        </Empty>
      ) : (
        <Loaded query={query}>{(rule) => <Detail rule={rule} matches={matches} />}</Loaded>
      )}
      <ExceptionDialog draft={draft} onClose={() => setDraft(null)} />
    </Drawer>
  );
}

function Detail({ rule, matches }: { rule: Rule; matches: Matches | undefined }) {
  const config = useApi("/api/v1/config", {}, { staleTime: 60_000 });
  // With several policies there is no one answer to what a weight does.
  const policies = config.data?.policies ?? [];
  const thresholds = policies.length === 1 ? policies[0]?.thresholds : undefined;
  return (
    <div className="flex flex-col gap-6">
      <div className="flex flex-col gap-2">
        <div className="flex flex-wrap gap-2">
          <Badge tone={severityTone(rule.severity)}>{title(rule.severity)}</Badge>
          <Badge>{category(rule.category)}</Badge>
          <Badge>{rule.phase === "response" ? "looks at answers" : "looks at requests"}</Badge>
        </div>
        <p className="text-[15px] font-medium">{rule.why}</p>
        <MatchWords id={rule.id} matches={matches} />
      </div>
      <KeyValue
        items={[
          ["Weight", weightWords(rule.score, thresholds)],
          ["Strictness", paranoiaWords(rule.paranoia)],
          [
            "Filed under",
            rule.tags.length > 0 && (
              <span key="tags" className="flex flex-wrap gap-1.5">
                {rule.tags.map((tag) => (
                  <span key={tag} title={tagBook(tag)}>
                    <Badge>{tag}</Badge>
                  </span>
                ))}
              </span>
            ),
          ],
          ["Stands in", <Foreign key="origin" text={rule.origin} className="font-mono text-xs" />],
        ]}
      />
      <Section title="As written" hint="In the language of rules; what is not written has its default.">
        <CodeBlock label={`The rule ${rule.id}`} text={yaml(rule.spec ?? {}).trim()} />
      </Section>
    </div>
  );
}

function MatchWords({ id, matches }: { id: string; matches: Matches | undefined }) {
  if (!matches) return null;
  const leader = matches.by.get(id);
  const among = `among the newest ${count(matches.counted)} requests of the last 24 hours`;
  if (!leader)
    return (
      <p className="text-muted">{matches.cut ? `Matched seldom or never ${among}.` : `Matched never ${among}.`}</p>
    );
  return (
    <p className="text-muted">
      Matched {count(leader.requests)} {leader.requests === 1 ? "time" : "times"} {among}; {count(leader.stopped)} of
      them were stopped.
    </p>
  );
}
