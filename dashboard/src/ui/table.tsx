// Tables: a plain one for what fits on a page, and a virtual one for any number of rows. Both take TanStack columns;
// a row that can be opened is opened by click, Enter or Space, and is a real link where `href` is given.
import { type ColumnDef, flexRender, getCoreRowModel, getSortedRowModel, useReactTable } from "@tanstack/react-table";
import { useVirtualizer } from "@tanstack/react-virtual";
import { ArrowDown, ArrowUp } from "lucide-react";
import { type KeyboardEvent, type ReactNode, useEffect, useRef } from "react";
import { cx } from "@/lib/cx";

declare module "@tanstack/react-table" {
  interface ColumnMeta<TData, TValue> {
    /** Figures stand at the right. */
    right?: boolean;
    /** Not shown on a phone, or not below a wide screen. */
    hide?: "phone" | "narrow";
    /** Width of the column in a virtual table, as in `grid-template-columns`; 1fr unless said. */
    width?: string;
  }
}

// biome-ignore lint/suspicious/noExplicitAny: a table has columns of many value types
export type Columns<T> = ColumnDef<T, any>[];

interface Common<T> {
  columns: Columns<T>;
  rows: readonly T[];
  /** What a row is known by. */
  id: (row: T) => string;
  /** What the table shows; read out. */
  label: string;
  onOpen?: (row: T) => void;
  /** The id of the row that is open. */
  open?: string;
}

const HIDE = { phone: "max-sm:hidden", narrow: "max-lg:hidden" } as const;
const hidden = (hide: "phone" | "narrow" | undefined) => (hide ? HIDE[hide] : undefined);

function opener<T>(row: T, onOpen: ((row: T) => void) | undefined) {
  if (!onOpen) return {};
  return {
    tabIndex: 0,
    onClick: (event: { target: EventTarget; currentTarget: Element }) => {
      // A link or a button within the row acts for itself; marking text opens nothing.
      const inner = (event.target as Element).closest("a,button,input,label,select");
      if ((inner && event.currentTarget.contains(inner)) || window.getSelection()?.toString()) return;
      onOpen(row);
    },
    onKeyDown: (event: KeyboardEvent) => {
      if (event.target !== event.currentTarget || (event.key !== "Enter" && event.key !== " ")) return;
      event.preventDefault();
      onOpen(row);
    },
  };
}

export function Table<T>({
  columns,
  rows,
  id,
  label,
  onOpen,
  open,
  empty,
  sortable = false,
}: Common<T> & { empty?: ReactNode; sortable?: boolean }) {
  const table = useReactTable({
    data: rows as T[],
    columns,
    getRowId: id,
    getCoreRowModel: getCoreRowModel(),
    getSortedRowModel: getSortedRowModel(),
    enableSorting: sortable,
  });
  if (rows.length === 0 && empty) return empty;
  return (
    <section className="overflow-x-auto" tabIndex={0} aria-label={label}>
      <table className="w-full border-collapse text-left text-[13px]">
        <caption className="sr-only">{label}</caption>
        <thead>
          {table.getHeaderGroups().map((group) => (
            <tr key={group.id} className="border-b border-line">
              {group.headers.map((header) => {
                const { meta } = header.column.columnDef;
                const sorted = header.column.getIsSorted();
                const text = header.isPlaceholder
                  ? null
                  : flexRender(header.column.columnDef.header, header.getContext());
                return (
                  <th
                    key={header.id}
                    scope="col"
                    aria-sort={sorted ? (sorted === "asc" ? "ascending" : "descending") : undefined}
                    className={cx(
                      "px-3 py-2 text-xs font-medium whitespace-nowrap text-muted first:pl-4 last:pr-4",
                      meta?.right && "text-right",
                      hidden(meta?.hide),
                    )}
                  >
                    {header.column.getCanSort() ? (
                      <button
                        type="button"
                        className="inline-flex items-center gap-1 hover:text-text"
                        onClick={header.column.getToggleSortingHandler()}
                      >
                        {text}
                        {sorted === "asc" && <ArrowUp className="size-3" aria-hidden />}
                        {sorted === "desc" && <ArrowDown className="size-3" aria-hidden />}
                      </button>
                    ) : (
                      text
                    )}
                  </th>
                );
              })}
            </tr>
          ))}
        </thead>
        <tbody>
          {table.getRowModel().rows.map((row) => (
            <tr
              key={row.id}
              aria-selected={open === undefined ? undefined : row.id === open}
              className={cx(
                "border-b border-line last:border-0 focus-visible:-outline-offset-2",
                onOpen && "cursor-pointer hover:bg-hover",
                row.id === open && "bg-accent-soft",
              )}
              {...opener(row.original, onOpen)}
            >
              {row.getVisibleCells().map((cell) => {
                const { meta } = cell.column.columnDef;
                return (
                  <td
                    key={cell.id}
                    className={cx(
                      "px-3 py-2 align-middle first:pl-4 last:pr-4",
                      meta?.right && "text-right",
                      hidden(meta?.hide),
                    )}
                  >
                    {flexRender(cell.column.columnDef.cell, cell.getContext())}
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

export const ROW_PX = 36;

/**
 * Any number of rows in a box that scrolls; only those in sight exist. `onEnd` is called when the end comes near.
 * The box takes the height that its parent leaves.
 */
export function VirtualTable<T>({
  columns,
  rows,
  id,
  label,
  onOpen,
  open,
  onEnd,
  foot,
  className,
}: Common<T> & { onEnd?: () => void; foot?: ReactNode; className?: string }) {
  const box = useRef<HTMLDivElement>(null);
  const table = useReactTable({
    data: rows as T[],
    columns,
    getRowId: id,
    getCoreRowModel: getCoreRowModel(),
    enableSorting: false,
  });
  const all = table.getRowModel().rows;
  const virtual = useVirtualizer({
    count: all.length,
    getScrollElement: () => box.current,
    estimateSize: () => ROW_PX,
    overscan: 12,
  });
  const items = virtual.getVirtualItems();
  const last = items.at(-1)?.index ?? -1;
  useEffect(() => {
    if (onEnd && all.length > 0 && last >= all.length - 20) onEnd();
  }, [last, all.length, onEnd]);
  const line = "flex w-full items-center gap-3 px-4";
  return (
    <div ref={box} className={cx("min-h-0 overflow-auto", className)} tabIndex={0} role="region" aria-label={label}>
      <div role="table" aria-label={label} aria-rowcount={all.length + 1} className="min-w-full text-[13px]">
        <div role="rowgroup" className="sticky top-0 z-10 border-b border-line bg-surface">
          {table.getHeaderGroups().map((group) => (
            <div key={group.id} role="row" aria-rowindex={1} tabIndex={-1} className={cx(line, "h-9")}>
              {group.headers.map((header) => {
                const { meta } = header.column.columnDef;
                return (
                  <div
                    key={header.id}
                    role="columnheader"
                    tabIndex={-1}
                    style={flex(meta?.width)}
                    className={cx(
                      "truncate text-xs font-medium text-muted",
                      meta?.right && "text-right",
                      hidden(meta?.hide),
                    )}
                  >
                    {flexRender(header.column.columnDef.header, header.getContext())}
                  </div>
                );
              })}
            </div>
          ))}
        </div>
        <div role="rowgroup" className="relative" style={{ height: virtual.getTotalSize() }}>
          {items.map((item) => {
            const row = all[item.index];
            if (!row) return null;
            return (
              <div
                key={row.id}
                role="row"
                aria-rowindex={item.index + 2}
                data-row={row.id}
                className={cx(
                  line,
                  "absolute top-0 left-0 border-b border-line focus-visible:-outline-offset-2",
                  onOpen && "cursor-pointer hover:bg-hover",
                  row.id === open && "bg-accent-soft",
                )}
                style={{ height: ROW_PX, transform: `translateY(${item.start}px)` }}
                {...opener(row.original, onOpen)}
              >
                {row.getVisibleCells().map((cell) => {
                  const { meta } = cell.column.columnDef;
                  return (
                    <div
                      key={cell.id}
                      role="cell"
                      style={flex(meta?.width)}
                      className={cx("min-w-0 truncate", meta?.right && "text-right", hidden(meta?.hide))}
                    >
                      {flexRender(cell.column.columnDef.cell, cell.getContext())}
                    </div>
                  );
                })}
              </div>
            );
          })}
        </div>
      </div>
      {foot}
    </div>
  );
}

/** "120px" is fixed, "2fr" grows. */
function flex(width = "1fr"): { flex: string } {
  return width.endsWith("fr") ? { flex: `${Number.parseFloat(width)} 1 0` } : { flex: `0 0 ${width}` };
}

/** Further pages of a list: says how many are shown and fetches more. */
export function Pagination({
  shown,
  total,
  noun,
  more,
  busy,
  onMore,
}: {
  shown: number;
  total?: number;
  noun: string;
  more: boolean;
  busy?: boolean;
  onMore: () => void;
}) {
  return (
    <div className="flex items-center justify-between gap-3 border-t border-line px-4 py-2 text-xs text-muted">
      <span aria-live="polite">
        {shown.toLocaleString("en")}
        {total !== undefined && ` of ${total.toLocaleString("en")}`} {noun}
      </span>
      {more && (
        <button
          type="button"
          className="rounded-md px-2 py-1 font-medium text-accent hover:bg-hover disabled:opacity-50"
          disabled={busy}
          onClick={onMore}
        >
          {busy ? "Loading…" : "Show more"}
        </button>
      )}
    </div>
  );
}
