import { describe, expect, it } from "vitest";
import { cut, shorten, stretches, visible } from "./text";

describe("visible", () => {
  it.each([
    ["plain text, ünïcode and 漢字 stay", "plain text, ünïcode and 漢字 stay"],
    ["a\u0000b", "a␀b"],
    ["a\rb", "a␍b"],
    ["a\u007fb", "a␡b"],
    ["a\u001b[31mb", "a␛[31mb"],
    ["user\u202egnp.exe", "user⟨U+202E⟩gnp.exe"],
    ["a\u200bb\ufeff", "a⟨U+200B⟩b⟨U+FEFF⟩"],
    ["a\nb\tc", "a⏎b⇥c"],
    ["", ""],
  ])("%j becomes %j", (text, expected) => {
    expect(visible(text)).toBe(expected);
  });

  it("keeps lines and tabs where lines are shown", () => {
    expect(stretches("a\n\tb")).toEqual([{ text: "a\n\tb", sign: false }]);
  });
});

describe("cut", () => {
  it.each([
    ["abcdef", 2, 4, ["ab", "cd", "ef"]],
    ["äöü", 2, 4, ["ä", "ö", "ü"]],
    ["漢字x", 3, 6, ["漢", "字", "x"]],
    ["abc", 1, 99, ["a", "bc", ""]],
    ["abc", -5, 1, ["", "a", "bc"]],
    ["abc", 2, 1, ["ab", "", "c"]],
  ])("%j from %i to %i", (text, from, to, expected) => {
    expect(cut(text, from, to)).toEqual(expected);
  });
});

describe("shorten", () => {
  it("counts characters, not code units", () => {
    expect(shorten("😀😀😀😀", 3)).toBe("😀😀…");
    expect(shorten("abc", 3)).toBe("abc");
  });
});
