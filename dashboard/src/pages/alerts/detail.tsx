// One alert: what happened, what to do, and what it rests on.
import { ArrowRight } from "lucide-react";
import type { ReactNode } from "react";
import { Link } from "wouter";
import { address } from "@/api/client";
import { useApi } from "@/api/queries";
import type { Alert, AlertDetails } from "@/api/types";
import { category, dayTime, decimal, fullTime } from "@/lib/format";
import { Ago, Badge, Drawer, ErrorState, Foreign, LevelBadge, SkeletonRows } from "@/ui";
import { AdviceBox } from "./advice";
import { Examples } from "./examples";
import { Facts } from "./facts";
import { History } from "./history";
import { plural, records } from "./incident";

export function Detail({ id, known, onClose }: { id: string; known: Alert | undefined; onClose: () => void }) {
  const query = useApi("/api/v1/alerts/{id}", { path: { id } }, { enabled: id !== "", refetchInterval: 15_000 });
  const alert = query.data?.alert ?? known;
  return (
    <Drawer
      open={id !== ""}
      onClose={onClose}
      title={alert ? <Foreign text={alert.title} /> : "Alert"}
      description={alert && <Summary alert={alert} />}
    >
      {query.data ? (
        <Body details={query.data} />
      ) : query.error ? (
        <ErrorState error={query.error} title="This alert cannot be shown" retry={() => void query.refetch()} />
      ) : (
        <SkeletonRows rows={8} />
      )}
    </Drawer>
  );
}

function Summary({ alert }: { alert: Alert }) {
  const span = dayTime(alert.first) === dayTime(alert.last);
  return (
    <span className="mt-1 flex flex-wrap items-center gap-x-3 gap-y-1">
      <LevelBadge level={alert.level} />
      {alert.state === "acknowledged" ? (
        <Badge tone="neutral">Acknowledged{alert.acknowledged_by ? ` by ${alert.acknowledged_by}` : ""}</Badge>
      ) : (
        <Badge tone="accent">Open</Badge>
      )}
      <span>{plural(alert.requests, "request")}</span>
      <span title={`${fullTime(alert.first)} to ${fullTime(alert.last)}`}>
        {span ? dayTime(alert.first) : `${dayTime(alert.first)} to ${dayTime(alert.last)}`}
      </span>
      <span>
        last <Ago when={alert.last} />
      </span>
    </span>
  );
}

function Body({ details }: { details: AlertDetails }) {
  const { alert } = details;
  const question = records(alert);
  return (
    <div className="flex flex-col gap-6">
      <Part title="What happened">
        <p className="text-[15px] leading-6">
          {alert.why ? <Foreign text={alert.why} /> : `${category(alert.category)}.`}
        </p>
        <p className="text-xs text-muted">
          The worst request scored {decimal(alert.score)} of 100. Opened by the alert rule{" "}
          <Foreign text={alert.rule} className="font-mono" />
          {alert.tenant && (
            <>
              {" "}
              for tenant <Foreign text={alert.tenant} />
            </>
          )}
          .
        </p>
      </Part>
      <AdviceBox details={details} />
      {alert.examples.length > 0 && (
        <Part title="Example requests" hint="The first of them, with what was found marked.">
          <Examples key={alert.id} examples={alert.examples} />
        </Part>
      )}
      <Part title="How many, and where">
        <Facts alert={alert} />
        {question && (
          <Link
            href={address("/logs", {}, question)}
            className="inline-flex items-center gap-1 text-[13px] font-medium text-accent hover:underline"
          >
            All of these requests in the log
            <ArrowRight className="size-3.5" aria-hidden />
          </Link>
        )}
      </Part>
      <Part title="Who was told, and remarks">
        <History details={details} />
      </Part>
    </div>
  );
}

function Part({ title, hint, children }: { title: string; hint?: string; children: ReactNode }) {
  return (
    <section className="flex flex-col gap-2">
      <div>
        <h3 className="text-[13px] font-semibold">{title}</h3>
        {hint && <p className="text-xs text-muted">{hint}</p>}
      </div>
      {children}
    </section>
  );
}
