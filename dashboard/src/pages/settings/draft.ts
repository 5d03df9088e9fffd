// What is to change of a policy, as a document over the file, and in words. Pure: the page only draws this.
import type { Overlay, Policy, Schemas } from "@/api/types";

export type Mode = Schemas["Mode"];
type Change = Schemas["Change"];

/** The settings of a policy that can be changed here. */
export type Setting = "mode" | "tag" | "throttle" | "deny" | "paranoia";
export const SETTINGS: readonly Setting[] = ["mode", "tag", "throttle", "deny", "paranoia"];
export type Value = string | number;
/** What was touched: a new value, or null for what the file says. What is absent stays. */
export type Draft = Partial<Record<Setting, Value | null>>;

export const NEVER = 101;

export const SETTING_NAMES: Record<Setting, string> = {
  mode: "Mode",
  tag: "Mark from score",
  throttle: "Slow down from score",
  deny: "Deny from score",
  paranoia: "Strictness",
};
export const MODE_NAMES: Record<Mode, string> = { enforce: "Protecting", observe: "Only watching", off: "Off" };
export const MODE_HINTS: Record<Mode, string> = {
  enforce: "Verdicts are carried out.",
  observe: "Verdicts are written down; nothing is stopped.",
  off: "Nothing is inspected. Attacks pass unseen.",
};
export const PARANOIA_NAMES: Record<number, string> = {
  1: "1 · few false alarms",
  2: "2 · stricter",
  3: "3 · strict",
  4: "4 · strictest",
};

const isThreshold = (setting: Setting): setting is "tag" | "throttle" | "deny" =>
  setting === "tag" || setting === "throttle" || setting === "deny";

/** The value that serves. */
export function serving(policy: Policy, setting: Setting): Value {
  if (isThreshold(setting)) return policy.thresholds[setting];
  return setting === "mode" ? policy.mode : policy.paranoia;
}

/** The value that lies over the file; undefined where the file speaks. */
export function over(overlay: Overlay, name: string, setting: Setting): Value | undefined {
  const layer = overlay.policies?.[name];
  if (isThreshold(setting)) return layer?.thresholds?.[setting];
  return setting === "mode" ? layer?.mode : layer?.paranoia;
}

/** The overlay with a draft for one policy laid over it. Everything else in it stays, exceptions above all. */
export function overlayWith(overlay: Overlay, name: string, draft: Draft): Overlay {
  const { thresholds: before, mode, paranoia, ...rest } = overlay.policies?.[name] ?? {};
  const thresholds: Record<string, Value> = { ...before };
  const plain: Record<string, Value> = {};
  if (mode !== undefined) plain.mode = mode;
  if (paranoia !== undefined) plain.paranoia = paranoia;
  for (const setting of SETTINGS) {
    const value = draft[setting];
    if (value === undefined) continue;
    const into = isThreshold(setting) ? thresholds : plain;
    if (value === null) delete into[setting];
    else into[setting] = value;
  }
  const layer = { ...rest, ...plain, ...(Object.keys(thresholds).length > 0 ? { thresholds } : {}) };
  const policies = { ...overlay.policies, [name]: layer };
  if (Object.keys(layer).length === 0) delete policies[name];
  return { ...overlay, policies } as Overlay;
}

export interface Difference {
  name: string;
  before: string;
  after: string;
}

/** What the draft would change of a policy as it serves now; what would stay as it is, is left out. */
export function differences(policy: Policy, overlay: Overlay, draft: Draft): Difference[] {
  return SETTINGS.flatMap((setting) => {
    const value = draft[setting];
    if (value === undefined) return [];
    const layer = over(overlay, policy.name, setting);
    if (value === null && layer === undefined) return [];
    if (value !== null && value === serving(policy, setting)) return [];
    const after = value === null ? "as the file says" : inWords(setting, value);
    return [{ name: SETTING_NAMES[setting], before: inWords(setting, serving(policy, setting)), after }];
  });
}

/** Only what differs from what serves: a value that was put back is no change. */
export function touched(policy: Policy, overlay: Overlay, draft: Draft): Draft {
  return Object.fromEntries(
    Object.entries(draft).filter(([setting, value]) =>
      value === null
        ? over(overlay, policy.name, setting as Setting) !== undefined
        : value !== serving(policy, setting as Setting),
    ),
  );
}

/** What is wrong with the scores, in a sentence. A value that goes back to the file is the gateway's to judge. */
export function problemOf(policy: Policy, draft: Draft): string | null {
  const value = (setting: "tag" | "throttle" | "deny") => {
    const drafted = draft[setting];
    return drafted === null ? null : Number(drafted ?? policy.thresholds[setting]);
  };
  const [tag, throttle, deny] = [value("tag"), value("throttle"), value("deny")];
  for (const score of [tag, throttle, deny]) {
    if (score !== null && !(Number.isInteger(score) && score >= 1 && score <= NEVER)) {
      return "Scores are whole numbers from 1 to 100; 101 means never.";
    }
  }
  const falls = (low: number | null, high: number | null) => low !== null && high !== null && low > high;
  if (falls(tag, throttle) || falls(throttle, deny) || falls(tag, deny)) {
    return "Scores must ascend: mark, then slow down, then deny.";
  }
  return null;
}

/** What a reader should think about twice before it is saved. */
export function warningOf(policy: Policy, draft: Draft): string | null {
  if (draft.mode === "off" && policy.mode !== "off") return "Nothing will be inspected on these routes.";
  if (draft.mode === "observe" && policy.mode === "enforce") return "Attacks will be written down, but not stopped.";
  if (draft.deny === NEVER && policy.thresholds.deny !== NEVER) return "No request will be denied for its score.";
  return null;
}

export function inWords(setting: Setting, value: Value): string {
  if (setting === "mode") return MODE_NAMES[value as Mode] ?? String(value);
  if (setting === "paranoia") return PARANOIA_NAMES[Number(value)] ?? String(value);
  return Number(value) > 100 ? "never" : String(value);
}

const MODEL_SETTINGS: Record<string, string> = {
  weight: "Weight",
  shadow: "Without a say",
  threshold: "Says attack from",
};
/** Whether nothing lies over the file. */
export const isBare = (overlay: Overlay): boolean =>
  Object.values(overlay).every((layers) => Object.keys(layers ?? {}).length === 0);

const SUFFIXES: readonly [string, Setting][] = [
  [".mode", "mode"],
  [".thresholds.tag", "tag"],
  [".thresholds.throttle", "throttle"],
  [".thresholds.deny", "deny"],
  [".paranoia", "paranoia"],
];
const HEAD = "policies.";

/** A change of a version in words: which policy, which setting, from what to what. */
export function changeInWords(change: Change): Difference & { policy: string } {
  const path = change.path.startsWith(HEAD) ? change.path.slice(HEAD.length) : change.path;
  for (const [suffix, setting] of SUFFIXES) {
    if (!path.endsWith(suffix)) continue;
    const word = (value: unknown) => (isValue(value) ? inWords(setting, value) : "as the file says");
    const policy = path.slice(0, -suffix.length);
    return { policy, name: SETTING_NAMES[setting], before: word(change.before), after: word(change.after) };
  }
  if (path.endsWith(".exceptions")) {
    const policy = path.slice(0, -".exceptions".length);
    return { policy, name: "Exceptions", before: amount(change.before), after: amount(change.after) };
  }
  const word = (value: unknown) => (value === undefined || value === null ? "as shipped" : JSON.stringify(value));
  const model = /^models\.(.+)\.(weight|shadow|threshold)$/.exec(change.path);
  if (model?.[1] && model[2]) {
    const name = MODEL_SETTINGS[model[2]] ?? model[2];
    return { policy: `Model ${model[1]}`, name, before: word(change.before), after: word(change.after) };
  }
  return { policy: "", name: change.path, before: word(change.before), after: word(change.after) };
}

const isValue = (value: unknown): value is Value => typeof value === "string" || typeof value === "number";
const amount = (value: unknown): string => {
  const many = Array.isArray(value) ? value.length : 0;
  return many === 0 ? "none" : `${many} made by API`;
};
