// Sentences, the score's arithmetic, and the copied command.
import { describe, expect, it } from "vitest";
import type { LogDetail, Verdict } from "@/api/types";
import { curlLike, quoted } from "./curl";
import { entryOf } from "./fixture";
import { arithmetic, parts, together } from "./score";
import { reactionWords, sentence, subjectParts, subjectsOf, subjectWords } from "./words";

describe("what happened", () => {
  it.each([
    [{}, "Nothing suspicious was found"],
    [{ action: "deny", score: 90 }, "never reached your API (score 90 of 100)"],
    [{ action: "throttle", score: 64.6 }, "slow down (score 65 of 100)"],
    [{ action: "tag", score: 41 }, "with a warning header"],
    [{ would: "deny", score: 90 }, "Enforced, it would have been denied"],
    [{ action: "deny", ban: "address:192.0.2.7", level: "" }, "because the address 192.0.2.7 is banned"],
    [{ action: "throttle", limit: "client", status: 429 }, "the limit “client” allows"],
    [{ level: "", mode: "off" }, "its policy is off"],
    [{ score: 5, rules: ["bot-http-library"] }, "it weighs little (score 5 of 100)"],
    [{ outcome: "upstream-error", status: 502 }, "the service behind the gateway failed"],
    [{ outcome: "refused", status: 400 }, "malformed or ambiguous"],
  ])("%j", (part, words) => {
    expect(sentence(entryOf(part))).toContain(words);
  });

  it("names subjects", () => {
    expect(subjectWords("user:0123456789abcdef")).toBe("the user 0123456789abcdef");
    expect(subjectWords("2001:db8::1")).toBe("2001:db8::1");
    expect(subjectParts("address:2001:db8::/64")).toEqual(["Address", "2001:db8::/64"]);
    expect(subjectsOf(entryOf({ session: "session:1", key: "key:2" }))).toEqual([
      "address:192.0.2.7",
      "session:1",
      "key:2",
    ]);
  });

  it("says how behaviour reacted", () => {
    expect(reactionWords("none")).toBe("");
    expect(reactionWords({ throttle: { retry_after: 10, delay: 1 } })).toContain("after 10 s");
    expect(reactionWords({ ban: { subject: "session:ab", lasts: 1200, offences: 2 } })).toBe(
      "The session ab was banned for 20 min, for the 2nd time.",
    );
  });
});

describe("the score", () => {
  const finding = (score: number, field: string, category = "sqli", rule = "r") =>
    ({ rule, score, category, location: "query", field }) as NonNullable<Verdict["evidence"]>[number];
  const thresholds = { tag: 40, throttle: 60, deny: 80 };

  it.each([
    [[], 0],
    [[90], 90],
    [[56, 56], 80.6],
    [[56, 56, 56], 91.5],
    [[100, 5], 100],
  ])("%j makes %d", (scores, score) => {
    expect(together(scores)).toBe(score);
  });

  it("adds within a field and kind only, and leaves behaviour out", () => {
    const verdict = {
      score: 80.6,
      evidence: [
        finding(56, "q"),
        finding(56, "q"),
        finding(56, "other"),
        finding(30, "q", "xss"),
        finding(95, "", "bot", "behaviour-flood"),
      ],
    } as Verdict;
    expect(parts(verdict).map(({ place, score }) => [place, score])).toEqual([
      ["query q", 80.6],
      ["query other", 56],
      ["query q", 30],
    ]);
    const lines = arithmetic(verdict, thresholds);
    expect(lines[0]).toContain("weigh 56, 56");
    expect(lines[0]).toContain("80.6 of 100");
    expect(lines.at(-1)).toBe("The score is 80.6. The policy denies from 80 on.");
  });

  it.each([
    [0, "No rule found anything"],
    [39.9, "Nothing happens below 40"],
    [40, "tags from 40"],
    [60, "slows down from 60"],
    [80, "denies from 80"],
  ])("%d", (score, words) => {
    const evidence = score > 0 ? [finding(score, "q")] : [];
    expect(arithmetic({ score, evidence } as Verdict, thresholds).join(" ")).toContain(words);
  });
});

describe("a copied request", () => {
  const detail = (entry: Parameters<typeof entryOf>[0], request?: object): LogDetail =>
    ({
      entry: entryOf(entry),
      record: { scheme: "https", ...(request ? { capture: { request } } : {}) },
    }) as unknown as LogDetail;

  it("is one commented line, quoted", () => {
    const line = curlLike(
      detail(
        { method: "POST", path: "/a'$(id)", query: "x=`id`\n&y=\u001b[31m" },
        { headers: [["x-a", "1\r\nrm -rf /"]], body: "a'b" },
      ),
    );
    expect(line.startsWith("# curl ")).toBe(true);
    expect([...line].every((character) => character >= " ")).toBe(true);
    expect(line).toContain(`'https://shop.example/a'\\''$(id)`);
    expect(line).toContain(`--data-binary 'a'\\''b'`);
  });

  it("quotes quotes", () => {
    expect(quoted("a'b")).toBe(`'a'\\''b'`);
  });
});
