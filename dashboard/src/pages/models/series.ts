// What the models said over time, made into rows for charts. Pure.
import { type Agreement, accuracyOf, type FeedbackSums } from "@/api/feedback";
import type { VoteSeries } from "./api";

export type ShareRow = { time: number } & Record<string, number | null>;

const NONE: Agreement = { caught: 0, missed: 0, wronged: 0, cleared: 0 };
const plus = (a: Agreement, b: Agreement): Agreement => ({
  caught: a.caught + b.caught,
  missed: a.missed + b.missed,
  wronged: a.wronged + b.wronged,
  cleared: a.cleared + b.cleared,
});

/** The names among `wanted` that have said anything in these points. */
export function speaking(points: readonly { models: Record<string, unknown> }[], wanted: readonly string[]): string[] {
  const known = new Set(points.flatMap(({ models }) => Object.keys(models)));
  return wanted.filter((name) => known.has(name));
}

/** The share of its votes that said attack, a row for each point; null where it had none. */
export const saidRows = (points: VoteSeries["points"], names: readonly string[]): ShareRow[] =>
  points.map(({ start, models }) => row(start, names, (name) => shareOf(models[name]?.agreed, models[name]?.votes)));

/**
 * The accuracy by all marks up to each point: marks are few, and a share of two of them would jump. Ends where the
 * whole of the time ends.
 */
export function accuracyRows(
  points: readonly { start: string; sums: Pick<FeedbackSums, "models"> }[],
  names: readonly string[],
): ShareRow[] {
  const sums: Record<string, Agreement> = {};
  return points.flatMap(({ start, sums: { models } }) => {
    if (Object.keys(models).length === 0) return [];
    for (const [name, judged] of Object.entries(models)) sums[name] = plus(sums[name] ?? NONE, judged);
    return [row(start, names, (name) => accuracyOf(sums[name] ?? NONE))];
  });
}

/** The accuracy of each over the whole time, the best first; those without a marked record are left out. */
export function accuracies(models: Record<string, Agreement>, names: readonly string[]) {
  return names
    .flatMap((name) => {
      const judged = models[name];
      const accuracy = judged ? accuracyOf(judged) : null;
      return judged && accuracy !== null ? [{ name, accuracy, ...judged }] : [];
    })
    .sort((a, b) => b.accuracy - a.accuracy || a.name.localeCompare(b.name));
}

function row(start: string, names: readonly string[], value: (name: string) => number | null): ShareRow {
  return Object.fromEntries([["time", Date.parse(start)], ...names.map((name) => [name, value(name)])]) as ShareRow;
}
const shareOf = (part = 0, whole = 0): number | null => (whole > 0 ? part / whole : null);
