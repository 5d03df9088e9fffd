// What a model is, in words. Pure.
import { title } from "@/lib/format";
import type { Confusion, Figures, Model } from "./api";

export const GROUPS: Record<string, { name: string; what: string }> = {
  supervised: { name: "Learned from attacks", what: "was shown attacks and harmless requests" },
  unsupervised: {
    name: "Learned from normal traffic",
    what: "was shown harmless requests only and knows what is unusual",
  },
  neural: { name: "Neural networks", what: "reads the request much like a text" },
};
export const groupWord = (group: string | undefined): string =>
  group ? (GROUPS[group]?.name ?? title(group)) : "Names the attack";

const VIEWS: Record<string, string> = {
  request: "the whole request",
  fields: "each field",
  characters: "the characters",
  behaviour: "what is known of the client",
  sequence: "the client's last 32 requests",
};
export const viewWord = (view: string): string => VIEWS[view] ?? view;

const REASONS: Record<string, string> = {
  deadline: "took too long",
  clear: "were settled by the first two models",
  "not-grey": "were clear without it",
  "no-history": "came from clients nobody knew yet",
  busy: "came when it was busy",
  absent: "had nothing for it to judge",
  failed: "made it fail",
};
export const reasonWord = (reason: string): string => REASONS[reason] ?? title(reason);

export type Standing = { word: string; tone: "ok" | "neutral" | "bad" | "info"; why: string };
/** Whether it runs, and whether it has a say. */
export function standingOf(model: Pick<Model, "state" | "why" | "shadow" | "weight" | "role">): Standing {
  if (model.state === "down") return { word: "Down", tone: "bad", why: model.why || "It cannot be run." };
  if (model.state === "off") return { word: "Off", tone: "neutral", why: "The manifest switches it off." };
  if (model.shadow)
    return { word: "Only shown", tone: "info", why: "It runs and its votes are shown; they count for nothing." };
  if (model.weight === 0 && model.role !== "classifier")
    return { word: "No weight", tone: "info", why: "Its votes count for nothing." };
  return { word: "Up", tone: "ok", why: "It runs and has a say." };
}

/** The share of its votes that said attack; null before the first. */
export const agreementOf = ({ counts }: Pick<Model, "counts">): number | null =>
  counts.votes > 0 ? counts.agreed / counts.votes : null;

/** "1 in 2,585", which says more than 0.04 %. */
export function oneIn(share: number | null | undefined): string {
  if (share === null || share === undefined) return "not measured";
  if (share <= 0) return "none";
  return `1 in ${Math.round(1 / share).toLocaleString("en")}`;
}

/** Detection where fewest harmless requests are wronged. */
export const strictest = (figures: Figures | null | undefined) =>
  [...(figures?.at ?? [])].sort((a, b) => a.wronged - b.wronged)[0];

/** Each row of the square as shares of its class. */
export const sharesOf = ({ rows }: Confusion): number[][] =>
  rows.map((row) => {
    const whole = row.reduce((sum, amount) => sum + amount, 0) || 1;
    return row.map((amount) => amount / whole);
  });

/** The two best known networks: one looks at short stretches (CNN), one reads from both ends (BiLSTM). */
export function networks(models: readonly Model[]): [Model, Model] | null {
  const cnn = models.find(({ name }) => /cnn/i.test(name));
  const lstm = models.find(({ name }) => /bi-?lstm/i.test(name)) ?? models.find(({ name }) => /lstm/i.test(name));
  return cnn && lstm ? [cnn, lstm] : null;
}

/** The part of a ROC curve that anybody would use: at most 5 of 100 harmless requests wronged. */
export function startOf(roc: readonly { wronged: number; detected: number }[], most = 0.05) {
  const rows = roc
    .map(({ wronged, detected }) => ({ wronged, detected }))
    .sort((a, b) => a.wronged - b.wronged || a.detected - b.detected);
  const start = rows.filter(({ wronged }) => wronged <= most);
  return start.length > 1 ? start : rows;
}
