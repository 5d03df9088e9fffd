// One subject: how risky and why, what it did last, whether it is banned, and what can be done about it.
import { Ban as BanIcon, LockOpen, ScrollText } from "lucide-react";
import { type ReactNode, useState } from "react";
import { Link } from "wouter";
import { useApi } from "@/api/queries";
import type { Ban, LogEntry, Portrait, Subject } from "@/api/types";
import { cx } from "@/lib/cx";
import { clock, count, dayTime, decimal, fullTime, percent } from "@/lib/format";
import { levelLook, levelOf } from "@/lib/levels";
import { useMay } from "@/shell/session";
import { ActionBadge, Ago, Button, Drawer, Empty, Foreign, KeyValue, LevelBadge, Loaded } from "@/ui";
import { found } from "../logs/table";
import { Bar, Section } from "../logs/verdict";
import { capital, DETECTORS, detectorName, subjectWords } from "../logs/words";
import { BanDialog } from "./ban";
import { useLift } from "./bans";
import { byGateway, causeWords, knownWords, riskSentence } from "./words";

export function SubjectDrawer({ id, onClose }: { id: string; onClose: () => void }) {
  const query = useApi("/api/v1/subjects/{id}", { path: { id } }, { enabled: id !== "", refetchInterval: 5_000 });
  return (
    <Drawer
      open={id !== ""}
      onClose={onClose}
      title={<Foreign text={capital(subjectWords(query.data?.subject ?? id))} />}
      footer={query.data && <Actions subject={query.data} />}
    >
      <Loaded query={query}>{(data) => <Detail subject={data} />}</Loaded>
    </Drawer>
  );
}

function Detail({ subject }: { subject: Subject }) {
  const { profile, ban, timeline } = subject;
  return (
    <div className="flex flex-col gap-6">
      <Summary profile={profile} ban={ban} />
      {profile && profile.factors.length > 0 && <Factors profile={profile} />}
      {profile && <Profile profile={profile} />}
      {profile && profile.steps.length > 0 && <Steps profile={profile} />}
      <Section title="What it did last">
        {timeline.length === 0 ? (
          <Empty title="No exchanges of it in the store">
            Records name addresses, users, sessions and API keys; of other kinds nothing can be listed.
          </Empty>
        ) : (
          <ol className="flex flex-col divide-y divide-line rounded-lg border border-line">
            {timeline.map((entry) => (
              <Exchange key={entry.id} entry={entry} />
            ))}
          </ol>
        )}
      </Section>
    </div>
  );
}

function Summary({ profile, ban }: { profile: Portrait | null | undefined; ban: Ban | null | undefined }) {
  const risky = profile && profile.risk >= 1;
  const look = ban ? levelLook("CRITICAL") : risky ? levelLook(levelOf(profile.risk)) : undefined;
  return (
    <div className={cx("flex flex-col gap-2 rounded-lg p-4", look?.soft ?? "bg-sunken")}>
      {risky && (
        <div className="flex flex-wrap items-center gap-2">
          <LevelBadge level={levelOf(profile.risk)} />
        </div>
      )}
      {ban && (
        <p className="text-[15px] font-medium text-text">
          Banned <Ago when={ban.since} />
          {byGateway(ban) ? " by the gateway" : " by "}
          {ban.author && <Foreign text={ban.author} />} for <Foreign text={causeWords(ban.cause)} />.{" "}
          {ban.until ? `The ban ends at ${dayTime(ban.until)}.` : "It holds until somebody lifts it."}
        </p>
      )}
      <p className={cx("text-text", !ban && "text-[15px] font-medium")}>{riskSentence(profile)}</p>
    </div>
  );
}

function Factors({ profile }: { profile: Portrait }) {
  return (
    <Section
      title="What the risk comes from"
      hint="The strongest score of late of each detector, 0 to 100. Risk fades by itself when nothing is added."
    >
      <ul className="flex flex-col gap-3">
        {profile.factors.map(({ detector, score }) => (
          <li key={detector} className="flex flex-col gap-1">
            <span className="flex items-baseline gap-3">
              <span className="flex-1 font-medium">{detectorName(detector)}</span>
              <span>{score}</span>
            </span>
            <span className="flex">
              <Bar share={score / 100} tone={score >= 80 ? "bg-bad" : score >= 60 ? "bg-high" : "bg-warn"} />
            </span>
            <span className="text-xs text-muted">{DETECTORS[detector]?.why}</span>
          </li>
        ))}
      </ul>
    </Section>
  );
}

function Profile({ profile }: { profile: Portrait }) {
  const { rates } = profile;
  return (
    <Section title="Profile">
      <KeyValue
        items={[
          ["First seen", <Time key="first" when={profile.first_seen} />],
          ["Last seen", <Time key="last" when={profile.last_seen} />],
          ["Requests", count(profile.requests)],
          [
            "Lately",
            `about ${decimal(rates.minute)} in a minute, ${decimal(rates.ten_minutes)} in ten, ${decimal(rates.hour)} in an hour`,
          ],
          ["Errors", `${percent(profile.error_share)} of the answers of the last minutes`],
          ["Failed log-ins", `${decimal(profile.login_failures)} within an hour`],
          ["Known", knownWords(profile.confidence)],
        ]}
      />
      <p className="text-xs text-muted">Rates and failures fade as time passes, so they are seldom whole numbers.</p>
    </Section>
  );
}

function Time({ when }: { when: string }) {
  return (
    <span>
      <Ago when={when} /> <span className="text-muted">({fullTime(when)})</span>
    </span>
  );
}

/** Its last requests as marks, so that a rhythm shows: what failed, what a detector noticed. */
function Steps({ profile }: { profile: Portrait }) {
  const { steps } = profile;
  const failed = steps.filter(({ status }) => status >= 400).length;
  const noticed = steps.filter((step) => step.noticed).length;
  return (
    <Section
      title={`Its last ${steps.length} requests`}
      hint={`Oldest first. Answered with an error: ${failed}. Noticed by a detector: ${noticed}.`}
    >
      <ol className="flex flex-wrap gap-1" aria-hidden>
        {steps.map((step, index) => (
          <li
            key={index}
            title={`${step.status || "no answer"}, ${decimal(step.gap_ms / 1000)} s after the one before${step.login ? ", a log-in" : ""}${step.writes ? ", writes" : ""}`}
            className={cx(
              "grid size-6 place-items-center rounded-sm text-[10px] font-medium",
              step.status >= 400 ? "bg-bad-soft text-bad" : "bg-sunken text-muted",
              step.noticed && "outline-2 -outline-offset-2 outline-bad",
            )}
          >
            {step.login ? "L" : step.writes ? "W" : step.asset ? "·" : "R"}
          </li>
        ))}
      </ol>
      <p className="text-xs text-muted" aria-hidden>
        R reads, W writes, L logs in, · fetches a part of a page; red was answered with an error, a frame means noticed.
      </p>
    </Section>
  );
}

function Exchange({ entry }: { entry: LogEntry }) {
  const about = found(entry);
  return (
    <li>
      <Link
        href={`/logs?open=${encodeURIComponent(entry.id)}&live=off`}
        className="flex items-center gap-3 px-3 py-2 text-[13px] hover:bg-hover"
      >
        <time className="w-16 shrink-0 text-muted" title={fullTime(entry.time)} dateTime={entry.time}>
          {clock(entry.time)}
        </time>
        <span className="min-w-0 flex-1">
          <span className="block truncate">
            <Foreign text={entry.method} className="mr-2 text-muted" />
            <Foreign text={entry.path} />
          </span>
          {about && (
            <span className="block truncate text-xs text-muted">
              <Foreign text={about} />
            </span>
          )}
        </span>
        {(entry.action !== "allow" || entry.would) && <ActionBadge action={entry.action} would={entry.would} />}
        <span className={cx("w-10 text-right", entry.status >= 400 ? "text-bad" : "text-muted")}>
          {entry.status || "none"}
        </span>
      </Link>
    </li>
  );
}

function Actions({ subject }: { subject: Subject }) {
  const [banning, setBanning] = useState(false);
  const mayBan = useMay("analyst");
  const { lift, busy } = useLift();
  const [first] = subject.profile?.factors ?? [];
  return (
    <>
      <Side>
        <Link
          href={`/logs?subject=${encodeURIComponent(subject.subject)}`}
          className="inline-flex h-8 items-center gap-1.5 font-medium text-accent hover:underline"
        >
          <ScrollText className="size-4" aria-hidden />
          All in the logs
        </Link>
      </Side>
      {mayBan && subject.ban && (
        <Button icon={LockOpen} busy={busy} onClick={() => lift(subject.subject)}>
          Lift the ban
        </Button>
      )}
      {mayBan && !subject.ban && (
        <Button variant="danger" icon={BanIcon} onClick={() => setBanning(true)}>
          Ban
        </Button>
      )}
      <BanDialog
        open={banning}
        onClose={() => setBanning(false)}
        subjects={[subject.subject]}
        cause={first ? detectorName(first.detector) : ""}
      />
    </>
  );
}

function Side({ children }: { children: ReactNode }) {
  return <span className="mr-auto">{children}</span>;
}
