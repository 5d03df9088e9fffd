// Words with a colour and a sign. Levels and actions look the same everywhere.
import type { LucideIcon } from "lucide-react";
import type { ReactNode } from "react";
import { cx } from "@/lib/cx";
import { actionLook, levelLook } from "@/lib/levels";

export type BadgeTone = "neutral" | "accent" | "ok" | "info" | "warn" | "high" | "bad";
const TONES: Record<BadgeTone, string> = {
  neutral: "bg-sunken text-muted",
  accent: "bg-accent-soft text-accent",
  ok: "bg-ok-soft text-ok",
  info: "bg-info-soft text-info",
  warn: "bg-warn-soft text-warn",
  high: "bg-high-soft text-high",
  bad: "bg-bad-soft text-bad",
};

export function Badge({
  tone = "neutral",
  icon: Icon,
  className,
  children,
}: {
  tone?: BadgeTone;
  icon?: LucideIcon;
  className?: string;
  children: ReactNode;
}) {
  return (
    <span
      className={cx(
        "inline-flex h-5 max-w-full items-center gap-1 rounded-full px-2 text-xs font-medium whitespace-nowrap",
        TONES[tone],
        className,
      )}
    >
      {Icon && <Icon className="size-3 shrink-0" aria-hidden />}
      <span className="truncate">{children}</span>
    </span>
  );
}

/** LOW to CRITICAL. Draws nothing where the engine did not look. */
export function LevelBadge({ level, className }: { level: string | null | undefined; className?: string }) {
  const look = levelLook(level);
  return look ? <Looked look={look} {...(className ? { className } : {})} /> : null;
}

/** What was done; with `would`, what would have been done where the policy only observes. */
export function ActionBadge({ action, would }: { action: string | null | undefined; would?: string | null }) {
  const look = actionLook(would || action);
  if (!look) return null;
  return <Looked look={look}>{would ? `Would be ${look.word.toLowerCase()}` : look.word}</Looked>;
}

function Looked({
  look,
  className,
  children,
}: {
  look: NonNullable<ReturnType<typeof levelLook>>;
  className?: string;
  children?: ReactNode;
}) {
  const Icon = look.icon;
  return (
    <span
      className={cx(
        "inline-flex h-5 items-center gap-1 rounded-full px-2 text-xs font-medium whitespace-nowrap",
        look.soft,
        className,
      )}
    >
      <Icon className="size-3 shrink-0" aria-hidden />
      {children ?? look.word}
    </span>
  );
}

/** A threat score from 0 to 100 with its level's colour and a bar. */
export function Score({ value, level }: { value: number; level?: string | null }) {
  const look = levelLook(level);
  return (
    <span className="inline-flex items-center gap-2">
      <span className={cx("w-6 text-right font-medium", look?.text)}>{Math.round(value)}</span>
      <svg viewBox="0 0 40 4" className="h-1 w-10 shrink-0" aria-hidden focusable="false">
        <rect width="40" height="4" rx="2" fill="var(--c-line)" />
        <rect
          width={Math.max(0, Math.min(100, value)) * 0.4}
          height="4"
          rx="2"
          fill={look?.colour ?? "var(--c-line-strong)"}
        />
      </svg>
    </span>
  );
}
