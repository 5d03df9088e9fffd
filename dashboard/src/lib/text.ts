// What an attacker wrote is shown as text, and so that it cannot look like something else: control characters,
// characters that turn the direction of writing, and characters without width get a visible sign.

/** A stretch of text; `sign` stretches stand for a character that would not be seen. */
export interface Stretch {
  text: string;
  sign: boolean;
}

const UNSEEN =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/u;

/** The text with every unseen character replaced by a sign of its own. Line breaks and tabs stay. */
export function stretches(text: string): Stretch[] {
  const out: Stretch[] = [];
  let plain = "";
  for (const character of text) {
    if (!UNSEEN.test(character)) {
      plain += character;
      continue;
    }
    if (plain) out.push({ text: plain, sign: false });
    plain = "";
    out.push({ text: sign(character), sign: true });
  }
  if (plain) out.push({ text: plain, sign: false });
  return out;
}

/** The same as one string, for titles, copies and file names. On one line. */
export const visible = (text: string): string =>
  stretches(text.replace(/[\n\t]/g, (character) => (character === "\n" ? "⏎" : "⇥")))
    .map((part) => part.text)
    .join("");

function sign(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x20) return String.fromCodePoint(0x2400 + code);
  if (code === 0x7f) return "␡";
  return `⟨U+${code.toString(16).toUpperCase().padStart(4, "0")}⟩`;
}

/** At most so many characters, with an ellipsis. Cuts between characters, never within. */
export function shorten(text: string, most: number): string {
  const characters = [...text];
  return characters.length > most ? `${characters.slice(0, most - 1).join("")}…` : text;
}

/** Cuts a text at byte offsets of its UTF-8 form: before, marked, after. Offsets come from the engine. */
export function cut(text: string, from: number, to: number): [string, string, string] {
  const all = new TextEncoder().encode(text);
  const decoder = new TextDecoder();
  const begin = Math.max(0, Math.min(from, all.length));
  const end = Math.max(begin, Math.min(to, all.length));
  return [
    decoder.decode(all.subarray(0, begin)),
    decoder.decode(all.subarray(begin, end)),
    decoder.decode(all.subarray(end)),
  ];
}
