// Buttons. `variant` says how much they matter; a busy one keeps its width and takes no second click.
import { LoaderCircle, type LucideIcon } from "lucide-react";
import type { ButtonHTMLAttributes, ReactNode, Ref } from "react";
import { cx } from "@/lib/cx";
import { Tooltip } from "./tooltip";

export type Variant = "primary" | "secondary" | "ghost" | "danger";

const LOOKS: Record<Variant, string> = {
  primary: "bg-accent text-on-accent hover:bg-accent-hover border-transparent",
  secondary: "bg-surface text-text hover:bg-hover border-line",
  ghost: "text-muted hover:text-text hover:bg-hover border-transparent",
  danger: "bg-bad-soft text-bad hover:border-bad border-transparent",
};
const BASE =
  "inline-flex items-center justify-center gap-1.5 rounded-md border font-medium whitespace-nowrap select-none " +
  "transition-colors disabled:opacity-50 disabled:pointer-events-none";

export interface ButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  variant?: Variant;
  size?: "sm" | "md";
  icon?: LucideIcon;
  busy?: boolean;
  ref?: Ref<HTMLButtonElement>;
}

export function Button({
  variant = "secondary",
  size = "md",
  icon: Icon,
  busy = false,
  className,
  children,
  disabled,
  type = "button",
  ...rest
}: ButtonProps) {
  const room = size === "sm" ? "h-7 px-2 text-[13px]" : "h-8 px-3";
  return (
    <button
      type={type}
      className={cx(BASE, LOOKS[variant], room, className)}
      disabled={disabled || busy}
      aria-busy={busy || undefined}
      {...rest}
    >
      {busy ? (
        <LoaderCircle className="size-4 animate-spin" aria-hidden />
      ) : (
        Icon && <Icon className="size-4 shrink-0" aria-hidden />
      )}
      {children}
    </button>
  );
}

export interface IconButtonProps extends Omit<ButtonProps, "children" | "icon"> {
  icon: LucideIcon;
  /** What it does; read out, and shown on hover. */
  label: string;
  children?: ReactNode;
}

export function IconButton({
  icon: Icon,
  label,
  variant = "ghost",
  size = "md",
  busy: _,
  className,
  children,
  type = "button",
  ...rest
}: IconButtonProps) {
  return (
    <Tooltip text={label}>
      <button
        type={type}
        aria-label={label}
        className={cx(BASE, LOOKS[variant], size === "sm" ? "size-7" : "size-8", "shrink-0", className)}
        {...rest}
      >
        <Icon className="size-4" aria-hidden />
        {children}
      </button>
    </Tooltip>
  );
}
