// What all charts share: a figure with a name, a summary for who does not see it, and a size that follows its box.
import { type ReactNode, useId } from "react";
import { cx } from "@/lib/cx";

export interface Series {
  /** The member of a row. */
  key: string;
  label: string;
  /** A colour by meaning (`levelLook`, `actionLook`), or one of the eight of the palette. */
  colour?: string;
}

export const colourOf = (series: Series, index: number): string => series.colour ?? `var(--c-chart-${(index % 8) + 1})`;

export function Figure({
  summary,
  legend,
  height,
  className,
  children,
}: {
  /** What the chart says, in a sentence. */
  summary: string;
  legend?: readonly { label: string; colour: string }[];
  height: number;
  className?: string;
  children: ReactNode;
}) {
  const id = useId();
  return (
    <figure className={cx("min-w-0", className)} aria-labelledby={id}>
      <figcaption id={id} className="sr-only">
        {summary}
      </figcaption>
      {legend && legend.length > 1 && (
        <ul className="mb-2 flex flex-wrap gap-x-4 gap-y-1 text-xs text-muted" aria-label="Legend">
          {legend.map(({ label, colour }) => (
            <li key={label} className="flex items-center gap-1.5">
              <svg viewBox="0 0 8 8" className="size-2" aria-hidden focusable="false">
                <rect width="8" height="8" rx="2" fill={colour} />
              </svg>
              {label}
            </li>
          ))}
        </ul>
      )}
      <div aria-hidden style={{ height }}>
        {children}
      </div>
    </figure>
  );
}
