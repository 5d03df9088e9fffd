// How each model voted on a request, where models were asked.
import type { LogDetail } from "@/api/types";
import { decimal, percent } from "@/lib/format";
import { Badge, Foreign } from "@/ui";

interface Vote {
  model: string;
  probability: number;
  agrees: boolean;
  shadow?: boolean;
}
export interface Opinion {
  probability: number;
  agreeing: number;
  voting: number;
  effect: string;
  votes: readonly Vote[];
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null;

/** What the models made of it: it stands in the record as it was written, if it does. */
export function opinionOf({ record }: Pick<LogDetail, "record">): Opinion | undefined {
  const verdict = isObject(record) ? (record as Record<string, unknown>).verdict : undefined;
  const said = isObject(verdict) ? verdict.ensemble : undefined;
  if (!isObject(said) || !Array.isArray(said.votes)) return undefined;
  const votes = said.votes.filter(
    (vote): vote is Vote => isObject(vote) && typeof vote.model === "string" && typeof vote.probability === "number",
  );
  if (votes.length === 0) return undefined;
  const number = (value: unknown, fallback: number) => (typeof value === "number" ? value : fallback);
  return {
    probability: number(said.probability, 0),
    agreeing: number(said.agreeing, votes.filter(({ agrees }) => agrees).length),
    voting: number(said.voting, votes.length),
    effect: typeof said.effect === "string" ? said.effect : "none",
    votes,
  };
}

const EFFECTS: Record<string, string> = {
  none: "They left the score as it was.",
  lowered: "They lowered the score.",
  raised: "They raised the score.",
  denied: "They were sure enough to deny it.",
};

export function Votes({ opinion }: { opinion: Opinion }) {
  const { agreeing, voting, probability, effect, votes } = opinion;
  return (
    <section className="flex flex-col gap-2 rounded-lg border border-line p-3" aria-label="Votes of the models">
      <p className="font-medium">
        {agreeing} of {voting} models take it for an attack
      </p>
      <p className="text-xs text-muted">
        Together: {percent(probability)} likely. {EFFECTS[effect] ?? ""}
      </p>
      <ul className="flex flex-col gap-1.5 text-[13px]">
        {votes.map(({ model, probability: own, agrees, shadow }) => (
          <li key={model} className="flex items-center gap-3">
            <span className="w-32 truncate">
              <Foreign text={model} />
            </span>
            <svg viewBox="0 0 100 4" preserveAspectRatio="none" className="h-1 min-w-0 flex-1" aria-hidden>
              <rect width="100" height="4" fill="var(--c-sunken)" />
              <rect width={Math.min(1, own) * 100} height="4" fill={agrees ? "var(--c-bad)" : "var(--c-ok)"} />
            </svg>
            <span className="w-14 text-right">{decimal(own * 100)} %</span>
            <span className="w-20">
              {shadow ? (
                <Badge>No say</Badge>
              ) : (
                <Badge tone={agrees ? "bad" : "ok"}>{agrees ? "Attack" : "Harmless"}</Badge>
              )}
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}
