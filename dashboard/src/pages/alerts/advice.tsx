// What to do, and buttons that do it: whatever calls the API recommends. Those that weaken the protection are asked about.
import { Ban, Check, Lightbulb, type LucideIcon, RotateCcw, ShieldCheck, ShieldOff, Zap } from "lucide-react";
import { useState } from "react";
import { Link } from "wouter";
import { useApi, useRemedy, useSend } from "@/api/queries";
import type { AlertDetails, Ban as BanData, Remedy, Role } from "@/api/types";
import { fullTime } from "@/lib/format";
import { useMay } from "@/shell/session";
import { Ago, Button, CodeBlock, Dialog, Field, Foreign, Input, toast } from "@/ui";
import { isClient } from "./incident";

const MAKES_OLD = ["/api/v1/alerts", "/api/v1/bans", "/api/v1/subjects", "/api/v1/exceptions", "/api/v1/config"];
const ICONS: Record<string, LucideIcon> = { ban: Ban, acknowledge: Check, exception: ShieldOff, enforce: ShieldCheck };
/** Who may do it: the least role of the API's routes. */
const needs = ({ path }: Remedy): Role => (/^\/api\/v1\/(alerts|bans)\b/.test(path) ? "analyst" : "admin");
const isAcknowledge = ({ kind }: Remedy) => kind === "acknowledge";

export function AdviceBox({ details: { alert, advice } }: { details: AlertDetails }) {
  const [asked, setAsked] = useState<Remedy | null>(null);
  const remedy = useRemedy(MAKES_OLD);
  const ban = useBan(isClient(alert) ? alert.subject : "");
  const isOpen = alert.state === "open";
  const offered = advice.remedies.filter((one) => (isAcknowledge(one) ? isOpen : !(one.kind === "ban" && ban)));
  const carryOut = (one: Remedy, body: unknown = one.body) =>
    remedy.mutate(
      { method: one.method, path: one.path, body },
      {
        onSuccess: () => {
          setAsked(null);
          toast(doneWords(one));
        },
        onError: toast.error,
      },
    );
  return (
    <section className="flex flex-col gap-3 rounded-lg border border-line bg-sunken p-4" aria-label="What to do">
      <div className="flex gap-3">
        <Lightbulb className="mt-0.5 size-4 shrink-0 text-accent" aria-hidden />
        <div className="min-w-0">
          <h3 className="text-[13px] font-semibold">What to do</h3>
          <p>
            <Foreign text={advice.text} />
          </p>
        </div>
      </div>
      {ban && <Banned ban={ban} />}
      <div className="flex flex-wrap gap-2">
        {offered.map((one, index) => (
          <RemedyButton
            key={`${one.kind} ${one.path}`}
            remedy={one}
            isFirst={index === 0}
            busy={remedy.isPending && remedy.variables?.path === one.path}
            onClick={() => (needs(one) === "admin" ? setAsked(one) : carryOut(one))}
          />
        ))}
        {!isOpen && <Reopen id={alert.id} />}
        {isClient(alert) && (
          <Link
            href={`/subjects?open=${encodeURIComponent(alert.subject)}`}
            className="inline-flex h-8 items-center rounded-md px-3 font-medium text-accent hover:bg-hover"
          >
            What else this client did
          </Link>
        )}
      </div>
      {asked && (
        <Ask
          key={asked.path}
          remedy={asked}
          busy={remedy.isPending}
          onClose={() => setAsked(null)}
          onDo={(body) => carryOut(asked, body)}
        />
      )}
    </section>
  );
}

function RemedyButton({
  remedy,
  isFirst,
  busy,
  onClick,
}: {
  remedy: Remedy;
  isFirst: boolean;
  busy: boolean;
  onClick: () => void;
}) {
  const role = needs(remedy);
  const may = useMay(role);
  const variant = remedy.kind === "ban" ? "danger" : isFirst ? "primary" : "secondary";
  return (
    <Button
      variant={variant}
      icon={ICONS[remedy.kind] ?? Zap}
      busy={busy}
      disabled={!may}
      title={may ? undefined : `Only a user with the role ${role} may do this`}
      className="h-auto min-h-8 max-w-full py-1 text-left whitespace-normal!"
      onClick={onClick}
    >
      <span className="min-w-0 break-all">
        <Foreign text={remedy.label} />
      </span>
    </Button>
  );
}

const doneWords = (remedy: Remedy): string =>
  ({
    ban: "Banned. It holds at once; lift it here or under Subjects.",
    acknowledge: "Acknowledged.",
    exception: "The exception holds from now on.",
    enforce: "The policy enforces from now on.",
  })[remedy.kind] ?? "Done.";

/** Shows what would be sent, and lets the reason be said in one's own words. */
function Ask({
  remedy,
  busy,
  onClose,
  onDo,
}: {
  remedy: Remedy;
  busy: boolean;
  onClose: () => void;
  onDo: (body: unknown) => void;
}) {
  const given = (remedy.body ?? {}) as Record<string, unknown>;
  const [reason, setReason] = useState(typeof given.reason === "string" ? given.reason : "");
  const body = "reason" in given ? { ...given, reason } : remedy.body;
  return (
    <Dialog
      open
      onClose={onClose}
      title={<Foreign text={`${remedy.label}?`} />}
      description="This changes how requests are judged from now on. It can be taken back under Rules or Settings."
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button
            variant="primary"
            busy={busy}
            disabled={"reason" in given && !reason.trim()}
            onClick={() => onDo(body)}
          >
            Do it
          </Button>
        </>
      }
    >
      <div className="flex flex-col gap-3">
        {"reason" in given && (
          <Field label="Why" hint="Stands beside it for whoever looks later.">
            <Input value={reason} maxLength={200} onChange={(event) => setReason(event.target.value)} />
          </Field>
        )}
        <CodeBlock label="What is sent" text={`${remedy.method} ${remedy.path}\n${JSON.stringify(body, null, 2)}`} />
      </div>
    </Dialog>
  );
}

function Reopen({ id }: { id: string }) {
  const may = useMay("analyst");
  const send = useSend("post", "/api/v1/alerts/{id}/reopen", ["/api/v1/alerts"]);
  return (
    <Button
      icon={RotateCcw}
      busy={send.isPending}
      disabled={!may}
      onClick={() => send.mutate({ path: { id } }, { onSuccess: () => toast("Open again."), onError: toast.error })}
    >
      Reopen
    </Button>
  );
}

/** The ban of a client that holds now. */
function useBan(subject: string): BanData | undefined {
  const query = { q: subject, limit: 50 };
  const { data } = useApi("/api/v1/bans", { query }, { enabled: subject !== "", refetchInterval: 15_000 });
  return data?.bans.find((ban) => ban.subject === subject);
}

function Banned({ ban }: { ban: BanData }) {
  const may = useMay("analyst");
  const lift = useSend("delete", "/api/v1/bans/{subject}", MAKES_OLD);
  return (
    <p className="flex flex-wrap items-center gap-x-3 gap-y-2 rounded-md bg-bad-soft px-3 py-2 text-[13px] text-bad">
      <Ban className="size-4 shrink-0" aria-hidden />
      <span className="min-w-0 flex-1">
        This client is banned
        {ban.until ? (
          <span title={fullTime(ban.until)}>
            ; the ban ends <Ago when={ban.until} />.
          </span>
        ) : (
          " until somebody lifts it."
        )}
      </span>
      <Button
        size="sm"
        busy={lift.isPending}
        disabled={!may}
        onClick={() =>
          lift.mutate(
            { path: { subject: ban.subject } },
            { onSuccess: () => toast("The ban is lifted."), onError: toast.error },
          )
        }
      >
        Lift the ban
      </Button>
    </p>
  );
}
