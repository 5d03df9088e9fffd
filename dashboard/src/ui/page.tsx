// The frame of a page: its heading, what can be done, and an even distance between its parts.
import type { ReactNode } from "react";
import { cx } from "@/lib/cx";
import { useTitle } from "@/lib/hooks";

export function Page({
  title,
  hint,
  actions,
  fill = false,
  children,
}: {
  title: string;
  hint?: ReactNode;
  actions?: ReactNode;
  /** As high as the window, for a table that scrolls in itself. */
  fill?: boolean;
  children: ReactNode;
}) {
  useTitle(title);
  return (
    <div className={cx("mx-auto flex w-full max-w-[1600px] flex-col gap-4 p-4 md:p-6", fill && "h-full min-h-[480px]")}>
      <header className="flex flex-wrap items-center gap-x-4 gap-y-2">
        <div className="min-w-0 flex-1">
          <h1 className="text-lg leading-7 font-semibold tracking-tight">{title}</h1>
          {hint && <p className="text-muted">{hint}</p>}
        </div>
        {actions && <div className="flex flex-wrap items-center gap-2">{actions}</div>}
      </header>
      {children}
    </div>
  );
}
