// Everything that is known of one exchange, in the order of questions: what happened, why, what was asked and
// answered, where the time went, who it was. What can be done about it stands at the end.
import { Ban, ChevronLeft, ChevronRight, CircleSlash, Copy, FlaskConical } from "lucide-react";
import { type ReactNode, useState } from "react";
import { useLocation } from "wouter";
import { useApi } from "@/api/queries";
import type { Evidence, LogDetail, LogEntry } from "@/api/types";
import { bytes, category, fullTime, micros } from "@/lib/format";
import { levelLook } from "@/lib/levels";
import { useMay, useMe } from "@/shell/session";
import {
  ActionBadge,
  Button,
  CodeBlock,
  Drawer,
  Foreign,
  IconButton,
  KeyValue,
  LevelBadge,
  Loaded,
  Tooltip,
  toast,
} from "@/ui";
import { ExceptionDialog, type ExceptionDraft } from "../rules/exception";
import { BanDialog } from "../subjects/ban";
import { curlLike, headersOf, type Side } from "./curl";
import { Said } from "./said";
import { Bar, Section, SubjectLink, VerdictView } from "./verdict";
import { STAGES, sentence, subjectsOf } from "./words";

export interface LogDrawerProps {
  id: string;
  onClose: () => void;
  /** Goes to the next newer (-1) or older (1) one, where there is one. */
  onStep?: (by: 1 | -1) => void;
}

export function LogDrawer({ id, onClose, onStep }: LogDrawerProps) {
  const detail = useApi("/api/v1/logs/{id}", { path: { id } }, { enabled: id !== "", staleTime: 60_000 });
  const entry = detail.data?.entry;
  return (
    <Drawer
      open={id !== ""}
      onClose={onClose}
      className="max-w-3xl"
      title={entry ? <Foreign text={`${entry.method} ${entry.path}`.trim() || "An exchange"} /> : "An exchange"}
      description={entry ? fullTime(entry.time) : undefined}
      footer={detail.data && <Actions detail={detail.data} onStep={onStep} />}
    >
      <Loaded query={detail}>{(data) => <Detail key={id} detail={data} />}</Loaded>
    </Drawer>
  );
}

function Detail({ detail }: { detail: LogDetail }) {
  const { entry, record, verdict } = detail;
  const links = !useMe().tenant;
  const mayExcept = useMay("admin") && links;
  const config = useApi("/api/v1/config", {}, { enabled: links, staleTime: 60_000 });
  const thresholds = config.data?.policies.find(({ name }) => name === entry.policy)?.thresholds;
  const [draft, setDraft] = useState<ExceptionDraft | null>(null);
  const capture = record.capture as { request?: Side; response?: Side } | undefined;
  return (
    <div className="flex flex-col gap-6">
      <Summary entry={entry} />
      {verdict && (
        <VerdictView
          verdict={verdict}
          thresholds={thresholds}
          links={links}
          onExcept={mayExcept ? (finding) => setDraft(draftOf(entry, finding)) : undefined}
        />
      )}
      <Said detail={detail} />
      <Section title="Request">
        <CodeBlock label="The request" text={requestText(entry, record, capture?.request)} />
        {capture?.request?.withheld && <Remark>The body was not kept: secrets could not be looked for in it.</Remark>}
        {capture?.request?.cut && <Remark>The body went on.</Remark>}
        {!capture && <Remark>Headers and body are kept only where the policy says so (capture).</Remark>}
      </Section>
      <Section title="Response">
        <KeyValue
          items={[
            ["Status", entry.status === 0 ? "none: the client got no answer" : String(entry.status)],
            ["How it ended", OUTCOMES[entry.outcome] ?? entry.outcome],
            ["Cause", entry.reason],
            [
              "Answered by",
              entry.upstream ? [entry.upstream, textOf(record.server)].filter(Boolean).join(" · ") : "the gateway",
            ],
            ["Size", `${bytes(entry.bytes_in)} in, ${bytes(entry.bytes_out)} out`],
            ["Done with the answer", textOf(record.response_action)],
          ]}
        />
        {detail.response_verdict && (detail.response_verdict.evidence?.length ?? 0) > 0 && (
          <VerdictView verdict={detail.response_verdict} links={links} />
        )}
        {capture?.response && (
          <CodeBlock label="The answer" text={sideText(capture.response) || "(nothing was kept of it)"} />
        )}
      </Section>
      <Timings detail={detail} />
      <Section title="Who and where">
        <KeyValue
          items={[
            ...subjectsOf(entry).map(
              (subject) =>
                [subjectLabel(subject), <SubjectLink key={subject} subject={subject} links={links} />] as const,
            ),
            ["Connection from", textOf(record.peer)],
            ["Host", entry.host],
            ["Route", entry.route],
            ["Policy", entry.policy && `${entry.policy} (${entry.mode})`],
            ["Protocol", [textOf(record.scheme), textOf(record.protocol)].filter(Boolean).join(", ")],
            ["Gateway", entry.node],
            ["Id", <Foreign key="id" text={entry.id} className="font-mono text-xs" />],
          ]}
        />
      </Section>
      <ExceptionDialog draft={draft} onClose={() => setDraft(null)} />
    </div>
  );
}

function Summary({ entry }: { entry: LogEntry }) {
  const look = levelLook(entry.level);
  const strong = entry.action !== "allow" || entry.would || entry.score >= 40;
  return (
    <div className={`flex flex-col gap-2 rounded-lg p-4 ${strong && look ? look.soft : "bg-sunken"}`}>
      <div className="flex flex-wrap items-center gap-2">
        <ActionBadge action={entry.action} would={entry.would} />
        <LevelBadge level={entry.level} />
        {entry.category && <span className="text-xs font-medium">{category(entry.category)}</span>}
      </div>
      <p className="text-[15px] font-medium text-text">
        <Foreign text={sentence(entry)} />
      </p>
      {entry.why && (
        <p className="text-text">
          <Foreign text={entry.why} />
        </p>
      )}
    </div>
  );
}

function Actions({ detail, onStep }: { detail: LogDetail; onStep: ((by: 1 | -1) => void) | undefined }) {
  const { entry } = detail;
  const open = !useMe().tenant;
  const mayBan = useMay("analyst") && open;
  const mayExcept = useMay("admin") && open;
  const [, navigate] = useLocation();
  const [banning, setBanning] = useState(false);
  const [draft, setDraft] = useState<ExceptionDraft | null>(null);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(curlLike(detail));
      toast("Copied. The line begins with # so that pasting it does nothing.");
    } catch {
      toast.error(new Error("The browser does not let this page copy."));
    }
  };
  return (
    <>
      {onStep && (
        <span className="mr-auto flex">
          <IconButton icon={ChevronLeft} label="Newer" onClick={() => onStep(-1)} />
          <IconButton icon={ChevronRight} label="Older" onClick={() => onStep(1)} />
        </span>
      )}
      <Button icon={Copy} onClick={() => void copy()}>
        Copy as curl
      </Button>
      {mayBan && (
        <Tooltip text="Fills in the request by hand, to be judged by today's rules">
          <Button icon={FlaskConical} onClick={() => navigate(`/rules?tab=test&from=${encodeURIComponent(entry.id)}`)}>
            Test again
          </Button>
        </Tooltip>
      )}
      {mayExcept && entry.rules.length > 0 && (
        <Button icon={CircleSlash} onClick={() => setDraft(draftOfAll(detail))}>
          Make an exception
        </Button>
      )}
      {mayBan && (
        <Button variant="danger" icon={Ban} onClick={() => setBanning(true)}>
          Ban
        </Button>
      )}
      <BanDialog
        open={banning}
        onClose={() => setBanning(false)}
        subjects={subjectsOf(entry)}
        cause={entry.category ? category(entry.category) : ""}
      />
      <ExceptionDialog draft={draft} onClose={() => setDraft(null)} />
    </>
  );
}

/** The exception that a finding suggests: this rule, in this field, on this path. */
export function draftOf(entry: Pick<LogEntry, "policy" | "path">, finding: Partial<Evidence>): ExceptionDraft {
  return {
    policy: entry.policy,
    ...(finding.rule ? { rule: finding.rule } : {}),
    field: placeOf(finding),
    path: entry.path,
  };
}

/** The same with all rules that found something to choose from. */
function draftOfAll({ entry, verdict }: LogDetail): ExceptionDraft {
  const evidence = verdict?.evidence ?? [];
  const first = evidence.find(({ rule }) => rule === entry.rules[0]);
  const fields = Object.fromEntries(evidence.map((finding) => [finding.rule, placeOf(finding)]));
  return { ...draftOf(entry, first ?? { rule: entry.rules[0] ?? "" }), rules: entry.rules, fields };
}

/** The field as exceptions name it; detectors of behaviour look at no field. */
function placeOf({ location, field, rule }: Partial<Evidence>): string {
  if (!location || rule?.startsWith("behaviour-")) return "";
  return field ? `${location}:${field}` : location;
}

function Timings({ detail }: { detail: LogDetail }) {
  const outer = detail.timings_us;
  const inner = detail.verdict?.stages_us ?? {};
  const rows = STAGES.flatMap(([key, name]) => {
    const value = outer[key] ?? inner[key];
    return value === undefined ? [] : [{ key, name, value, part: !(key in outer) }];
  });
  const total = detail.entry.duration_us;
  const own = (outer.limit ?? 0) + (outer.inspect ?? 0) + (outer.answer ?? 0);
  return (
    <Section
      title="Where the time went"
      hint={`${micros(total)} from the request's head to the answer's end; ${micros(own)} of it was spent judging.`}
    >
      <ul className="flex flex-col gap-1.5 text-[13px]">
        {rows.map(({ key, name, value, part }) => (
          <li key={key} className="flex items-center gap-3">
            <span className={part ? "w-44 pl-4 text-muted" : "w-44"}>{name}</span>
            <Bar share={total > 0 ? value / total : 0} tone={part ? "bg-line-strong" : "bg-accent"} />
            <span className="w-20 text-right">{micros(value)}</span>
          </li>
        ))}
      </ul>
    </Section>
  );
}

function Remark({ children }: { children: ReactNode }) {
  return <p className="text-xs text-muted">{children}</p>;
}

const OUTCOMES: Record<string, string> = {
  complete: "the answer was sent to its end",
  "client-gone": "the client left before the end",
  "upstream-error": "the service behind the gateway failed",
  timeout: "somebody took too long",
  refused: "the request was malformed, ambiguous or too large",
  "internal-error": "the gateway itself failed",
};

const LABELS: Record<string, string> = { address: "Address", user: "User", session: "Session", key: "API key" };
const subjectLabel = (subject: string) => LABELS[subject.slice(0, subject.indexOf(":"))] ?? "Subject";

const textOf = (value: unknown): string => (typeof value === "string" ? value : "");

/** The request as it was sent, as far as it was kept. */
function requestText(entry: LogEntry, record: LogDetail["record"], side: Side | undefined): string {
  const target = entry.query ? `${entry.path}?${entry.query}` : entry.path;
  const line = [entry.method, target, textOf(record.protocol)].filter(Boolean).join(" ");
  const kept = sideText(side);
  if (!line) return "(no request could be read)";
  if (headersOf(side).length > 0) return `${line}\n${kept}`;
  return `${line}\nhost: ${entry.host}${kept ? `\n\n${kept}` : ""}`;
}

function sideText(side: Side | undefined): string {
  const headers = headersOf(side).map(([name, value]) => `${name}: ${value}`);
  return [headers.join("\n"), side?.body ?? ""].filter(Boolean).join("\n\n");
}
