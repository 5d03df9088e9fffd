// Why: the findings with their bytes marked, what the models say, how the client behaved, and how that makes the score.
// Shown for an exchange that happened, and for a request that is tried by hand.
import { type ReactNode, useState } from "react";
import { Link } from "wouter";
import type { Evidence as EvidenceData, Verdict } from "@/api/types";
import { cx } from "@/lib/cx";
import { category, decimal, percent } from "@/lib/format";
import { Badge, Button, Evidence, Foreign } from "@/ui";
import { arithmetic, type Thresholds } from "./score";
import {
  type Behaviour,
  capital,
  DETECTORS,
  detectorName,
  findingWords,
  type Opinion,
  opinionWords,
  reactionWords,
  skippedWords,
  subjectWords,
  uninspectedWords,
} from "./words";

export function Section({ title, hint, children }: { title: string; hint?: ReactNode; children: ReactNode }) {
  return (
    <section className="flex flex-col gap-2.5">
      <div>
        <h3 className="text-[13px] font-semibold">{title}</h3>
        {hint && <p className="text-xs text-muted">{hint}</p>}
      </div>
      {children}
    </section>
  );
}

const SHOWN = 3;

export interface VerdictViewProps {
  verdict: Verdict;
  thresholds?: Thresholds | undefined;
  /** Whether rules can be looked up. */
  links: boolean;
  /** Makes an exception of a finding. */
  onExcept?: ((evidence: EvidenceData) => void) | undefined;
}

export function VerdictView({ verdict, thresholds, links, onExcept }: VerdictViewProps) {
  const [all, setAll] = useState(false);
  const evidence = (verdict.evidence ?? []).filter(({ rule }) => !rule?.startsWith("behaviour-"));
  const shown = all ? evidence : evidence.slice(0, SHOWN);
  const behaviour = verdict.behaviour as Behaviour | undefined;
  const opinion = (verdict as { ensemble?: Opinion }).ensemble;
  const unseen = uninspectedWords(verdict.uninspected);
  const steps = arithmetic(verdict, thresholds);
  return (
    <div className="flex flex-col gap-6">
      {evidence.length > 0 && (
        <Section title={evidence.length === 1 ? "What was found" : `What was found: ${evidence.length} findings`}>
          <div className="flex flex-col gap-2">
            {shown.map((finding, index) => (
              <Evidence
                key={`${finding.rule}-${index}`}
                evidence={finding}
                actions={
                  <>
                    {onExcept && finding.rule && (
                      <Button size="sm" variant="ghost" onClick={() => onExcept(finding)}>
                        Make an exception
                      </Button>
                    )}
                    {links && finding.rule && <RuleLink rule={finding.rule}>About this rule</RuleLink>}
                  </>
                }
              />
            ))}
          </div>
          {evidence.length > shown.length && (
            <Button size="sm" className="self-start" onClick={() => setAll(true)}>
              Show {evidence.length - shown.length} weaker
            </Button>
          )}
        </Section>
      )}
      {behaviour && <BehaviourView behaviour={behaviour} links={links} />}
      {opinion && opinion.votes.length > 0 && <OpinionView opinion={opinion} />}
      {steps.length > 0 && (
        <Section title="How the score comes about">
          <ol className="flex list-decimal flex-col gap-1 pl-5 marker:text-muted">
            {steps.map((line) => (
              <li key={line}>
                <Foreign text={line} />
              </li>
            ))}
          </ol>
        </Section>
      )}
      {unseen && <p className="rounded-md bg-warn-soft px-3 py-2 text-warn">{unseen}</p>}
    </div>
  );
}

/** A link to the page of a rule. */
export function RuleLink({ rule, children }: { rule: string; children?: ReactNode }) {
  return (
    <Link href={`/rules?open=${encodeURIComponent(rule)}`} className="font-medium text-accent hover:underline">
      {children ?? <Foreign text={rule} className="font-mono" />}
    </Link>
  );
}

/** A link to the page of a subject. */
export function SubjectLink({ subject, links = true }: { subject: string; links?: boolean }) {
  const text = <Foreign text={capital(subjectWords(subject))} />;
  if (!links) return text;
  return (
    <Link href={`/subjects?open=${encodeURIComponent(subject)}`} className="text-accent hover:underline">
      {text}
    </Link>
  );
}

function BehaviourView({ behaviour, links }: { behaviour: Behaviour; links: boolean }) {
  const { findings, risk, reaction } = behaviour;
  const factors = risk.factors.filter((factor) => factor !== null);
  const reacted = reactionWords(reaction);
  return (
    <Section title="How the client behaved" hint="What no single request shows: what this client has done before.">
      {findings.map((finding) => (
        <article key={`${finding.kind}-${finding.subject}`} className="rounded-lg border border-line p-3">
          <header className="flex flex-wrap items-center gap-2">
            <p className="min-w-0 flex-1 font-medium">{detectorName(finding.kind)}</p>
            <span className="text-xs text-muted">score {finding.score}</span>
          </header>
          <p>{DETECTORS[finding.kind]?.why}</p>
          <p className="text-xs text-muted">
            {findingWords(finding)} · <SubjectLink subject={finding.subject} links={links} />
          </p>
        </article>
      ))}
      {reacted && (
        <p>
          <Foreign text={reacted} />
        </p>
      )}
      {risk.value >= 1 && (
        <p>
          Risk {decimal(risk.value)} of 100
          {risk.subject && (
            <>
              , from <SubjectLink subject={risk.subject} links={links} />
            </>
          )}
          {factors.length > 0 && ` (${factors.map(({ kind, score }) => `${detectorName(kind)} ${score}`).join(", ")})`}.
        </p>
      )}
    </Section>
  );
}

function OpinionView({ opinion }: { opinion: Opinion }) {
  return (
    <Section title="What the models say" hint={opinionWords(opinion)}>
      <ul className="flex flex-col gap-1.5 text-[13px]">
        {opinion.votes.map(({ model, probability, agrees, shadow }) => (
          <li key={model} className="flex items-center gap-3">
            <span className="w-36 truncate">
              <Foreign text={model} />
            </span>
            <Bar share={probability} tone={agrees ? "bg-bad" : "bg-ok"} />
            <span className="w-14 text-right">{percent(probability)}</span>
            <Badge tone={agrees ? "bad" : "ok"}>{agrees ? "attack" : "harmless"}</Badge>
            {shadow && <span className="text-xs text-muted">on trial, does not count</span>}
          </li>
        ))}
      </ul>
      {opinion.category && <p>Taken for {category(opinion.category)}.</p>}
      {(opinion.skipped?.length ?? 0) > 0 && (
        <p className="text-xs text-muted">
          Not asked: {opinion.skipped?.map(({ model, why }) => `${model} (${skippedWords(why)})`).join(", ")}
        </p>
      )}
      {(opinion.reasons?.length ?? 0) > 0 && (
        <p className="text-xs text-muted">
          What speaks for it most: <Foreign text={opinion.reasons?.map(({ text }) => `“${text}”`).join(", ") ?? ""} />
        </p>
      )}
    </Section>
  );
}

/** A bar of a share; the figure stands beside it. */
export function Bar({ share, tone = "bg-accent" }: { share: number; tone?: string }) {
  const width = `${Math.max(0, Math.min(1, share)) * 100}%`;
  return (
    <span aria-hidden className="block h-1.5 min-w-0 flex-1 overflow-hidden rounded-full bg-sunken">
      <span className={cx("block h-full rounded-full", tone)} style={{ width }} />
    </span>
  );
}
