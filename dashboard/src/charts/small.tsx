// Charts without Recharts: a spark, ranked bars, a heat map, a ring. A few lines of SVG or HTML each.
import type { ReactNode } from "react";
import { cx } from "@/lib/cx";
import { brief } from "@/lib/format";
import { Foreign } from "@/ui/text";
import { Figure } from "./frame";

/** A line without axes, for a figure's company. Says nothing to who does not see it: the figure does. */
export function Sparkline({
  values,
  colour = "var(--c-accent)",
  height = 28,
  max,
}: {
  values: readonly number[];
  colour?: string;
  height?: number;
  max?: number;
}) {
  const top = max ?? Math.max(1e-9, ...values);
  const width = 120;
  const at = (value: number, index: number) => {
    const x = values.length > 1 ? (index / (values.length - 1)) * width : width;
    const y = height - 2 - Math.max(0, Math.min(1, value / top)) * (height - 4);
    return `${x.toFixed(1)},${y.toFixed(1)}`;
  };
  const line = values.map(at).join(" ");
  return (
    <svg
      viewBox={`0 0 ${width} ${height}`}
      preserveAspectRatio="none"
      className="block w-full"
      style={{ height }}
      aria-hidden
      focusable="false"
    >
      {values.length > 1 && (
        <>
          <polygon points={`0,${height} ${line} ${width},${height}`} fill={colour} opacity={0.12} />
          <polyline points={line} fill="none" stroke={colour} strokeWidth={1.5} vectorEffect="non-scaling-stroke" />
        </>
      )}
    </svg>
  );
}

export interface Ranked {
  name: string;
  value: number;
  /** Shown instead of the name. */
  label?: ReactNode;
  /** Beside the value. */
  note?: ReactNode;
  colour?: string;
  onClick?: () => void;
}

/** Names with a bar each. The list itself is the accessible form. */
export function RankedBars({
  items,
  label,
  format = brief,
}: {
  items: readonly Ranked[];
  label: string;
  format?: (value: number) => string;
}) {
  const top = Math.max(1e-9, ...items.map((item) => item.value));
  return (
    <ol aria-label={label} className="flex flex-col gap-2.5">
      {items.map((item) => {
        const name = item.label ?? <Foreign text={item.name} />;
        return (
          <li key={item.name} className="flex flex-col gap-1 text-[13px]">
            <span className="flex items-baseline gap-3">
              <span className="min-w-0 flex-1 truncate" title={item.name}>
                {item.onClick ? (
                  <button type="button" className="max-w-full truncate hover:underline" onClick={item.onClick}>
                    {name}
                  </button>
                ) : (
                  name
                )}
              </span>
              {item.note && <span className="text-xs text-muted">{item.note}</span>}
              <span className="font-medium">{format(item.value)}</span>
            </span>
            <svg viewBox="0 0 100 4" preserveAspectRatio="none" className="h-1 w-full" aria-hidden focusable="false">
              <rect width="100" height="4" fill="var(--c-sunken)" />
              <rect width={(item.value / top) * 100} height="4" fill={item.colour ?? "var(--c-accent)"} />
            </svg>
          </li>
        );
      })}
    </ol>
  );
}

/** Rows by columns, darker for more. `cells[row][column]`; null is unknown. */
export function HeatMap({
  rows,
  columns,
  cells,
  summary,
  format = brief,
  colour = "var(--c-accent)",
  cellHeight = 18,
  everyColumn = 1,
}: {
  rows: readonly string[];
  columns: readonly string[];
  cells: readonly (readonly (number | null)[])[];
  summary: string;
  format?: (value: number) => string;
  colour?: string;
  cellHeight?: number;
  /** Write every so-manieth column's name. */
  everyColumn?: number;
}) {
  const top = Math.max(1e-9, ...cells.flat().map((value) => value ?? 0));
  const height = rows.length * cellHeight;
  return (
    <Figure summary={summary} height={height + 20}>
      <div className="grid grid-cols-[auto_minmax(0,1fr)] gap-x-2 text-[11px] text-faint">
        <div>
          {rows.map((row) => (
            <div key={row} className="flex items-center justify-end whitespace-nowrap" style={{ height: cellHeight }}>
              {row}
            </div>
          ))}
        </div>
        {/* Only rectangles stretch with the box; words stand beside and below. */}
        <svg
          viewBox={`0 0 ${columns.length} ${rows.length}`}
          preserveAspectRatio="none"
          className="w-full"
          style={{ height }}
          aria-hidden
          focusable="false"
        >
          {cells.map((line, y) =>
            line.map((value, x) => (
              <rect
                key={`${y}-${x}`}
                x={x + 0.04}
                y={y + 0.05}
                width={0.92}
                height={0.9}
                fill={value ? colour : "var(--c-sunken)"}
                opacity={value ? 0.15 + 0.85 * Math.sqrt(value / top) : 1}
              >
                <title>{`${rows[y]}, ${columns[x]}: ${value === null ? "unknown" : format(value)}`}</title>
              </rect>
            )),
          )}
        </svg>
        <span />
        <div className="relative h-5">
          {columns.map((column, x) =>
            x % everyColumn === 0 ? (
              <span
                key={x}
                // A phone has room for half of them.
                className={cx("absolute top-0.5 whitespace-nowrap", (x / everyColumn) % 2 === 1 && "max-sm:hidden")}
                style={{ left: `${(x / columns.length) * 100}%` }}
              >
                {column}
              </span>
            ) : null,
          )}
        </div>
      </div>
    </Figure>
  );
}

export interface Share {
  label: string;
  value: number;
  colour: string;
}

/** Shares of a whole as one bar with its legend: levels, actions. */
export function ShareBar({
  shares,
  label,
  format = brief,
}: {
  shares: readonly Share[];
  label: string;
  format?: (v: number) => string;
}) {
  const total = shares.reduce((sum, share) => sum + share.value, 0);
  let from = 0;
  return (
    <div>
      <svg
        viewBox="0 0 100 6"
        preserveAspectRatio="none"
        className="h-2.5 w-full rounded-full"
        aria-hidden
        focusable="false"
      >
        <rect width="100" height="6" fill="var(--c-sunken)" />
        {shares.map((share) => {
          const width = total > 0 ? (share.value / total) * 100 : 0;
          const x = from;
          from += width;
          return width > 0 ? (
            <rect key={share.label} x={x} width={Math.max(0, width - 0.3)} height="6" fill={share.colour} />
          ) : null;
        })}
      </svg>
      <ul aria-label={label} className="mt-3 flex flex-wrap gap-x-5 gap-y-1.5 text-[13px]">
        {shares.map((share) => (
          <li key={share.label} className={cx("flex items-center gap-1.5", share.value === 0 && "text-muted")}>
            <svg viewBox="0 0 8 8" className="size-2" aria-hidden focusable="false">
              <rect width="8" height="8" rx="2" fill={share.colour} />
            </svg>
            <span className="text-muted">{share.label}</span>
            <span className="font-medium">{format(share.value)}</span>
          </li>
        ))}
      </ul>
    </div>
  );
}
