// What is known of a subject, in sentences. Pure, so that it can be tested without a page.
import type { Ban, Portrait } from "@/api/types";
import { levelLook, levelOf } from "@/lib/levels";
import { DETECTORS, detectorName } from "../logs/words";

/** How bad the risk is, and what it comes mostly from. */
export function riskSentence(portrait: Portrait | null | undefined): string {
  if (!portrait) return "The gateway remembers nothing of it: it was quiet for long, or never here.";
  const risk = Math.round(portrait.risk);
  if (risk < 1) return "Nothing speaks against it.";
  const word = levelLook(levelOf(portrait.risk))?.word.toLowerCase() ?? "";
  const [first] = portrait.factors;
  const from = first ? `, mostly for ${lower(detectorName(first.detector))}` : "";
  return `Its risk was ${risk} of 100 when it was last seen: ${word}${from}.`;
}

/** Lower case at the beginning, unless it is an abbreviation. */
const lower = (text: string) => (/^[A-Z]{2}/.test(text) ? text : text.charAt(0).toLowerCase() + text.slice(1));

/** How well it is known, from how much was seen. */
export function knownWords(confidence: number): string {
  if (confidence < 0.25) return "hardly: few requests so far";
  if (confidence < 0.6) return "somewhat";
  return confidence < 0.85 ? "well" : "very well";
}

/** For what somebody is banned: a detector's name, or the words of whoever did it. */
export const causeWords = (cause: string): string => (DETECTORS[cause] ? detectorName(cause) : cause);

/** Whether a detector banned them. */
export const byGateway = (ban: Ban): boolean => !ban.author;

/** Whether a text can be the name of a subject, to be looked up although no list has it. */
export const canBeSubject = (text: string): boolean =>
  /^(address|client|user|session|key|prefix|system):\S/.test(text) ||
  /^[0-9]{1,3}(\.[0-9]{1,3}){3}$/.test(text) ||
  /^[0-9a-f:]*:[0-9a-f:.]*$/i.test(text);
