// The state of things in one word, from the open alerts: the first question that a person has.
import { ShieldCheck } from "lucide-react";
import { useEffect } from "react";
import { Link } from "wouter";
import { live } from "@/api/live";
import { makeOld, queryClient, useApi } from "@/api/queries";
import type { Level } from "@/api/types";
import { cx } from "@/lib/cx";
import { levelLook } from "@/lib/levels";
import { PAGES } from "@/pages";

/** The worst level among open alerts, and how many are open; undefined until it is known. */
export function useThreat(): { level: Level | null; open: number } | undefined {
  const { data } = useApi("/api/v1/alerts", { query: { state: "open", limit: 1 } }, { refetchInterval: 15_000 });
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const stop = live.watchAlerts(() => {
      timer ??= setTimeout(() => {
        timer = undefined;
        void makeOld(queryClient, ["/api/v1/alerts"]);
      }, 400);
    });
    return () => {
      stop();
      clearTimeout(timer);
    };
  }, []);
  if (!data) return undefined;
  const { critical, high, medium, low } = data.open;
  const level = critical ? "CRITICAL" : high ? "HIGH" : medium ? "MEDIUM" : low ? "LOW" : null;
  return { level, open: critical + high + medium + low };
}

export function ThreatLevel() {
  const threat = useThreat();
  if (!threat) return null;
  const look = levelLook(threat.level);
  const Icon = look?.icon ?? ShieldCheck;
  const text = look ? `${look.word} · ${threat.open} open` : "Calm";
  const long = look ? `Threat level ${look.word}, ${threat.open} open alerts` : "Calm: no open alert";
  const className = cx(
    "inline-flex h-7 items-center gap-1.5 rounded-full px-2.5 text-xs font-medium whitespace-nowrap",
    look?.soft ?? "bg-ok-soft text-ok",
  );
  const inner = (
    <>
      <Icon className="size-3.5" aria-hidden />
      <span data-threat={threat.level ?? "NONE"}>{text}</span>
    </>
  );
  return PAGES.some(({ path }) => path === "/alerts") ? (
    <Link href="/alerts" className={cx(className, "hover:underline")} title={long}>
      {inner}
    </Link>
  ) : (
    <span className={className} title={long}>
      {inner}
    </span>
  );
}
