// Text on every surface that it stands on, in both themes: 4.5 to 1 or more (WCAG 2.2, 1.4.3).
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

const css = readFileSync("src/styles.css", "utf8");
const block = (selector: string) => {
  const from = css.indexOf(`${selector} {`);
  const text = css.slice(from, css.indexOf("}", from));
  return new Map([...text.matchAll(/--c-([\w-]+): (#[0-9a-f]{6});/g)].map(([, name, colour]) => [name, colour]));
};
const luminance = (colour: string) => {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
};
const contrast = (one: string, other: string) => {
  const [light = 0, dark = 0] = [luminance(one), luminance(other)].sort((a, b) => b - a);
  return (light + 0.05) / (dark + 0.05);
};

const SURFACES = ["bg", "surface", "raised", "sunken", "hover"];
const TONES = ["ok", "info", "warn", "high", "bad"];
const PAIRS: [string, string][] = [
  ...["text", "muted", "faint", "accent", ...TONES].flatMap((text) =>
    SURFACES.map((surface): [string, string] => [text, surface]),
  ),
  ...[...TONES, "accent"].map((tone): [string, string] => [tone, `${tone}-soft`]),
  ["on-accent", "accent"],
  ["on-accent", "accent-hover"],
  ["on-mark", "mark"],
  ["text", "accent-soft"],
  ["muted", "accent-soft"],
];

describe.each([
  ["light", ":root"],
  ["dark", ':root[data-theme="dark"]'],
])("%s", (_, selector) => {
  const colours = block(selector);
  it.each(PAIRS)("%s on %s", (text, surface) => {
    const [one, other] = [colours.get(text), colours.get(surface)];
    expect(one && other, `${text} or ${surface} is not in the theme`).toBeTruthy();
    expect(contrast(one ?? "", other ?? "")).toBeGreaterThanOrEqual(4.5);
  });
  const marks = [...[1, 2, 3, 4, 5, 6, 7, 8].map((number) => `chart-${number}`), "ok", "medium", "severe", "bad"];
  it.each(marks)("the mark %s is seen on a card", (name) => {
    expect(contrast(colours.get(name) ?? "", colours.get("surface") ?? "")).toBeGreaterThanOrEqual(3);
  });
});
