// The score's arithmetic, step by step: what `docs/RULES.md` (Score) and `docs/BEHAVIOUR.md` (Risk) say, applied to one
// verdict and put into words.
import type { Verdict } from "@/api/types";
import { category, decimal, title } from "@/lib/format";
import type { Behaviour, Opinion } from "./words";

export interface Thresholds {
  tag: number;
  throttle: number;
  deny: number;
}

/** One field's findings of one kind, combined. */
export interface Part {
  /** `query id`, or empty for the request as a whole. */
  place: string;
  category: string;
  scores: readonly number[];
  score: number;
}

/** The findings by field and kind, the heaviest first. Findings of behaviour count otherwise and are left out. */
export function parts(verdict: Verdict): Part[] {
  const groups = new Map<string, { place: string; category: string; scores: number[] }>();
  for (const { rule, location, field, category: kind = "", score = 0 } of verdict.evidence ?? []) {
    if (rule?.startsWith("behaviour-")) continue;
    const place = [location, field].filter(Boolean).join(" ");
    const key = JSON.stringify([location, field, kind]);
    const group = groups.get(key) ?? { place, category: kind, scores: [] };
    group.scores.push(score);
    groups.set(key, group);
  }
  return [...groups.values()]
    .map((group) => ({ ...group, score: together(group.scores) }))
    .sort((a, b) => b.score - a.score);
}

/** Independent hints at the same thing: 1 − Π(1 − s/100), to a tenth of a point. */
export function together(scores: readonly number[]): number {
  const doubt = scores.reduce((left, score) => left * (1 - Math.min(100, Math.max(0, score)) / 100), 1);
  return Math.round(1000 * (1 - doubt)) / 10;
}

/** The way to the score, a sentence a step. */
export function arithmetic(verdict: Verdict, thresholds?: Thresholds): string[] {
  const all = parts(verdict);
  const [best] = all;
  const score = verdict.score ?? 0;
  const lines: string[] = [];
  if (best) {
    const where = best.place ? `in ${best.place}` : "in the request as a whole";
    const what = category(best.category);
    lines.push(
      best.scores.length === 1
        ? `One finding of ${what} ${where} weighs ${decimal(best.score)}.`
        : `${best.scores.length} findings of ${what} ${where} weigh ${best.scores.join(", ")}. Each removes a part of the doubt that is left, which makes ${decimal(best.score)} of 100.`,
    );
    if (all.length > 1) {
      lines.push(
        `Findings of other kinds or in other places (up to ${decimal(all[1]?.score ?? 0)}) are not added: the heaviest counts.`,
      );
    }
  } else if (score === 0) {
    return ["No rule found anything, so the score is 0."];
  }
  const behaviour = verdict.behaviour as Behaviour | undefined;
  if (behaviour && behaviour.weight > 0) {
    lines.push(`What the client has done before weighs at least ${decimal(behaviour.weight)}.`);
  }
  if (behaviour && behaviour.risk.value >= 1) {
    lines.push(`The client's risk of ${decimal(behaviour.risk.value)} is one more hint, of which a part counts.`);
  }
  const opinion = (verdict as { ensemble?: Opinion }).ensemble;
  if (opinion && opinion.effect !== "none") lines.push(`The models ${opinion.effect} it.`);
  if (thresholds) lines.push(outcome(score, thresholds));
  return lines;
}

/** What the policy's thresholds make of a score. */
export function outcome(score: number, { tag, throttle, deny }: Thresholds): string {
  const value = `The score is ${decimal(score)}`;
  if (score >= deny) return `${value}. The policy denies from ${decimal(deny)} on.`;
  if (score >= throttle)
    return `${value}. The policy slows down from ${decimal(throttle)} on and denies from ${decimal(deny)}.`;
  if (score >= tag)
    return `${value}. The policy tags from ${decimal(tag)} on and slows down from ${decimal(throttle)}.`;
  return `${value}. Nothing happens below ${decimal(tag)}.`;
}

/** Severity as a word. */
export const severityWord = (severity: string): string => title(severity);
