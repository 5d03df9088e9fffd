// Levels and actions: one colour, one sign and one word each, everywhere.
import { Ban, CircleAlert, CircleCheck, type LucideIcon, OctagonAlert, Snail, Tag, TriangleAlert } from "lucide-react";
import type { Action, Level } from "@/api/types";

export interface Look {
  word: string;
  icon: LucideIcon;
  /** Classes for a soft badge. */
  soft: string;
  /** Classes for text alone. */
  text: string;
  /** For charts and marks. */
  colour: string;
}

export const LEVELS: readonly Level[] = ["LOW", "MEDIUM", "HIGH", "CRITICAL"];
export const ACTIONS: readonly Action[] = ["allow", "tag", "throttle", "deny"];

// Written out, since Tailwind keeps only the classes that it can read.
const TONES = {
  ok: { soft: "bg-ok-soft text-ok", text: "text-ok", colour: "var(--c-ok)" },
  info: { soft: "bg-info-soft text-info", text: "text-info", colour: "var(--c-info)" },
  warn: { soft: "bg-warn-soft text-warn", text: "text-warn", colour: "var(--c-medium)" },
  high: { soft: "bg-high-soft text-high", text: "text-high", colour: "var(--c-severe)" },
  bad: { soft: "bg-bad-soft text-bad", text: "text-bad", colour: "var(--c-bad)" },
};

const LEVEL_LOOKS: Record<Level, Look> = {
  LOW: look("Low", CircleCheck, "ok"),
  MEDIUM: look("Medium", CircleAlert, "warn"),
  HIGH: look("High", TriangleAlert, "high"),
  CRITICAL: look("Critical", OctagonAlert, "bad"),
};
const ACTION_LOOKS: Record<Action, Look> = {
  allow: look("Allowed", CircleCheck, "ok"),
  tag: look("Tagged", Tag, "info"),
  throttle: look("Slowed", Snail, "warn"),
  deny: look("Denied", Ban, "bad"),
};

function look(word: string, icon: LucideIcon, tone: "ok" | "info" | "warn" | "high" | "bad"): Look {
  return { word, icon, ...TONES[tone] };
}

/** The look of a level; an unknown or empty one has none. */
export const levelLook = (level: string | null | undefined): Look | undefined => LEVEL_LOOKS[level as Level];
/** The look of an action. */
export const actionLook = (action: string | null | undefined): Look | undefined => ACTION_LOOKS[action as Action];

/** The level of a threat score, by the engine's bounds. */
export function levelOf(score: number): Level {
  if (score >= 80) return "CRITICAL";
  if (score >= 60) return "HIGH";
  return score >= 40 ? "MEDIUM" : "LOW";
}
