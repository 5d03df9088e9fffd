// Surfaces: a card with an optional heading, and a figure with its name.
import type { LucideIcon } from "lucide-react";
import { type ReactNode, useId } from "react";
import { cx } from "@/lib/cx";
import { Skeleton } from "./states";

export interface CardProps {
  title?: ReactNode;
  /** A sentence under the title. */
  hint?: ReactNode;
  /** At the right of the title: buttons, a legend. */
  actions?: ReactNode;
  /** Without inner padding: for tables. */
  flush?: boolean;
  className?: string;
  children?: ReactNode;
}

export function Card({ title, hint, actions, flush = false, className, children }: CardProps) {
  const id = useId();
  const head = title || actions;
  return (
    <section className={cx("card min-w-0", className)} aria-labelledby={title ? id : undefined}>
      {head && (
        <header className={cx("flex flex-wrap items-center gap-x-3 gap-y-1 px-4 pt-3", flush && "pb-3")}>
          <div className="min-w-0 flex-1">
            {title && (
              <h2 id={id} className="text-[13px] font-semibold">
                {title}
              </h2>
            )}
            {hint && <p className="text-xs text-muted">{hint}</p>}
          </div>
          {actions && <div className="flex items-center gap-2">{actions}</div>}
        </header>
      )}
      <div className={cx(!flush && (head ? "p-4 pt-3" : "p-4"))}>{children}</div>
    </section>
  );
}

export type Tone = "plain" | "ok" | "info" | "warn" | "high" | "bad";
const TONES: Record<Tone, string> = {
  plain: "text-text",
  ok: "text-ok",
  info: "text-info",
  warn: "text-warn",
  high: "text-high",
  bad: "text-bad",
};

export interface StatProps {
  label: string;
  value: ReactNode;
  /** A line under the figure: what it is compared with, what it is made of. */
  hint?: ReactNode;
  icon?: LucideIcon;
  tone?: Tone;
  /** A sparkline or the like. */
  chart?: ReactNode;
  loading?: boolean;
  className?: string;
}

export function Stat({ label, value, hint, icon: Icon, tone = "plain", chart, loading, className }: StatProps) {
  return (
    <div className={cx("card flex min-w-0 flex-col gap-1 p-4", className)}>
      <dl className="min-w-0">
        <dt className="flex items-center gap-1.5 text-xs font-medium text-muted">
          {Icon && <Icon className="size-3.5 shrink-0" aria-hidden />}
          <span className="truncate">{label}</span>
        </dt>
        <dd className={cx("mt-1 truncate text-2xl leading-8 font-semibold tracking-tight", TONES[tone])}>
          {loading ? <Skeleton className="h-8 w-24" /> : value}
        </dd>
        {hint && <dd className="text-xs text-muted">{hint}</dd>}
      </dl>
      {chart && <div className="mt-auto pt-1">{chart}</div>}
    </div>
  );
}
