// Stops that may have been false alarms, for somebody to look at.
import { Check, Scale, ShieldMinus } from "lucide-react";
import { useMemo, useState } from "react";
import { Link } from "wouter";
import { useApi, useApiKept } from "@/api/queries";
import type { LogPage } from "@/api/types";
import { category, count } from "@/lib/format";
import type { Range } from "@/lib/range";
import { useMay, useMe } from "@/shell/session";
import { ActionBadge, Ago, Badge, Button, Card, Empty, Foreign, Loaded, Pagination } from "@/ui";
import { CLOSE, type Doubt, doubtsOf } from "./doubt";
import { ExceptionDialog } from "./exception";
import { useReviewed } from "./reviewed";

/** How many of the newest stops are looked through. */
const LOOKED_THROUGH = 1_000;
const AT_FIRST = 6;

export function Review({ range }: { range: Range }) {
  const query = useApiKept(
    "/api/v1/logs",
    {
      query: {
        action: "deny,throttle",
        since: range.since,
        ...(range.until ? { until: range.until } : {}),
        limit: LOOKED_THROUGH,
      },
    },
    { staleTime: 30_000 },
  );
  return (
    <Card
      flush
      title="Worth a second look"
      hint={
        <>
          Stops that may be false alarms: one rule alone decided, or the score was less than {CLOSE} points over its
          bound. Bans, limits and clients with a bad history are left out. What hit most clients comes first, since
          attackers are few.
        </>
      }
    >
      <Loaded query={query}>{(page) => <Queue page={page} />}</Loaded>
    </Card>
  );
}

function Queue({ page }: { page: LogPage }) {
  const { tenant } = useMe();
  const settings = useApi("/api/v1/config", {}, { enabled: !tenant, staleTime: 30_000 });
  const reviewed = useReviewed();
  const [shown, setShown] = useState(AT_FIRST);
  const [excepted, setExcepted] = useState<Doubt | null>(null);
  const policies = settings.data?.policies;
  const all = useMemo(() => doubtsOf(page.logs, policies ?? []), [page.logs, policies]);
  const open = all.filter(({ key }) => !reviewed.has(key));
  const hidden = all.length - open.length;
  const through = `${count(page.logs.length)} ${page.next ? "newest " : ""}stops looked through`;
  return (
    <>
      {open.length === 0 ? (
        <Empty icon={Scale} title={all.length === 0 ? "No stop looks doubtful" : "You have looked at all of them"}>
          {page.logs.length === 0 ? "Nothing was stopped in this time." : `${through}.`}
        </Empty>
      ) : (
        <ul>
          {open.slice(0, shown).map((doubt) => (
            <Item
              key={doubt.key}
              doubt={doubt}
              onRight={() => reviewed.add(doubt.key)}
              onExcept={() => setExcepted(doubt)}
            />
          ))}
        </ul>
      )}
      <Pagination
        shown={Math.min(shown, open.length)}
        total={open.length}
        noun={`kinds of stops · ${through}`}
        more={open.length > shown}
        onMore={() => setShown(shown + 12)}
      />
      {hidden > 0 && (
        <p className="flex flex-wrap items-center gap-2 px-4 pb-3 text-xs text-muted">
          {count(hidden)} that looked right {hidden === 1 ? "is" : "are"} hidden in this browser.
          <button type="button" className="text-accent hover:underline" onClick={reviewed.clear}>
            Show them again
          </button>
        </p>
      )}
      {excepted && (
        <ExceptionDialog
          doubt={excepted}
          onClose={() => setExcepted(null)}
          onDone={() => {
            reviewed.add(excepted.key);
            setExcepted(null);
          }}
        />
      )}
    </>
  );
}

function Item({ doubt, onRight, onExcept }: { doubt: Doubt; onRight: () => void; onExcept: () => void }) {
  const mayExcept = useMay("admin");
  const { example, margin } = doubt;
  return (
    <li className="flex flex-wrap items-start gap-x-4 gap-y-2 border-t border-line px-4 py-3">
      <div className="min-w-0 flex-1 basis-80">
        <p className="font-medium">
          <Foreign text={doubt.why || category(example.category)} />
        </p>
        <p className="mt-0.5 text-[13px] break-words text-muted">
          <Foreign text={`${doubt.method} ${doubt.path}`} className="font-mono text-xs break-all text-text" /> ·{" "}
          {doubt.rules.map((rule, index) => (
            <span key={rule}>
              {index > 0 && ", "}
              <Link href={`/rules?open=${encodeURIComponent(rule)}`} className="hover:underline">
                <Foreign text={rule} className="font-mono text-xs" />
              </Link>
            </span>
          ))}
        </p>
        <p className="mt-1.5 flex flex-wrap items-center gap-1.5">
          <ActionBadge action={example.action} would={example.would} />
          {doubt.alone && <Badge>one rule alone</Badge>}
          {margin !== null && margin < CLOSE && (
            <Badge>{margin <= 0 ? "exactly at its bound" : `${Math.round(margin)} over its bound`}</Badge>
          )}
          <span className="text-xs text-muted">
            {count(doubt.requests)} {doubt.requests === 1 ? "request" : "requests"} from {count(doubt.clients)}{" "}
            {doubt.clients === 1 ? "client" : "clients"}, last <Ago when={example.time} />
          </span>
        </p>
      </div>
      <div className="flex flex-wrap items-center gap-2">
        <Link
          href={`/logs?open=${encodeURIComponent(example.id)}`}
          className="px-1 text-[13px] font-medium text-accent hover:underline"
        >
          Look at it
        </Link>
        <Button size="sm" icon={Check} onClick={onRight}>
          Looks right
        </Button>
        {mayExcept && (
          <Button size="sm" icon={ShieldMinus} onClick={onExcept}>
            Make an exception
          </Button>
        )}
      </div>
    </li>
  );
}
